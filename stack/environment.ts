/** What our own processes, worker and API, are given of the caller's environment. */
import { delimiter, join } from 'node:path';
import type { KubectlTarget } from './kubectl.ts';
import { kubeTarget, type Plan } from './plan.ts';
import { bareEnvironment } from './services/service.ts';
import type { State } from './state.ts';

/** Settings of the user's tools, which are none of ours, and what npm and git leave behind in a child's environment. */
const NOT_OURS =
  /^(KUBECONFIG|KUBE_.*|KUBERNETES_.*|TEMPORAL_.*|HELM_.*|DOCKER_.*|ORAS_.*|GIT_.*|npm_.*|NODE_OPTIONS|INIT_CWD|HOLDFAST_TEST_.*)$/i;

/** Variables that choose a foreign Temporal; with the embedded one they must not leak into the parts. */
const TEMPORAL_SETTING = /^HOLDFAST_TEMPORAL_/;

/**
 * The variables of the caller that may stay for a child that talks to a foreign cluster: its exec plugin may need the
 * home, the PATH and a cloud's own settings.
 */
export function callerEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !NOT_OURS.test(entry[0]),
    ),
  );
}

/** Points helm, oras and docker's credential lookup at folders of ours. */
export function toolHomes(home: string): Record<string, string> {
  return {
    HELM_CONFIG_HOME: join(home, 'helm', 'config'),
    HELM_CACHE_HOME: join(home, 'helm', 'cache'),
    HELM_DATA_HOME: join(home, 'helm', 'data'),
    DOCKER_CONFIG: join(home, 'docker'),
  };
}

function clusterEnvironment(state: State, plan: Plan, env: NodeJS.ProcessEnv): Record<string, string> {
  const base = plan.foreignCluster === null ? bareEnvironment(state.home) : callerEnvironment(env);
  return { ...base, ...toolHomes(state.home) };
}

/** How kubectl, and by its variables helm, reaches the plan's cluster. */
export function kubectlTarget(state: State, plan: Plan, env: NodeJS.ProcessEnv): KubectlTarget {
  const { bin, home } = state;
  return { bin, home, ...kubeTarget(state, plan), env: clusterEnvironment(state, plan, env) };
}

function partEnvironment(state: State, plan: Plan, env: NodeJS.ProcessEnv): Record<string, string> {
  const own = callerEnvironment(env);
  const kept =
    plan.foreignTemporal === null
      ? Object.fromEntries(Object.entries(own).filter(([name]) => !TEMPORAL_SETTING.test(name)))
      : own;
  const address = plan.foreignTemporal === null ? `127.0.0.1:${plan.ports.temporal}` : plan.foreignTemporal.address;
  return {
    ...kept,
    ...toolHomes(state.home),
    ...(plan.foreignCluster === null ? { HOME: state.home } : {}),
    PATH: `${state.bin}${delimiter}${env['PATH'] ?? ''}`,
    HOLDFAST_CLUSTER: plan.cluster,
    ...(address === null ? {} : { HOLDFAST_TEMPORAL_ADDRESS: address }),
  };
}

export function workerEnvironment(state: State, plan: Plan, env: NodeJS.ProcessEnv): Record<string, string> {
  const { kubeconfig, context } = kubeTarget(state, plan);
  return {
    ...partEnvironment(state, plan, env),
    HOLDFAST_KUBECONFIG: kubeconfig,
    // Empty counts as absent.
    HOLDFAST_KUBE_CONTEXT: context ?? '',
    HOLDFAST_DATA_DIR: join(state.data, 'worker'),
    HOLDFAST_WORKER_PORT: String(plan.ports.worker),
    HOLDFAST_HELM: join(state.bin, 'helm'),
    HOLDFAST_ORAS: join(state.bin, 'oras'),
  };
}

export function apiEnvironment(state: State, plan: Plan, env: NodeJS.ProcessEnv): Record<string, string> {
  const given = env['HOLDFAST_TEMPORAL_UI'];
  const ui = plan.foreignTemporal === null ? `http://127.0.0.1:${plan.ports.temporalUi}` : given;
  return {
    ...partEnvironment(state, plan, env),
    HOLDFAST_API_HOST: '127.0.0.1',
    HOLDFAST_API_PORT: String(plan.ports.api),
    HOLDFAST_TOKENS_FILE: state.tokens,
    ...(ui === undefined ? {} : { HOLDFAST_TEMPORAL_UI: ui }),
  };
}
