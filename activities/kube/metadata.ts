import type { EntityKind, ObjectRef } from '../../workflows/core/ids.ts';
import { failure } from '../failures.ts';
import { type Kube, KubeError } from '../ports.ts';
import { ANNOTATIONS, FINALIZERS, MANAGERS, objectPath, PATCH } from './kinds.ts';
import { readOrNull } from './read.ts';
import { type AnyObject, AnyObjectOrNull } from './schema.ts';

/** An object of ours and the uid that it had when it was last looked at. */
export interface Held {
  readonly kind: keyof typeof FINALIZERS;
  readonly ref: ObjectRef;
  readonly uid: string;
}

/** Set our finalizer. Refuses with `ObjectGone` when the object is another by now or is being deleted. */
export async function addFinalizer(kube: Kube, held: Held): Promise<void> {
  const { metadata } = await readHeld(kube, held);
  if (metadata.deletionTimestamp !== undefined) throw gone(held, 'is being deleted');
  await ensureFinalizer(kube, held, metadata.finalizers);
}

/** The same, for an object that was just read with these finalizers. */
export async function ensureFinalizer(kube: Kube, held: Held, present: readonly string[] | undefined): Promise<void> {
  const finalizer = FINALIZERS[held.kind];
  if (present?.includes(finalizer) === true) return;
  await patchFinalizers(kube, held, [
    { op: 'test', path: '/metadata/uid', value: held.uid },
    ...(present === undefined
      ? [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }]
      : [
          { op: 'test', path: '/metadata/finalizers', value: present },
          { op: 'add', path: '/metadata/finalizers/-', value: finalizer },
        ]),
  ]);
}

/** Remove our finalizer. An object that is gone or another by now needs nothing. */
export async function removeFinalizer(kube: Kube, held: Held): Promise<void> {
  const read = AnyObjectOrNull.parse(await readOrNull(kube, objectPath(held.kind, held.ref)));
  const present = read?.metadata.finalizers ?? [];
  if (read?.metadata.uid !== held.uid || !present.includes(FINALIZERS[held.kind])) return;
  try {
    await patchFinalizers(kube, held, [
      { op: 'test', path: '/metadata/uid', value: held.uid },
      { op: 'test', path: '/metadata/finalizers', value: present },
      {
        op: 'replace',
        path: '/metadata/finalizers',
        value: present.filter((finalizer) => finalizer !== FINALIZERS[held.kind]),
      },
    ]);
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}

/** Set or remove the annotation that suspends a release. */
export async function annotateSuspension(
  kube: Kube,
  ref: ObjectRef,
  suspension: { readonly by: string; readonly reason: string } | null,
): Promise<void> {
  const note = suspension === null ? null : JSON.stringify({ by: suspension.by, reason: suspension.reason });
  await kube.request({
    ...PATCH.merge,
    path: objectPath('HelmRelease', ref),
    query: { fieldManager: MANAGERS.meta },
    body: { metadata: { annotations: { [ANNOTATIONS.suspended]: note } } },
  });
}

async function readHeld(kube: Kube, held: Held): Promise<AnyObject> {
  const read = AnyObjectOrNull.parse(await readOrNull(kube, objectPath(held.kind, held.ref)));
  if (read === null) throw gone(held, 'is gone');
  if (read.metadata.uid !== held.uid) throw gone(held, 'was deleted and created anew');
  return read;
}

async function patchFinalizers(kube: Kube, { kind, ref }: Held, body: readonly object[]): Promise<void> {
  try {
    await kube.request({
      ...PATCH.json,
      path: objectPath(kind, ref),
      query: { fieldManager: MANAGERS.meta },
      body,
    });
  } catch (error) {
    // A test of the patch failed: someone else was faster.
    if (error instanceof KubeError && error.status === 422) {
      throw failure('Conflict', `${nameOf(kind, ref)} changed while its finalizer was written`, error);
    }
    throw error;
  }
}

function gone({ kind, ref }: Held, what: string): Error {
  return failure('ObjectGone', `${nameOf(kind, ref)} ${what}`);
}

function nameOf(kind: EntityKind, { namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}
