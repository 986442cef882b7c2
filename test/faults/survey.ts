/** One look at all cases of a scene: what a driver has to see to know where each of them stands. */
import type { KubeClient } from '../../activities/kube/client.ts';
import { listPath, METADATA_LIST } from '../../activities/kube/kinds.ts';
import { isReady, type Holdfast, type Live } from '../support/holdfast.ts';
import { processesNaming } from '../support/processes.ts';
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
  /** The step that Temporal is waiting for in its newest attempt. */
  readonly step: string | null;
  readonly ready: boolean;
}

/** What a case looks like. */
export type Survey = (one: Case) => Seen;

/** Where to look. Many looks are taken, and a kubectl for each would keep the machine from what is looked at. */
export interface Sight {
  readonly holdfast: Holdfast;
  readonly kube: KubeClient;
}

/** Of what is `held` only the caller knows. */
export async function survey({ holdfast, kube }: Sight, held: (one: Case) => number = () => 0): Promise<Survey> {
  const [releases, configs, hooks, records, steps] = await Promise.all([
    list<Live & Listed>(kube, listPath('HelmRelease')),
    list<Listed & { readonly data?: Labels }>(kube, '/api/v1/configmaps', { fieldSelector: 'metadata.name=app' }),
    list<Listed & { readonly status: { readonly phase: string } }>(kube, '/api/v1/pods', HOOKS),
    newestRecords(kube),
    pendingSteps(holdfast),
  ]);
  return (one) => {
    const namespace = nameOf(one);
    const isHere = ({ metadata }: Listed) => metadata.namespace === namespace;
    const release = releases.find(isHere);
    return {
      held: held(one),
      helms: helmsOf(holdfast, one).length,
      newest: records.get(namespace) ?? null,
      message: configs.find(isHere)?.data?.['message'] ?? null,
      hook: hooks.find(isHere)?.status.phase ?? null,
      step: steps.get(namespace) ?? null,
      ready: release !== undefined && isReady(release),
    };
  };
}

/** Pods of hooks that are kept from their end. */
export const HOOKS = { labelSelector: 'job=app-hook,holdfast.dev/test-ready=never' };

type Labels = Readonly<Record<string, string>>;

export interface Listed {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly labels?: Labels };
}

/** All objects of a path, typed by the caller as the API server sends them. */
export async function list<T>(kube: KubeClient, path: string, query: Labels = {}): Promise<readonly T[]> {
  return (await kube.request<{ readonly items: readonly T[] }>({ method: 'GET', path, query })).items;
}

/** Helm processes that work for a case. */
export function helmsOf({ dataDir }: Holdfast, one: Case): readonly number[] {
  return processesNaming(dataDir)
    .filter(({ args }) => args[0]?.endsWith('/helm') === true && args.includes(`--namespace=${nameOf(one)}`))
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

/** By namespace: the activity that the newest attempt waits for, as Temporal describes it. */
async function pendingSteps({ client, cluster }: Holdfast): Promise<ReadonlyMap<string, string>> {
  const query = `WorkflowType = 'attempt' AND ExecutionStatus = 'Running' AND WorkflowId STARTS_WITH '${cluster}/'`;
  const steps = new Map<string, string>();
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
    const [activity] = raw.pendingActivities ?? [];
    const namespace = workflowId.split('/')[2] ?? '';
    if (activity == null) continue;
    const next = Number(activity.nextAttemptScheduleTime?.seconds ?? 0) * 1000;
    const paused = next - Date.now() > PAUSE_MS;
    steps.set(namespace, `${activity.activityType?.name ?? ''}${paused ? ' between two looks' : ''}`);
  }
  return steps;
}
