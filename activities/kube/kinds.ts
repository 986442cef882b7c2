import type { EntityKind, ObjectRef } from '../../workflows/core/ids.ts';
import type { KubeRequest } from '../ports.ts';

/** Where our own kinds live. They need no discovery. */
export const KINDS: Readonly<Record<EntityKind, { readonly apiVersion: string; readonly plural: string }>> = {
  HelmRelease: { apiVersion: 'helm-operator.ketches.cn/v1alpha1', plural: 'helmreleases' },
  HelmRepository: { apiVersion: 'helm-operator.ketches.cn/v1alpha1', plural: 'helmrepositories' },
  GitRepository: { apiVersion: 'holdfast.dev/v1alpha1', plural: 'gitrepositories' },
};

/** Path of one object of ours, or of its status. */
export function objectPath(kind: EntityKind, { namespace, name }: ObjectRef, subresource = ''): string {
  const { apiVersion, plural } = KINDS[kind];
  return `/apis/${apiVersion}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}${subresource}`;
}

/** Path of all objects of a kind in the cluster. */
export function listPath(kind: EntityKind): string {
  const { apiVersion, plural } = KINDS[kind];
  return `/apis/${apiVersion}/${plural}`;
}

/** Names, labels and annotations without bodies: an answer stays small whatever the objects hold. */
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
export const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

/** Write `metadata` or `status` of an object, under a field manager of ours, without ever touching `spec`. */
export const PATCH = {
  merge: { method: 'PATCH', contentType: 'application/merge-patch+json' },
  json: { method: 'PATCH', contentType: 'application/json-patch+json' },
  apply: { method: 'PATCH', contentType: 'application/apply-patch+yaml' },
} as const satisfies Record<string, Pick<KubeRequest, 'method' | 'contentType'>>;

export const ANNOTATIONS = {
  requestedAt: 'holdfast.dev/requestedAt',
  fluxRequestedAt: 'reconcile.fluxcd.io/requestedAt',
  resetAt: 'holdfast.dev/resetAt',
  fluxResetAt: 'reconcile.fluxcd.io/resetAt',
  forceAt: 'holdfast.dev/forceAt',
  fluxForceAt: 'reconcile.fluxcd.io/forceAt',
  rollbackTo: 'holdfast.dev/rollbackTo',
  suspended: 'holdfast.dev/suspended',
  abandon: 'holdfast.dev/abandon',
  confirmPrune: 'holdfast.dev/confirmPrune',
  sourceRevision: 'holdfast.dev/source-revision',
  driftDetection: 'holdfast.dev/driftDetection',
  fluxDriftDetection: 'helm.toolkit.fluxcd.io/driftDetection',
} as const;

export const LABELS = {
  sourceNamespace: 'holdfast.dev/source-namespace',
  sourceName: 'holdfast.dev/source-name',
} as const;

export const MANAGERS = { status: 'holdfast-status', meta: 'holdfast-meta' } as const;

export const FINALIZERS = {
  HelmRelease: 'helm-operator.ketches.cn/release-finalizer',
  GitRepository: 'holdfast.dev/finalizer',
} as const;
