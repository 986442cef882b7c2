import type { NotReady } from '../../workflows/core/model.ts';
import { type Kube, KubeError, type Manifest } from '../ports.ts';
import { readyReason, type ReadyOptions } from './kstatus.ts';

/** An object that a release's manifest names, its namespace filled in; null for one that has none. */
export interface Wanted {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | null;
}

/** Kinds that are ready by being there, so that asking for each of them would tell nothing. */
const ALWAYS_READY: ReadonlySet<string> = new Set([
  'v1 ConfigMap',
  'v1 Secret',
  'v1 ServiceAccount',
  'v1 LimitRange',
  'v1 ResourceQuota',
  'rbac.authorization.k8s.io/v1 Role',
  'rbac.authorization.k8s.io/v1 RoleBinding',
  'rbac.authorization.k8s.io/v1 ClusterRole',
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding',
  'networking.k8s.io/v1 NetworkPolicy',
  'networking.k8s.io/v1 IngressClass',
  'scheduling.k8s.io/v1 PriorityClass',
  'storage.k8s.io/v1 StorageClass',
]);

/** Requests under way at once for one release. */
const AT_ONCE = 8;

/** Look at every object of a revision; answers those that are not ready, in the manifest's order. */
export async function checkReadiness(
  kube: Kube,
  objects: readonly Wanted[],
  options: ReadyOptions & { readonly signal?: AbortSignal },
): Promise<readonly NotReady[]> {
  const asked = objects.filter(({ apiVersion, kind }) => !ALWAYS_READY.has(`${apiVersion} ${kind}`));
  const found: (NotReady | null)[] = [];
  for (let start = 0; start < asked.length; start += AT_ONCE) {
    const batch = asked.slice(start, start + AT_ONCE);
    found.push(...(await Promise.all(batch.map((object) => check(kube, object, options)))));
  }
  return found.filter((one) => one !== null);
}

async function check(
  kube: Kube,
  object: Wanted,
  { signal, ...options }: ReadyOptions & { readonly signal?: AbortSignal },
): Promise<NotReady | null> {
  const live = await read(kube, object, signal);
  const reason = live === null ? 'is missing' : readyReason(live, options);
  if (reason === null) return null;
  const detail = live === null ? null : await podTrouble(kube, live, signal);
  const name = object.namespace === null ? object.name : `${object.namespace}/${object.name}`;
  return { object: `${object.kind} ${name}`, reason: detail === null ? reason : `${reason}: ${detail}` };
}

async function read(
  kube: Kube,
  { apiVersion, kind, name, namespace }: Wanted,
  signal?: AbortSignal,
): Promise<Manifest | null> {
  const resource = await kube.resource(apiVersion, kind);
  if (resource === null) return null;
  const path = resource.path({ name, namespace: namespace ?? undefined });
  try {
    return await kube.request<Manifest>({ method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job'];

/** Why the first pod of a workload that is not ready does not run, in its own words: image, scheduling, crash. */
async function podTrouble(kube: Kube, live: Manifest, signal?: AbortSignal): Promise<string | null> {
  if (!WORKLOADS.includes(live.kind)) return null;
  const labels = matchLabels(live);
  const { namespace } = live.metadata;
  if (labels === null || namespace === undefined) return null;
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const query = { labelSelector, limit: 20 };
  const { items } = await kube.request<{ items: readonly Manifest[] }>({
    method: 'GET',
    path,
    query,
    ...(signal === undefined ? {} : { signal }),
  });
  for (const pod of items) {
    const trouble =
      waitingReason(pod) ?? readyReason({ ...pod, apiVersion: 'v1', kind: 'Pod' }, { waitForJobs: false });
    if (trouble !== null) return `pod ${pod.metadata.name} ${trouble}`;
  }
  return null;
}

function matchLabels(live: Manifest): Readonly<Record<string, string>> | null {
  // The shape is that of every workload's `spec.selector`, which the API server has validated.
  const spec = live['spec'] as { selector?: { matchLabels?: Record<string, string> } } | undefined;
  const labels = spec?.selector?.matchLabels ?? {};
  return Object.keys(labels).length === 0 ? null : labels;
}

/** `ImagePullBackOff`, `CrashLoopBackOff` and the like; their messages may quote a registry's answer, so not those. */
function waitingReason(pod: Manifest): string | null {
  const status = pod['status'] as
    { containerStatuses?: readonly { name: string; state?: { waiting?: { reason?: string } } }[] } | undefined;
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting?.reason !== undefined);
  if (waiting === undefined) return null;
  return `has container ${waiting.name} in ${waiting.state?.waiting?.reason ?? ''}`;
}
