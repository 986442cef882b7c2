/** From nothing to a running stack: what is started after what. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pushCharts } from './charts.ts';
import { startControlPlane, type Start } from './control-plane.ts';
import { applyCrds } from './crds.ts';
import { apiEnvironment, kubectlTarget, workerEnvironment } from './environment.ts';
import { runKubectl, type KubectlTarget } from './kubectl.ts';
import type { Plan } from './plan.ts';
import { gitRoot, prepareSampleRepository, SAMPLE_NAMESPACE, sampleObjects } from './sample.ts';
import { startGitServer } from './services/git-server.ts';
import { keptLogin, registry } from './services/registry.ts';
import { answers, bareEnvironment, type Service } from './services/service.ts';
import { temporal } from './services/temporal.ts';
import { CHECKOUT, type State } from './state.ts';
import { WORKER_FLAGS } from './worker-flags.ts';

export interface BringUp {
  readonly state: State;
  readonly plan: Plan;
  readonly env: NodeJS.ProcessEnv;
  readonly start: Start;
  readonly report: (line: string) => void;
}

/** Whether the sample's objects have just been made, were there (or taken away) before, or are not wanted. */
export type SampleState = 'new' | 'kept' | 'none';

export async function bringUp(up: BringUp): Promise<SampleState> {
  const { plan } = up;
  const embedded = plan.foreignCluster === null;
  const kubeconfig = Promise.withResolvers<undefined>();
  const written = (): void => {
    kubeconfig.resolve(undefined);
  };
  if (!embedded) written();
  await Promise.all([
    embedded ? startSampleGit(up) : null,
    embedded ? timed(up, 'registry with the example charts', startRegistry) : null,
    plan.foreignTemporal === null ? timed(up, 'Temporal', startTemporal) : null,
    timed(up, embedded ? 'Kubernetes' : 'CustomResourceDefinitions', () => startCluster(up, written)),
    timed(up, 'API', startApi),
    // It waits for Temporal and the API server by itself, and has its workflow code to bundle meanwhile.
    timed(up, 'worker', () => kubeconfig.promise.then(() => startWorker(up))),
  ]);
  return embedded ? applySample(up) : 'none';
}

async function timed(up: BringUp, what: string, work: (up: BringUp) => Promise<void>): Promise<void> {
  const since = Date.now();
  await work(up);
  up.report(`${what} ready after ${((Date.now() - since) / 1000).toFixed(1)} s`);
}

async function startCluster({ state, plan, env, start }: BringUp, onKubeconfig: () => void): Promise<void> {
  const { bin, data, logs, home, kubeconfig } = state;
  if (plan.foreignCluster === null) {
    await startControlPlane(
      { bin, data, logs, home, kubeconfig, ports: plan.ports, fsync: 'yes', onKubeconfig },
      start,
    );
  }
  await applyCrds(kubectlTarget(state, plan, env));
}

async function startRegistry({ state, plan, start }: BringUp): Promise<void> {
  const { bin, data, logs, home } = state;
  const login = keptLogin(state.registryAuth, 'holdfast');
  const { registry: port } = plan.ports;
  await start(registry({ bin, logs, home, data: join(data, 'registry'), port, login }));
  await pushCharts(state, `127.0.0.1:${port}`, login);
}

/** It lives in this process and ends with it. */
async function startSampleGit({ state, plan }: BringUp): Promise<void> {
  const login = keptLogin(state.gitAuth, 'git');
  await prepareSampleRepository(state, plan.ports);
  await startGitServer({
    root: gitRoot(state),
    port: plan.ports.git,
    home: state.home,
    access: () => ({ read: 'anyone', logins: [login] }),
  });
}

async function startTemporal({ state, plan, start }: BringUp): Promise<void> {
  const { bin, logs, home } = state;
  const { temporal: port, temporalUi: uiPort } = plan.ports;
  const database = join(state.data, 'temporal', 'temporal.db');
  await start(temporal({ bin, logs, home, database, port, uiPort }));
  await setRetention(state, port);
  chmodSync(database, 0o600);
}

const run = promisify(execFile);

const RETENTION_DAYS = 30;
const NAMESPACE_TIMEOUT_MS = 30_000;

/** With the server's own CLI: the SDK's client would cost this process 60 MB for one call. */
async function setRetention({ bin, home }: State, port: number): Promise<void> {
  const update = ['operator', 'namespace', 'update', '--namespace=default', `--retention=${RETENTION_DAYS * 24}h`];
  const deadline = Date.now() + NAMESPACE_TIMEOUT_MS;
  for (;;) {
    try {
      await run(join(bin, 'temporal'), [...update, `--address=127.0.0.1:${port}`], { env: bareEnvironment(home) });
      return;
    } catch (error) {
      // The port is open a moment before the namespace is there.
      if (Date.now() >= deadline) throw error;
      await delay(100);
    }
  }
}

/** The one token that exists without being asked for; its plain text is kept for the hook and the user. */
async function writeFirstToken(state: State): Promise<void> {
  if (existsSync(state.apiToken)) return;
  const args = [join(CHECKOUT, 'api', 'token.ts'), 'add', 'first', '--role', 'write', '--file', state.tokens];
  const { stdout } = await run(process.execPath, args);
  writeFileSync(state.apiToken, stdout, { mode: 0o600 });
}

async function startApi({ state, plan, env, start }: BringUp): Promise<void> {
  await writeFirstToken(state);
  const url = `http://127.0.0.1:${plan.ports.api}/healthz`;
  await start(part(state, { name: 'api', env: apiEnvironment(state, plan, env), url }));
}

async function startWorker({ state, plan, env, start }: BringUp): Promise<void> {
  const url = `http://127.0.0.1:${plan.ports.worker}/healthz`;
  await start(part(state, { name: 'worker', env: workerEnvironment(state, plan, env), url }));
}

interface Part {
  readonly name: 'worker' | 'api';
  readonly env: Readonly<Record<string, string>>;
  readonly url: string;
}

function part({ logs }: State, { name, env, url }: Part): Service {
  return {
    process: {
      name,
      command: process.execPath,
      args: [...(name === 'worker' ? WORKER_FLAGS : []), join(CHECKOUT, name, 'main.ts')],
      env,
      log: join(logs, `${name}.log`),
      cwd: CHECKOUT,
    },
    isReady: () => answers(url),
  };
}

/** At the first start; later only where the sample still stands and its addresses have changed. */
async function applySample({ state, plan, env }: BringUp): Promise<SampleState> {
  const marker = join(state.root, 'sample.json');
  const addresses = JSON.stringify({ git: plan.ports.git, registry: plan.ports.registry });
  const before = existsSync(marker) ? readFileSync(marker, 'utf8') : null;
  if (before === addresses) return 'kept';
  const target = kubectlTarget(state, plan, env);
  if (before !== null && !(await sampleStands(target))) return 'kept';
  const objects = JSON.stringify(sampleObjects(plan.ports, keptLogin(state.registryAuth, 'holdfast')));
  const how = ['apply', '--server-side', '--force-conflicts', '--field-manager=holdfast-start', '--filename=-'];
  await runKubectl(target, how, objects);
  writeFileSync(marker, addresses, { mode: 0o600 });
  return before === null ? 'new' : 'kept';
}

async function sampleStands(target: KubectlTarget): Promise<boolean> {
  const args = ['get', 'gitrepositories.holdfast.dev', 'sample', `--namespace=${SAMPLE_NAMESPACE}`];
  return (await runKubectl(target, [...args, '--ignore-not-found', '--output=name'])).trim() !== '';
}
