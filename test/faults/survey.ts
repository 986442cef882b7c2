/** One look at all cases of a scene: what a driver has to see to know where each of them stands. */
import type { KubeClient } from '../../activities/kube/client.ts';
import { listPath, METADATA_LIST } from '../../activities/kube/kinds.ts';
import { conditionOf, isReady, type Holdfast, type Live } from '../support/holdfast.ts';
import { helmsNaming } from '../support/processes.ts';
import { nameOf, type Case } from './cases.ts';

export interface Seen {
  /** Requests that a gate keeps back for it. */
  readonly held: number;
  /** Helm processes that write for it. */
  readonly helms: number;
  /** Status of Helm's newest record; null: none. */
  readonly newest: string | null;
  /** What the ConfigMap of the release says. */
  readonly message: string | null;
  /** Phase of the pod of its hook. */
  readonly hook: string | null;
  /** The step that Temporal is waiting for, in its newest attempt or in the release itself. */
  readonly step: string | null;
  readonly ready: boolean;
  /** It has come to its end: Ready; or rolled back; or, when it was to be uninstalled, gone. */
  readonly done: boolean;
}

/** What a case looks like. */
export type Survey = (one: Case) => Seen;

/** Where to look. Many looks are taken, and a kubectl for each would keep the machine from what is looked at. */
export interface Sight {
  readonly holdfast: Holdfast;
  readonly kube: KubeClient;
  /** Of the worker: its helms are told of it in their arguments. */
  readonly kubeconfig: string;
}

/** Of what is `held` only the caller knows. */
export async function survey(sight: Sight, held: (one: Case) => number = () => 0): Promise<Survey> {
  const { holdfast, kube } = sight;
  const [releases, configs, hooks, records, steps] = await Promise.all([
    list<Live & Listed>(kube, listPath('HelmRelease')),
    list<Listed & { readonly data?: Labels }>(kube, '/api/v1/configmaps', { fieldSelector: 'metadata.name=app' }),
    list<Listed & { readonly status: { readonly phase: string } }>(kube, '/api/v1/pods', HOOK_PODS),
    newestRecords(kube),
    pendingSteps(holdfast),
  ]);
  return (one) => {
    const namespace = nameOf(one);
    const isHere = ({ metadata }: Listed) => metadata.namespace === namespace;
    const release = releases.find(isHere);
    return {
      held: held(one),
      helms: helmsOf(sight, one).length,
      newest: records.get(namespace) ?? null,
      message: configs.find(isHere)?.data?.['message'] ?? null,
      hook: hooks.find(isHere)?.status.phase ?? null,
      step: steps.get(namespace) ?? null,
      ready: release !== undefined && isReady(release),
      done: isDone(one, release),
    };
  };
}

/** Token of the look that is asked for when an object was changed by another hand. */
export const TAMPERED = 'tampered';

function isDone({ action }: Case, release: Live | undefined): boolean {
  if (release === undefined) return action === 'uninstall';
  // It was Ready before, too.
  if (action === 'correction' && release.status?.['lastHandledRequestedAt'] !== TAMPERED) return false;
  return action === 'rollback' ? conditionOf(release, 'Ready').reason === 'RetriesExceeded' : isReady(release);
}

/** Pods of hooks that are kept from their end. */
export const HOOK_PODS = { labelSelector: 'job=app-hook,holdfast.dev/test-ready=never' };

export type Labels = Readonly<Record<string, string>>;

export interface Listed {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly labels?: Labels };
}

/** All objects of a path, typed by the caller as the API server sends them. */
export async function list<T>(kube: KubeClient, path: string, query: Labels = {}): Promise<readonly T[]> {
  return (await kube.request<{ readonly items: readonly T[] }>({ method: 'GET', path, query })).items;
}

/** Helm processes that work for a case. */
export function helmsOf({ kubeconfig }: Pick<Sight, 'kubeconfig'>, one: Case): readonly number[] {
  return helmsNaming(kubeconfig)
    .filter(({ args }) => args.includes(`--namespace=${nameOf(one)}`))
    .map(({ pid }) => pid);
}

async function newestRecords(kube: KubeClient): Promise<ReadonlyMap<string, string>> {
  const { items } = await kube.request<{ readonly items: readonly Listed[] | null }>({
    method: 'GET',
    path: '/api/v1/secrets',
    query: { labelSelector: 'owner=helm' },
    accept: METADATA_LIST,
  });
  const revisionOf = ({ metadata }: Listed) => Number(metadata.labels?.['version']);
  // An empty list of metadata comes as null.
  const sorted = (items ?? []).toSorted((a, b) => revisionOf(a) - revisionOf(b));
  return new Map(sorted.map(({ metadata }) => [metadata.namespace, metadata.labels?.['status'] ?? '']));
}

/** Long enough to do something in before the next look begins. */
const PAUSE_MS = 1_500;

/** By namespace: the activity that a release, or better its newest attempt, waits for, as Temporal describes it. */
async function pendingSteps({ client, cluster }: Holdfast): Promise<ReadonlyMap<string, string>> {
  const types = "WorkflowType IN ('helmRelease', 'attempt')";
  const query = `${types} AND ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${cluster}/'`;
  const steps = new Map<string, string>();
  for await (const { workflowId, runId, type } of client.workflow.list({ query })) {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    const [activity] = raw.pendingActivities ?? [];
    const namespace = workflowId.split('/')[2] ?? '';
    if (activity == null || (type === 'helmRelease' && steps.has(namespace))) continue;
    const next = Number(activity.nextAttemptScheduleTime?.seconds ?? 0) * 1000;
    const paused = next - Date.now() > PAUSE_MS;
    steps.set(namespace, `${activity.activityType?.name ?? ''}${paused ? ' between two looks' : ''}`);
  }
  return steps;
}
