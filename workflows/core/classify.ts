import type { ActionOptions, Desired, Drift, History, HelmStatus, Pin, StoredRelease } from './model.ts';
import { isPinned } from './pin.ts';
import { isByAnotherHand, rollbackThatMade } from './remedy.ts';
import { isUntested, lostTest, testFailure } from './tests.ts';

/** Where a release stands, named as Flux names it. States that later versions tell apart are more members here. */
export type ReleaseState =
  | { readonly kind: 'absent'; readonly replace: boolean }
  /** A helm is, or was, in the middle of writing or of an uninstall; or one that tests has not been heard to end. */
  | { readonly kind: 'locked'; readonly stored: StoredRelease }
  | { readonly kind: 'outOfSync'; readonly because: 'adopt' | 'changed' }
  /** Upgraded or rolled back by another hand: what it holds is not known, whatever its labels say. */
  | { readonly kind: 'unmanaged' }
  | { readonly kind: 'failed' }
  /** Its wait timed out, and its objects are ready by now. */
  | { readonly kind: 'readyLate'; readonly revision: number }
  /** A person has asked for an older revision, which is to run whatever is declared. */
  | { readonly kind: 'pinned'; readonly pin: Pin; readonly revision: number; readonly at: 'due' | 'wait' | 'held' }
  /** The desired state failed, and what ran before it runs again. */
  | { readonly kind: 'rolledBack'; readonly revision: number; readonly ready: boolean }
  | { readonly kind: 'notReady'; readonly revision: number }
  /** As it should be in Helm's storage, and not in the cluster. */
  | { readonly kind: 'drifted'; readonly revision: number; readonly drift: Drift }
  /** Its tests are asked for, and have not run. */
  | { readonly kind: 'untested'; readonly revision: number }
  | { readonly kind: 'inSync'; readonly revision: number };

const PENDING: readonly HelmStatus[] = ['pending-install', 'pending-upgrade', 'pending-rollback'];

/** Tells whether a status means that a helm is writing, or died while it did. */
export function isPending(status: HelmStatus): boolean {
  return PENDING.includes(status);
}

/** A helm may be about to write to the record: nothing else may be begun before it is known dead. */
export function isLocked({ status }: StoredRelease, history: History): boolean {
  return isPending(status) || lostTest(history) !== undefined;
}

/**
 * Name the situation. The order matters: a locked release is locked whatever else is true of it, and a failed record
 * of another desired state is out of sync rather than failed.
 */
export function classify(stored: StoredRelease | null, desired: Desired, history: History): ReleaseState {
  if (stored === null) return { kind: 'absent', replace: false };
  if (stored.status === 'uninstalled') return { kind: 'absent', replace: true };
  if (isLocked(stored, history) || stored.status === 'uninstalling') return { kind: 'locked', stored };
  const older = olderState(stored, desired, history);
  if (older !== null) return older;
  if (!stored.ownedByUs) return { kind: 'outOfSync', because: 'adopt' };
  if (isByAnotherHand(stored, history)) return { kind: 'unmanaged' };
  if (stored.digest !== desired.digest) return { kind: 'outOfSync', because: 'changed' };
  if (isReadyLate(stored, history)) return { kind: 'readyLate', revision: stored.revision };
  if (stored.status !== 'deployed') return { kind: 'failed' };
  return classifyDeployed(stored, desired, history);
}

/** An older revision is to run, or runs again: because a person has asked for it, or as a remedy. */
function olderState(stored: StoredRelease, desired: Desired, history: History): ReleaseState | null {
  const { revision, ownedByUs } = stored;
  const ready = isReady(stored, desired, history);
  const { pin } = history;
  if (pin != null && ownedByUs) {
    return { kind: 'pinned', pin, revision, at: !isPinned(stored, history) ? 'due' : ready ? 'held' : 'wait' };
  }
  return isRolledBack(stored, desired, history) ? { kind: 'rolledBack', revision, ready } : null;
}

/** Of the desired state, and deployed: whether it is as good as the spec asks, and as it should be in the cluster. */
function classifyDeployed(stored: StoredRelease, desired: Desired, history: History): ReleaseState {
  const { revision } = stored;
  if (!isReady(stored, desired, history)) return { kind: 'notReady', revision };
  if (isUntested(stored, desired, history)) return { kind: 'untested', revision };
  return testFailure(stored, desired, history) === null ? inCluster(stored) : { kind: 'failed' };
}

/** As it should be, as far as Helm's storage tells: the objects may tell otherwise. */
function inCluster({ revision, drift }: StoredRelease): ReleaseState {
  return drift === undefined || drift.count === 0 ? { kind: 'inSync', revision } : { kind: 'drifted', revision, drift };
}

/** A first revision was installed, every later one upgraded, unless a rollback made it: each has its own options. */
export function optionsFor(revision: number, desired: Desired, history: History): ActionOptions {
  if (desired.remediation !== undefined && rollbackThatMade(revision, history) !== undefined) {
    return desired.remediation.rollback;
  }
  return revision === 1 ? desired.install : desired.upgrade;
}

/** A rollback that answered a failure of the state that is still desired. */
function isRolledBack({ revision, status }: StoredRelease, { digest }: Desired, history: History): boolean {
  if (status !== 'deployed' || history.failuresAfterWrite === 0) return false;
  return rollbackThatMade(revision, history)?.digest === digest;
}

/** Marked failed for nothing but that its objects did not get ready in time. */
export function hasTimedOut(
  { revision, status, attempt }: StoredRelease,
  { timedOut }: Pick<History, 'timedOut'>,
): boolean {
  return status === 'failed' && timedOut?.revision === revision && timedOut.attempt === attempt;
}

function isReadyLate(stored: StoredRelease, history: History): boolean {
  return hasTimedOut(stored, history) && stored.notReady?.length === 0;
}

/** Its objects were seen ready, or are not to be waited for. */
function isReady({ revision }: StoredRelease, desired: Desired, history: History): boolean {
  return revision === history.readyRevision || !optionsFor(revision, desired, history).wait;
}
