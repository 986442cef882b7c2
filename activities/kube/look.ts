import { isSamePlace, wantedTarget } from '../../workflows/core/facts.ts';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { Look, StoredRelease } from '../../workflows/core/model.ts';
import { ownerHash } from '../owner.ts';
import type { Kube } from '../ports.ts';
import { type Linked, readDependants } from './dependants.ts';
import { dependenciesOf, readDependencies } from './dependencies.ts';
import type { Answer } from './follow-version.ts';
import { listRecords, type RecordLabels } from './helm-records.ts';
import { type CrossNamespace, readHelmRelease } from './helm-release.ts';
import { listPath } from './kinds.ts';
import type { LastSeen } from './last-seen.ts';
import { listMetadata } from './list.ts';
import { placeInStatus } from './release-status.ts';

export interface LookInput {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly crossNamespace: CrossNamespace;
  /** Where the release is, when that is known; null: where the spec says. */
  readonly target: ObjectRef | null;
  /** The version that its range was found to stand for. Absent or null: not known. */
  readonly resolution?: Answer | null;
}

export interface LookDeps {
  readonly kube: Kube;
  /** Through which that is read which other releases read as well; absent: like all else. */
  readonly shared?: Kube;
  /** Is told what was seen. */
  readonly seen?: LastSeen;
  /** All HelmReleases of the cluster, as `createLinkedList` lists them. */
  readonly listLinked: () => Promise<readonly Linked[]>;
}

/**
 * One look: the object first, then what Helm's storage holds for it, then the releases that come before it. All is
 * read from the server and not from a cache.
 */
export async function look(deps: LookDeps, input: LookInput): Promise<Look> {
  const { kube, shared = kube } = deps;
  const { cluster, ref, crossNamespace, target, resolution } = input;
  const read = await readHelmRelease(kube, ref, { crossNamespace, resolution, shared });
  if (read === null) return { object: null, stored: null };
  const { object, manifest } = read;
  const toRevision = read.spec?.rollback.toRevision ?? 0;
  const looker = { cluster, ref, toRevision };
  const wanted = wantedTarget(object);
  const told = placeInStatus(manifest['status']);
  const { at, stored } = await findStored(kube, { wanted, known: target, told }, looker);
  deps.seen?.note(manifest, stored === null ? null : { ...at, revision: stored.revision, status: stored.status });
  if (!object.deleting) {
    const dependsOn = dependenciesOf(ref.namespace, manifest['spec']);
    const move = isSamePlace(at, wanted) ? {} : { move: { from: at, takenBy: await ownerAt(kube, wanted, looker) } };
    return { object, stored, ...move, ...(await readDependencies(kube, { ref, dependsOn, crossNamespace })) };
  }
  // Where nothing of ours is installed there is nothing to wait with.
  if (stored?.ownedByUs !== true) return { object, stored };
  const since = Date.parse(manifest.metadata.deletionTimestamp ?? '');
  return { object, stored, dependants: await readDependants(deps.listLinked, { ref, since, crossNamespace }) };
}

interface Looker {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly toRevision: number;
}

interface Places {
  /** By the spec. */
  readonly wanted: ObjectRef;
  /** By the memory of the workflow. */
  readonly known: ObjectRef | null;
  /** By the status of the object. */
  readonly told: ObjectRef | null;
}

/**
 * Where the release is, and what lies there. A workflow that remembers nothing believes the status of the object, as far
 * as Helm's storage confirms it: what was installed before is not forgotten because the spec names another place by now.
 */
async function findStored(
  kube: Kube,
  { wanted, known, told }: Places,
  looker: Looker,
): Promise<{ readonly at: ObjectRef; readonly stored: StoredRelease | null }> {
  if (known === null && told !== null && !isSamePlace(told, wanted)) {
    const stored = await readStored(kube, told, looker);
    if (stored?.ownedByUs === true && stored.status !== 'uninstalled') return { at: told, stored };
  }
  const at = known ?? wanted;
  return { at, stored: await readStored(kube, at, looker) };
}

/** The other living HelmRelease whose release lies in a place. */
async function ownerAt(kube: Kube, place: ObjectRef, looker: Looker): Promise<ObjectRef | null> {
  return (await readStored(kube, place, looker))?.otherOwner ?? null;
}

async function readStored(kube: Kube, release: ObjectRef, looker: Looker): Promise<StoredRelease | null> {
  const records = await listRecords(kube, release);
  const newest = records.at(-1);
  if (newest === undefined) return null;
  const ownedByUs = newest.owner === ownerHash(looker.cluster, looker.ref);
  return {
    ...newest,
    ...copyOf(newest, records),
    ownedByUs,
    otherOwner: newest.owner === null || ownedByUs ? null : await findOwner(kube, looker.cluster, newest.owner),
    deployedRevision: records.findLast(({ status }) => status === 'deployed')?.revision ?? null,
    rollbackRevision: rollbackRevisionOf(records, looker.toRevision),
  };
}

/** Helm's upgrade and rollback take over the labels of a revision before, whoever runs them. */
function copyOf({ revision, attempt }: RecordLabels, records: readonly RecordLabels[]): Pick<StoredRelease, 'copyOf'> {
  if (attempt === null) return {};
  const original = records.find((record) => record.attempt === attempt && record.revision < revision);
  return original === undefined ? {} : { copyOf: original.revision };
}

/** The revision that the spec names, or the last one before the newest that was deployed; null: there is no such one. */
function rollbackRevisionOf(records: readonly RecordLabels[], named: number): number | null {
  if (named > 0) return records.some(({ revision }) => revision === named) ? named : null;
  const before = records.slice(0, -1);
  const last = before.findLast(({ status }) => status === 'deployed') ?? before.findLast(isSuperseded);
  return last?.revision ?? null;
}

function isSuperseded({ status }: RecordLabels): boolean {
  return status === 'superseded';
}

/** The living HelmRelease behind an owner label, which is a hash: so all names are hashed until one fits. */
async function findOwner(kube: Kube, cluster: string, owner: string): Promise<ObjectRef | null> {
  for (const { namespace = '', name } of await listMetadata(kube, { path: listPath('HelmRelease') })) {
    if (ownerHash(cluster, { namespace, name }) === owner) return { namespace, name };
  }
  return null;
}
