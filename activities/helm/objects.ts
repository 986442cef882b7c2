import type { ObjectRef } from '../../workflows/core/ids.ts';
import { type Kube, KubeError } from '../ports.ts';
import { describeObject, isKeep, KEEP_ANNOTATION, type ManifestObject } from './manifest.ts';
import { LiveObject } from './schema.ts';

/** An object of a release as it is in the cluster. */
export interface FoundObject {
  readonly object: ManifestObject;
  /** With its namespace filled in: `Deployment production/myapp`. */
  readonly label: string;
  readonly path: string;
  readonly live: LiveObject;
  /** By its manifest or by its annotation in the cluster. */
  readonly keep: boolean;
  /** It carries the annotations by which helm knows its own. */
  readonly owned: boolean;
}

/** Where helm puts an object of a manifest. */
interface Place {
  /** Filled in where the manifest names none; null: it lies in none. */
  readonly namespace: string | null;
  /** `Deployment production/myapp`. */
  readonly label: string;
  /** Null: the cluster does not know its kind, which is taken for one that lies in a namespace. */
  readonly path: string | null;
}

export async function placeOf(
  kube: Kube,
  release: ObjectRef,
  { apiVersion, kind, name, namespace: named }: Pick<ManifestObject, 'apiVersion' | 'kind' | 'name' | 'namespace'>,
): Promise<Place> {
  const resource = await kube.resource(apiVersion, kind);
  const namespace = resource?.namespaced === false ? null : (named ?? release.namespace);
  return {
    namespace,
    label: describeObject({ kind, name, namespace }),
    path: resource?.path({ namespace: namespace ?? undefined, name }) ?? null,
  };
}

/** The object in the cluster; null when it is gone, or its kind is. */
export async function findObject(kube: Kube, release: ObjectRef, object: ManifestObject): Promise<FoundObject | null> {
  const { label, path } = await placeOf(kube, release, object);
  if (path === null) return null;
  const live = await read(kube, path);
  if (live === null) return null;
  const { annotations } = live.metadata;
  return {
    object,
    label,
    path,
    live,
    keep: object.keep || isKeep(annotations[KEEP_ANNOTATION]),
    owned:
      annotations['meta.helm.sh/release-name'] === release.name &&
      annotations['meta.helm.sh/release-namespace'] === release.namespace,
  };
}

const META = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';

async function read(kube: Kube, path: string): Promise<LiveObject | null> {
  try {
    return LiveObject.parse(await kube.request({ method: 'GET', path, accept: META }));
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}

/** Deletes exactly the object that was found; one that is gone or has been replaced since is left alone. */
export async function deleteObject(kube: Kube, { path, live }: FoundObject): Promise<void> {
  const body = { propagationPolicy: 'Background', preconditions: { uid: live.metadata.uid } };
  try {
    await kube.request({ method: 'DELETE', path, body });
  } catch (error) {
    if (!(error instanceof KubeError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

const RESTARTED = ['Deployment', 'StatefulSet', 'DaemonSet'];

export function canRestart({ apiVersion, kind }: ManifestObject): boolean {
  return apiVersion.startsWith('apps/') && RESTARTED.includes(kind);
}

/** What `kubectl rollout restart` does. */
export async function restart(kube: Kube, path: string, at: string): Promise<void> {
  await kube.request({
    method: 'PATCH',
    path,
    query: { fieldManager: 'holdfast' },
    contentType: 'application/strategic-merge-patch+json',
    body: { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } } } },
  });
}
