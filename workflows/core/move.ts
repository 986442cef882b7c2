import { isElsewhere, refText, releaseOf, wantedTarget } from './facts.ts';
import type { Failure } from './failures.ts';
import { lastAttempt, withoutFailures } from './history.ts';
import type { ObjectRef } from './ids.ts';
import type { History, Look, ReleaseObject, StoredRelease } from './model.ts';
import { unpin } from './pin.ts';

/** Nothing of ours is left in a place: our uninstall came to its end, or there never was anything. */
export function isVacated(stored: StoredRelease | null, history: History): boolean {
  if (stored === null || !stored.ownedByUs) return true;
  const last = lastAttempt(history);
  return stored.status === 'uninstalled' && last?.action === 'uninstall' && last.outcome === 'succeeded';
}

/** Remember where the release was found, where that had been forgotten: it is to be uninstalled there. */
export function rememberPlace(history: History, { move }: Look): History {
  return move === undefined || history.target !== null ? history : { ...history, target: move.from };
}

/**
 * Where nothing is installed any more there is nothing to move: the next look is at the place that the spec names. What
 * happened to the revisions of the old place tells nothing of those of the new one. Null: the place is still the right one.
 */
export function leavePlace(history: History, object: ReleaseObject, { stored, move }: Look): History | null {
  if (!isElsewhere(object, history)) return null;
  if (move !== undefined) {
    if (!isVacated(stored, history)) return null;
    return { ...withoutFailures(unpin(history)), target: null, readyRevision: null, timedOut: null, notReady: [] };
  }
  const empty = stored === null || stored.status === 'uninstalled' || !stored.ownedByUs;
  return empty ? { ...history, target: null } : null;
}

/** Why a release is uninstalled that is wanted elsewhere. */
export function moveText(from: ObjectRef, to: ObjectRef): string {
  return `spec.release was changed from ${refText(from)} to ${refText(to)}`;
}

/** The answer to looks of versions that moved nothing; only runs that such a version began still ask for it. */
export function notMoved(object: ReleaseObject, history: History): Failure {
  const text = moveText(releaseOf(object, history), wantedTarget(object));
  return { code: 'FieldNotSupported', message: `${text}, which the next look carries out` };
}
