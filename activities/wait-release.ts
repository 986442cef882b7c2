import type { ObjectRef } from '../workflows/core/ids.ts';
import type { NotReady } from '../workflows/core/model.ts';
import { failure, notYet, tooLate } from './failures.ts';
import { parseManifest, type ManifestObject } from './helm/manifest.ts';
import { findObject, placeOf, type FoundObject } from './helm/objects.ts';
import { readShared } from './helm/shared-record.ts';
import { createStorage, type ReleaseRecord } from './helm/storage.ts';
import { recordEvent } from './kube/events.ts';
import { KINDS } from './kube/kinds.ts';
import { checkReadiness, type Wanted } from './kube/readiness.ts';
import type { Toolbox } from './operation.ts';
import type { Kube } from './ports.ts';
import type { UninstallInput, WaitInput } from './types.ts';
import { findOurs } from './uninstall-release.ts';

/** Which Temporal attempt this is, and the sign to stop. */
export interface Look {
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Until the wait is given up. */
  readonly leftMs?: number;
  readonly slowestMs?: number | undefined;
}

const SOONEST_MS = 50;
const FIRST_MS = 500;
const LAST_MS = 5_000;
/** What goes into history is bounded; the rest is a number. */
const MAX_SHOWN = 20;

/** Half a second at first, five in the end, unless another end is wanted. */
export function nextLookAfter(attempt: number, slowestMs: number = LAST_MS): number {
  return Math.min(slowestMs, Math.round(FIRST_MS * 1.5 ** Math.max(0, attempt - 1)));
}

/** Throws BENIGN `NotReady` until every object of the revision is ready. */
export async function waitReady(tools: Observing, input: WaitInput, look: Look): Promise<void> {
  const notReady = await observe(tools, input, look.signal);
  if (notReady.length === 0) return;
  const leftMs = (input.deadline ?? Infinity) - Date.now();
  throw leftMs <= 0
    ? tooLate('NotReady', 'not ready in time', notReady.slice(0, MAX_SHOWN))
    : goesOn(notReady, 'not ready', { ...look, leftMs, slowestMs: input.slowestMs });
}

type Observing = Pick<Toolbox, 'kube' | 'records'>;

/** What a revision holds is not read anew for each look. */
const RECORD_FRESH_MS = 10_000;

/** Objects of a revision that are not ready. A revision that is gone has none. */
export async function observe(tools: Observing, input: WaitInput, signal: AbortSignal): Promise<readonly NotReady[]> {
  const { kube } = tools;
  const { release, revision } = input;
  const since = Date.now() - RECORD_FRESH_MS;
  const record = await readShared(tools, { ...release, revision }, { since, signal });
  if (record === null) return [];
  const wanted = await Promise.all(
    parseManifest(record.manifest).map((object) => toWanted(kube, object, input.release)),
  );
  return checkReadiness(kube, wanted, { waitForJobs: input.waitForJobs, signal });
}

async function toWanted(kube: Kube, object: ManifestObject, release: ObjectRef): Promise<Wanted> {
  const { apiVersion, kind, name } = object;
  const { namespace } = await placeOf(kube, release, object);
  return { apiVersion, kind, name, namespace };
}

/**
 * Throws BENIGN `NotReady` until every object that helm was to delete is gone; then removes the records, unless they
 * are to be kept. What stays, by its policy or because it is not helm's, is told once.
 */
export async function waitGone({ kube }: Pick<Toolbox, 'kube'>, input: UninstallInput, look: Look): Promise<void> {
  const { release } = input;
  const storage = createStorage(kube, release);
  const newest = await findOurs(storage, input);
  if (newest === null) return;
  if (newest.status !== 'uninstalled') {
    throw failure(
      'Conflict',
      `revision ${newest.revision} of release ${release.name} is ${newest.status}, not uninstalled`,
    );
  }
  const record = await storage.read(newest.revision);
  const left = await findLeft(kube, release, record);
  const going = left.filter(({ keep, owned }) => owned && !keep);
  if (going.length > 0) throw goesOn(going.map(toNotGone), 'not gone', look);
  await tellWhatStays(kube, input, left);
  if (!input.keepHistory) await storage.purge();
}

async function findLeft(kube: Kube, release: ObjectRef, record: ReleaseRecord | null): Promise<readonly FoundObject[]> {
  const found: FoundObject[] = [];
  for (const object of parseManifest(record?.manifest ?? '')) {
    const left = await findObject(kube, release, object);
    if (left !== null) found.push(left);
  }
  return found;
}

function toNotGone({ label, live }: FoundObject): NotReady {
  const { deletionTimestamp, finalizers } = live.metadata;
  if (deletionTimestamp === undefined) return { object: label, reason: 'is still there' };
  const held = finalizers.length === 0 ? '' : `, held by ${finalizers.join(', ')}`;
  return { object: label, reason: `is being deleted${held}` };
}

async function tellWhatStays(kube: Kube, { ref, uid }: UninstallInput, left: readonly FoundObject[]): Promise<void> {
  if (left.length === 0) return;
  const shown = left
    .slice(0, MAX_SHOWN)
    .map(({ label, keep }) => `${label} (${keep ? 'kept by its policy' : "not helm's"})`);
  const more = left.length > MAX_SHOWN ? ` and ${left.length - MAX_SHOWN} more` : '';
  await recordEvent(
    kube,
    { apiVersion: KINDS.HelmRelease.apiVersion, kind: 'HelmRelease', uid, ...ref },
    { type: 'Normal', reason: 'ObjectsKept', message: `these objects stay: ${shown.join(', ')}${more}` },
  );
}

function goesOn(objects: readonly NotReady[], what: string, { attempt, leftMs = Infinity, slowestMs }: Look): Error {
  const [first = { object: 'nothing', reason: '' }] = objects;
  const more = objects.length > 1 ? ` and ${objects.length - 1} more` : '';
  return notYet('NotReady', `${what}: ${first.object} ${first.reason}${more}`, {
    // The last look is when the time is over, neither before nor long after.
    nextRetryMs: Math.min(nextLookAfter(attempt, slowestMs), Math.max(leftMs, SOONEST_MS)),
    details: objects.slice(0, MAX_SHOWN),
  });
}
