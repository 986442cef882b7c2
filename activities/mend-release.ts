import type { ObjectRef } from '../workflows/core/ids.ts';
import type { LostHelm } from '../workflows/core/model.ts';
import { failure } from './failures.ts';
import { describeObject, parseManifest, type ManifestObject } from './helm/manifest.ts';
import { deleteObject, findObject } from './helm/objects.ts';
import { createStorage, type RecordLabels, type ReleaseRecord, type ReleaseStorage } from './helm/storage.ts';
import { inTheNameOf, readAccount } from './kube/account.ts';
import type { Toolbox } from './operation.ts';
import { endProcess, identifyWorker, isAlive } from './process/identity.ts';
import type { ReleaseActivities } from './types.ts';

type Tools = Pick<Toolbox, 'kube' | 'oneAtATime'>;
type Argument<K extends keyof ReleaseActivities> = Parameters<ReleaseActivities[K]>[0];

/**
 * Mark a deployed revision failed and its predecessor deployed. In this order: were we to die in between, no two
 * revisions would be deployed, and helm upgrades a failed one as well. Doing it twice changes nothing.
 */
export async function failRevision({ kube }: Pick<Tools, 'kube'>, input: Argument<'failRevision'>): Promise<void> {
  const { release, revision, reason } = input;
  const storage = createStorage(kube, release);
  const records = await storage.list();
  const record = records.find((one) => one.revision === revision);
  // Gone or superseded meanwhile: then it is not this revision any more that has failed.
  if (record?.status !== 'deployed' && record?.status !== 'failed') return;
  if (record.status === 'deployed') {
    await storage.setStatus(revision, { from: ['deployed'], to: 'failed', description: failedBy(release, reason) });
  }
  const predecessor = predecessorOf(records, revision);
  if (predecessor?.status === 'superseded') await restore(storage, predecessor.revision);
}

/** As helm words it, so that whoever reads the history, we too, knows a failed revision again. */
function failedBy({ name }: ObjectRef, reason: string): string {
  return `Release "${name}" failed: ${reason}`;
}

/** Helm supersedes a failed revision as well when there is no other to start from. That one goes back to failed. */
async function restore(storage: ReleaseStorage, revision: number): Promise<void> {
  const record = await storage.read(revision);
  const to = record !== null && hadFailed(record) ? 'failed' : 'deployed';
  await storage.setStatus(revision, { from: ['superseded'], to });
}

/**
 * Mark a revision deployed that was marked failed when its wait timed out, and what runs no more superseded. In helm's
 * order: were we to die in between, no two revisions would be deployed. Doing it twice changes nothing.
 */
export async function succeedRevision(
  { kube }: Pick<Tools, 'kube'>,
  input: Argument<'succeedRevision'>,
): Promise<void> {
  const { release, revision } = input;
  const storage = createStorage(kube, release);
  const records = await storage.list();
  const newest = records.at(-1);
  // Another hand has written meanwhile: what becomes of that is for the next look.
  if (newest?.revision !== revision || newest.status !== 'failed') return;
  for (const before of records.filter(({ status }) => status === 'deployed')) {
    await storage.setStatus(before.revision, { from: ['deployed'], to: 'superseded' });
  }
  const description = revision === 1 ? 'Install complete' : 'Upgrade complete';
  await storage.setStatus(revision, { from: ['failed'], to: 'deployed', description });
}

/** Whether a revision that was superseded since had failed. */
export function hadFailed({ description }: Pick<ReleaseRecord, 'description'>): boolean {
  return /^(?:Release|Upgrade|Rollback) "[^"]*" failed: /.test(description);
}

/** The last one before it that was deployed; never one that failed. */
function predecessorOf(records: readonly RecordLabels[], revision: number): RecordLabels | null {
  const before = records.filter((record) => record.revision < revision);
  return (
    before.findLast(({ status }) => status === 'deployed') ??
    before.findLast(({ status }) => status === 'superseded') ??
    null
  );
}

/** Delete what a revision created: its objects minus those of its predecessor, unless kept or not helm's. */
export async function cleanUpRevision(
  { kube, settings }: Pick<Toolbox, 'kube' | 'settings'>,
  input: Argument<'cleanUpRevision'>,
): Promise<{ readonly deleted: readonly string[] }> {
  const { ref, release, revision } = input;
  const account = await readAccount(kube, ref, settings.defaultServiceAccount);
  const storage = createStorage(kube, release);
  const predecessor = predecessorOf(await storage.list(), revision);
  if (predecessor === null) return { deleted: [] };
  const created = await createdBy(storage, release, { revision, before: predecessor.revision });
  const deleted: string[] = [];
  for (const object of created) {
    const found = await findObject(kube, release, object);
    if (found === null || found.keep || !found.owned) continue;
    await deleteObject(inTheNameOf(kube, account), found);
    deleted.push(found.label);
  }
  return { deleted };
}

async function createdBy(
  storage: ReleaseStorage,
  release: ObjectRef,
  { revision, before }: { readonly revision: number; readonly before: number },
): Promise<readonly ManifestObject[]> {
  const [now, then] = await Promise.all([storage.read(revision), storage.read(before)]);
  if (now === null || then === null) return [];
  // The API version may change without the object being another.
  const keyOf = (object: ManifestObject): string =>
    `${groupOf(object.apiVersion)} ${describeObject({ ...object, namespace: object.namespace ?? release.namespace })}`;
  const known = new Set(parseManifest(then.manifest).map(keyOf));
  return parseManifest(now.manifest).filter((object) => !known.has(keyOf(object)));
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}

const PENDING = ['pending-install', 'pending-upgrade', 'pending-rollback', 'uninstalling'] as const;

/** Close a pending record in place, once the helm that wrote it is known dead. One that is not pending is left alone. */
export async function unlockRelease(tools: Tools, input: Argument<'unlockRelease'>): Promise<void> {
  const { release, revision, reason, tests = false } = input;
  const storage = createStorage(tools.kube, release);
  const find = async (): Promise<RecordLabels | null> =>
    (await storage.list()).find(
      (one) => one.revision === revision && (tests || PENDING.some((status) => status === one.status)),
    ) ?? null;
  const record = await find();
  if (record === null) return;
  // Not in turn: it may be a helm of this worker that we are about to end, and its operation is before us.
  await makeSureDead(input, record);
  await tools.oneAtATime(`${release.namespace}/${release.name}`, async () => {
    // A helm that tests has locked nothing: it is enough that its turn is over.
    if (tests || (await find()) === null) return;
    await storage.setStatus(revision, { from: PENDING, to: 'failed', description: failedBy(release, reason) });
  });
}

/**
 * Helm writes its record without a precondition: a living one would overwrite ours and go on. So: on this machine the
 * process is looked for, and ended; elsewhere its time limit must be over; a stranger's lock needs its lease over.
 */
async function makeSureDead(
  { lost, leaseOver, release }: Argument<'unlockRelease'>,
  record: RecordLabels,
): Promise<void> {
  const subject = `revision ${record.revision} of release ${release.name}`;
  if (lost === null || lost.attempt !== record.attempt) {
    if (leaseOver) return;
    throw failure('RecordLocked', `${subject} is ${record.status}, written by another helm that may still be at work`);
  }
  const life = await lifeOf(lost);
  if (life === 'dead') return;
  if (life === 'alive')
    throw failure(
      'RecordLocked',
      `${subject} is held by pid ${lost.process?.pid ?? 0} (${lost.process?.is ?? ''}), which still runs`,
    );
  const until = new Date(lost.deadAt).toISOString();
  throw failure('RecordLocked', `${subject} is ${record.status} and its helm may still run elsewhere until ${until}`);
}

async function lifeOf({ process, deadAt }: LostHelm): Promise<'dead' | 'alive' | 'unknown'> {
  const life = process === null ? 'unknown' : await isAlive(process);
  if (process === null || life !== 'alive') return life === 'unknown' && Date.now() > deadAt ? 'dead' : life;
  if (process.is === 'helm') return (await endProcess(process)) ? 'dead' : 'alive';
  // A worker that lost touch with Temporal before it named its helm. If it is this one, the turn that we are about to
  // wait for comes when that helm has ended; another one ends its helm when its time limit is over.
  const ours = await identifyWorker();
  return process.pid === ours?.pid || Date.now() > deadAt ? 'dead' : 'alive';
}
