import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  describeObject,
  fromEntry,
  type InventoryEntry,
  type ObjectId,
  type Stale,
} from '../../workflows/core/git-plan.ts';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import { failure } from '../failures.ts';
import { type Kube, KubeError, type KubeResource } from '../ports.ts';
import { ANNOTATIONS, LABELS, METADATA, objectPath, PATCH } from './kinds.ts';

/** Field manager of what comes from Git. */
export const GIT_MANAGER = 'holdfast';

/** Annotations on applied objects, beside `ANNOTATIONS.sourceRevision`. */
export const SOURCE_DIGEST = 'holdfast.dev/source-digest';
export const PRUNE = 'holdfast.dev/prune';

/** In whose name objects are read and written. */
export interface Applier {
  readonly kube: Kube;
  /** The GitRepository. */
  readonly owner: ObjectRef;
  /** `spec.serviceAccountName`, in the namespace of the GitRepository. */
  readonly as: ObjectRef | null;
  readonly signal: AbortSignal;
}

/** Metadata of any object, as far as applying and pruning depend on it. */
const Live = z.object({
  metadata: z.object({
    uid: z.string(),
    resourceVersion: z.string(),
    deletionTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()).catch({}).default({}),
    annotations: z.record(z.string(), z.string()).catch({}).default({}),
    managedFields: z
      .array(
        z.looseObject({
          manager: z.string().optional(),
          operation: z.string().optional(),
          subresource: z.string().optional(),
          apiVersion: z.string().optional(),
          fieldsV1: z.record(z.string(), z.unknown()).optional(),
        }),
      )
      .default([]),
  }),
});
export type Live = z.infer<typeof Live>['metadata'];

/** A label value has at most 63 characters; a longer name keeps its head and gets a hash. */
export function sourceLabels({ namespace, name }: ObjectRef): Readonly<Record<string, string>> {
  const short = createHash('sha256').update(name).digest('hex').slice(0, 10);
  const value = name.length <= 63 ? name : `${name.slice(0, 52).replace(/[-.]+$/, '')}-${short}`;
  return { [LABELS.sourceNamespace]: namespace, [LABELS.sourceName]: value };
}

export function isOurs({ labels }: Pick<Live, 'labels'>, owner: ObjectRef): boolean {
  return Object.entries(sourceLabels(owner)).every(([key, value]) => labels[key] === value);
}

/** The metadata of an object, or null when there is none. */
export async function readLive({ kube, as, signal }: Applier, path: string): Promise<Live | null> {
  try {
    return Live.parse(await kube.request({ method: 'GET', path, accept: METADATA, signal, ...asAccount(as) })).metadata;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}

export const asAccount = (as: ObjectRef | null): { as?: ObjectRef } => (as === null ? {} : { as });

/** Look at the objects that Git no longer names. */
export async function lookAtStale(applier: Applier, entries: readonly InventoryEntry[]): Promise<readonly Stale[]> {
  return Promise.all(
    entries.map(async (entry): Promise<Stale> => {
      const live = await findLive(applier, fromEntry(entry));
      if (live === null) return { entry, state: 'gone', ours: false, annotation: null };
      const state = live.deletionTimestamp === undefined ? 'present' : 'going';
      return { entry, state, ours: isOurs(live, applier.owner), annotation: live.annotations[PRUNE] ?? null };
    }),
  );
}

/** Take our labels off, so that the object belongs to nobody. */
export async function letGo(applier: Applier, entries: readonly InventoryEntry[]): Promise<void> {
  const none = (keys: readonly string[]): object => Object.fromEntries(keys.map((key) => [key, null]));
  const metadata = {
    labels: none(Object.values(LABELS)),
    annotations: none([ANNOTATIONS.sourceRevision, SOURCE_DIGEST]),
  };
  for (const entry of entries) {
    const id = fromEntry(entry);
    const path = await pathOf(applier.kube, id);
    const live = path === null ? null : await readLive(applier, path);
    if (path === null || live === null || !isOurs(live, applier.owner)) continue;
    const { uid } = live;
    await carryOut(applier, id, {
      ...PATCH.merge,
      path,
      query: { fieldManager: GIT_MANAGER },
      body: { metadata: { ...metadata, uid } },
    });
  }
}

/**
 * Delete an object if it still is ours. Answers what is left of it: `going` while finalizers hold it, which is to be
 * waited for by asking again.
 */
export async function deleteObject(applier: Applier, id: ObjectId): Promise<'gone' | 'going' | 'notOurs'> {
  const path = await pathOf(applier.kube, id);
  const live = path === null ? null : await readLive(applier, path);
  if (path === null || live === null) return 'gone';
  if (!isOurs(live, applier.owner)) return 'notOurs';
  if (live.deletionTimestamp !== undefined) return 'going';
  const preconditions = { uid: live.uid };
  await carryOut(applier, id, { method: 'DELETE', path, body: { preconditions, propagationPolicy: 'Background' } });
  return (await readLive(applier, path)) === null ? 'gone' : 'going';
}

async function carryOut(
  { kube, as, signal }: Applier,
  id: ObjectId,
  request: Parameters<Kube['request']>[0],
): Promise<void> {
  try {
    await kube.request({ ...request, signal, ...asAccount(as) });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    // Gone, or another one by that name: neither is ours any more.
    if (error.status === 404) return;
    if (error.status === 403)
      throw failure('Forbidden', `${describeObject(id)} may not be changed or deleted: ${who(as)}`, error);
    throw failure('Conflict', `${describeObject(id)} cannot be changed or deleted now (${error.reason})`, error);
  }
}

function who(as: ObjectRef | null): string {
  return as === null ? 'Holdfast has no right to' : `ServiceAccount ${as.namespace}/${as.name} has no right to`;
}

async function findLive(applier: Applier, id: ObjectId): Promise<Live | null> {
  const path = await pathOf(applier.kube, id);
  return path === null ? null : readLive(applier, path);
}

/** Null: the kind is gone, and its objects with it. */
async function pathOf(kube: Kube, { apiVersion, kind, namespace, name }: ObjectId): Promise<string | null> {
  const resource = await kube.resource(apiVersion, kind);
  return resource === null ? null : pathIn(resource, { namespace, name });
}

export function pathIn(resource: KubeResource, { namespace, name }: Pick<ObjectId, 'namespace' | 'name'>): string {
  return resource.path(namespace === null ? { name } : { namespace, name });
}

/** The GitRepository that an object's labels name, when that is another one which lives. */
export async function findOtherOwner({ kube, owner, signal }: Applier, live: Live): Promise<string | null> {
  const namespace = live.labels[LABELS.sourceNamespace];
  const name = live.labels[LABELS.sourceName];
  if (namespace === undefined || name === undefined || isOurs(live, owner)) return null;
  try {
    await kube.request({
      method: 'GET',
      path: objectPath('GitRepository', { namespace, name }),
      accept: METADATA,
      signal,
    });
    return `${namespace}/${name}`;
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
    // A name of 63 characters may be a shortened one, whose owner cannot be looked up.
    return name.length >= 63 ? `${namespace}/${name}` : null;
  }
}
