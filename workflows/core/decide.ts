import { assertNever } from './assert-never.ts';
import { classify, isLocked, optionsFor, type ReleaseState } from './classify.ts';
import { afterDependants, afterDependencies } from './dependencies.ts';
import { correct } from './drift.ts';
import { isElsewhere, refText } from './facts.ts';
import type { Failure } from './failures.ts';
import { lastAttempt } from './history.ts';
import type { Instant, ObjectRef } from './ids.ts';
import type {
  Action,
  AttemptRecord,
  Desired,
  FailurePolicy,
  History,
  Look,
  Move,
  ReleaseObject,
  Remedy,
  StoredRelease,
} from './model.ts';
import { isVacated, moveText, notMoved } from './move.ts';
import { heldThere, pinText } from './pin.ts';
import { failedText, isSpent, lastCounted, policyAfter, remedySince, writerOf } from './remedy.ts';
import { lostTest } from './tests.ts';
import { forcedBy } from './wishes.ts';

/** How long a pending record that none of our attempts explains is left to whoever wrote it, beyond its timeout. */
const FOREIGN_GRACE_MS = 60_000;

/**
 * Choose the next action for a release.
 *
 * Pure and total: equal arguments give equal actions, so a workflow replays to the same command. A deletion outranks
 * everything, a suspension everything but a deletion; nothing is ever uninstalled but for a deletion or by the policy
 * that the spec asks for.
 */
export function decide(look: Look, history: History, now: Instant): Action {
  const { object, stored } = look;
  if (object === null) return { kind: 'none' };
  if (object.deleting) return decideGoing(object, look, { stored, history, now });
  if (object.suspension !== null) return { kind: 'none' };
  if (object.spec.kind === 'invalid') return { kind: 'stall', failure: object.spec.failure };
  const { desired } = object.spec;
  const owner = stored?.otherOwner ?? look.move?.takenBy ?? null;
  if (owner !== null) return { kind: 'stall', failure: nameTaken(owner, desired) };
  if (look.move !== undefined) return decideMove(desired, look.move, { look, known: { stored, history, now } });
  if (isElsewhere(object, history)) return { kind: 'stall', failure: notMoved(object, history) };
  return afterDependencies(decideValid(desired, { stored, history, now }), look);
}

interface Known {
  readonly stored: StoredRelease | null;
  readonly history: History;
  readonly now: Instant;
}

function decideValid(desired: Desired, known: Known): Action {
  const state = classify(known.stored, desired, known.history);
  if (state.kind === 'pinned') return decidePinned(state, desired, known);
  const forced = forcedBy(known.history);
  return forced === null || state.kind === 'locked'
    ? decideState(state, desired, known)
    : unlessHeld(force(state, forced), known);
}

/** Neither failures that used up their retries nor a remedy that is due keep a person's word back; a back-off does. */
function force(state: ReleaseState, because: string): Action {
  return state.kind === 'absent' ? { kind: 'install', because, replace: state.replace } : { kind: 'upgrade', because };
}

function decideState(state: Exclude<ReleaseState, { kind: 'pinned' }>, desired: Desired, known: Known): Action {
  switch (state.kind) {
    case 'locked':
      return decideLocked(state.stored, desired, known);
    case 'notReady':
      return keepWaiting(state.revision, desired, known);
    case 'untested':
      return unlessHeld({ kind: 'test', because: `the tests of revision ${state.revision} have not run` }, known);
    case 'inSync':
      return { kind: 'none' };
    case 'drifted':
      return correct(state, desired, known);
    case 'absent':
      return unlessSpent({ kind: 'install', because: 'not installed', replace: state.replace }, desired, known);
    case 'outOfSync':
      return unlessSpent({ kind: 'upgrade', because: BECAUSE[state.because] }, desired, known);
    case 'unmanaged':
      return unlessSpent({ kind: 'upgrade', because: 'upgraded or rolled back by another hand' }, desired, known);
    case 'readyLate':
      return unlessRemedied({ kind: 'accept', revision: state.revision }, desired, known);
    case 'failed':
      return unlessSpent({ kind: 'upgrade', because: retryReason(known.history) }, desired, known);
    case 'rolledBack':
      return afterRollback(state, desired, known);
    default:
      return assertNever(state);
  }
}

/** What was asked for goes over what is declared: neither retries nor a remedy keep it back, only a back-off does. */
function decidePinned(
  { pin, revision, at }: Extract<ReleaseState, { kind: 'pinned' }>,
  desired: Desired,
  known: Known,
): Action {
  if (at === 'due') {
    return unlessHeld({ kind: 'rollback', because: pinText(pin), toRevision: pin.revision }, known);
  }
  if (at === 'wait') return keepWaiting(revision, desired, known);
  return { kind: 'stall', failure: heldThere(pin, revision, known.history) };
}

/** The next try comes when what runs again is ready. */
function afterRollback(
  { ready, revision }: Extract<ReleaseState, { kind: 'rolledBack' }>,
  desired: Desired,
  known: Known,
): Action {
  return ready
    ? unlessSpent({ kind: 'upgrade', because: 'retry after a failure' }, desired, known)
    : keepWaiting(revision, desired, known);
}

/** What began to be uninstalled as a remedy is uninstalled to the end. */
function decideLocked(stored: StoredRelease, desired: Desired, known: Known): Action {
  if (stored.status === 'uninstalling' && isCutOff(known.history)) return unlessSpent({ kind: 'none' }, desired, known);
  return decideLock(stored, { ...known, timeoutMs: desired.upgrade.timeoutMs });
}

const BECAUSE = { adopt: 'installed by another hand', changed: 'chart, version or values changed' } as const;

/** A wait keeps its deadline, however often it is interrupted and taken up again. */
function keepWaiting(revision: number, desired: Desired, { history, now }: Known): Action {
  const known = history.waiting?.revision === revision ? history.waiting.deadline : null;
  return { kind: 'wait', revision, deadline: known ?? now + optionsFor(revision, desired, history).timeoutMs };
}

/** The next try of the desired state, unless its failures call for a remedy first, or for an end of all tries. */
function unlessSpent(next: Action, desired: Desired, known: Known): Action {
  const { history, stored } = known;
  const failed = lastCounted(history);
  if (failed === undefined) return unlessHeld(next, known);
  const policy = policyAfter(failed, desired);
  const spent = isSpent(policy, history);
  const broken = isBroken(stored, failed) && remedySince(history, failed) === undefined;
  if (stored !== null && isCutOff(history)) return remedy('uninstall', failed, known);
  if (broken && policy.remedy !== null && (!spent || policy.remediateLast)) return remedy(policy.remedy, failed, known);
  return spent ? { kind: 'stall', failure: exceeded(policy, failed, history) } : unlessHeld(next, known);
}

/** Marked failed by Helm, or by us; what failed its tests stays deployed in Helm's storage. */
function isBroken(stored: StoredRelease | null, { action, revision }: AttemptRecord): boolean {
  return stored?.status === 'failed' || (action === 'test' && stored?.revision === revision);
}

/** What got ready late is good as it is, but for a remedy that is due: it was asked for, and comes first. */
function unlessRemedied(accept: Action, desired: Desired, known: Known): Action {
  const due = unlessSpent(accept, desired, known);
  return due.kind === 'rollback' || due.kind === 'uninstall' ? due : accept;
}

/** An uninstall that is to mend a failure has begun, and has not come to its end. */
function isCutOff(history: History): boolean {
  const last = lastAttempt(history);
  return history.failuresAfterWrite > 0 && last?.action === 'uninstall' && last.outcome !== 'succeeded';
}

function remedy(kind: Remedy, failed: AttemptRecord, known: Known): Action {
  const because = failedText(failed);
  const next = kind === 'uninstall' ? { kind, because } : rollBack(because, known.stored?.rollbackRevision ?? null);
  // The back-off before the next try delays no remedy; only that of the remedy itself does.
  return lastAttempt(known.history)?.action === next.kind ? unlessHeld(next, known) : next;
}

function rollBack(because: string, toRevision: number | null): Action {
  if (toRevision === null) return { kind: 'stall', failure: noTarget(because) };
  return { kind: 'rollback', because, toRevision };
}

function noTarget(because: string): Failure {
  return {
    code: 'MissingRollbackTarget',
    message: `${because}, and there is no revision to roll back to; declare another state, or set spec.rollback.toRevision`,
  };
}

function exceeded({ retries }: FailurePolicy, failed: AttemptRecord, history: History): Failure {
  const { failure } = failed;
  const times = history.failuresAfterWrite === 1 ? 'once' : `${history.failuresAfterWrite} times`;
  const allowed = retries === 0 ? 'no retries' : retries === 1 ? 'one retry' : `${retries ?? 'any'} retries`;
  const why = failure === null ? '' : `: ${failure.message}`;
  return {
    code: 'RetriesExceeded',
    message: `${failedText(failed)} ${times}, with ${allowed} allowed${told(remedySince(history, failed))}${why}`,
  };
}

function told(remedied: AttemptRecord | undefined): string {
  if (remedied === undefined) return '';
  const { action, outcome, revision, version } = remedied;
  if (outcome === 'failedAfterWrite') return `; the ${action} failed, too`;
  return action === 'uninstall' ? '; it was uninstalled' : `; ${version} runs again as revision ${revision ?? ''}`;
}

/**
 * Without our finalizer the object is none of our business any more, whatever is installed: somebody took it away, or
 * we did, and others have not. With it, who abandons a release waits for nothing.
 */
function decideGoing(object: ReleaseObject, look: Look, known: Known): Action {
  if (object.held === false) return { kind: 'defer', until: null, failure: kept(object) };
  if (object.abandoned !== undefined) return { kind: 'release' };
  return afterDependants(decideDeletion(object, known), look, known.now);
}

function kept({ otherFinalizers = [] }: ReleaseObject): Failure {
  const message = `nothing is left to do here; the object stays until its finalizers are removed: ${otherFinalizers.join(', ')}`;
  return { code: 'FinalizersRemain', message };
}

function decideDeletion(object: ReleaseObject, { stored, history, now }: Known): Action {
  if (stored === null || isVacated(stored, history)) return { kind: 'release' };
  const { timeoutMs } = object.spec.kind === 'valid' ? object.spec.desired.uninstall : object.spec.uninstall;
  return clear('the HelmRelease was deleted', timeoutMs, { stored, history, now });
}

/** What is installed goes first, and nothing is installed elsewhere before it is gone: there are never two. */
function decideMove(
  desired: Desired,
  move: Move,
  { look, known }: { readonly look: Look; readonly known: Known },
): Action {
  const { stored } = known;
  if (stored === null) return { kind: 'none' };
  const because = moveText(move.from, desired.release);
  const begun = stored.status === 'uninstalling' || stored.status === 'uninstalled';
  // What could not be installed again yet is not taken away yet.
  const early = afterDependencies({ kind: 'install', because, replace: false }, look);
  if (early.kind !== 'install' && !begun) return early;
  return clear(because, desired.uninstall.timeoutMs, { ...known, stored });
}

/** Uninstall to the end, whatever state the release is in. */
function clear(
  because: string,
  timeoutMs: number,
  { stored, history, now }: Known & { readonly stored: StoredRelease },
): Action {
  if (isLocked(stored, history)) return decideLock(stored, { history, now, timeoutMs });
  const action: Action = { kind: 'uninstall', because };
  // The back-off of a failed upgrade is no reason to keep what nobody wants any more.
  return lastAttempt(history)?.action === 'uninstall' ? unlessHeld(action, { history, now }) : action;
}

/**
 * A pending record may only be closed when its helm is dead. One of our attempts that has ended is known dead or is
 * asked for by the step itself (`lost`); a stranger's gets a lease: its timeout and a grace after its last write.
 */
function decideLock(
  stored: StoredRelease,
  { history, now, timeoutMs }: { history: History; now: Instant; timeoutMs: number },
): Action {
  if (history.retryAt !== null && history.retryAt > now) {
    const whose = lostTest(history) === undefined ? 'its helm' : 'the helm that tests it';
    return hold(history.retryAt, locked(stored, `${whose} may still live`));
  }
  const writer = writerOf(stored, history);
  const ended = hasEnded(writer, history);
  if (writer !== null && (ended || history.lost?.attempt === writer)) {
    return { kind: 'unlock', revision: stored.revision, leaseOver: ended };
  }
  const since = stored.changedAt ?? now;
  const until = since + timeoutMs + FOREIGN_GRACE_MS;
  if (until > now) return hold(until, locked(stored, 'another helm wrote it, and may still be at work'));
  return { kind: 'unlock', revision: stored.revision, leaseOver: true };
}

/** One of our attempts wrote the record and was heard to end: its helm was awaited, so it is dead. */
function hasEnded(writer: string | null, { lost, recent }: History): boolean {
  if (writer === null || lost?.attempt === writer) return false;
  return recent.some(({ label, outcome }) => label === writer && outcome !== 'running' && outcome !== 'lost');
}

/** The action, or the hold that a failure imposes until its back-off is over. */
function unlessHeld(action: Action, { history, now }: Pick<Known, 'history' | 'now'>): Action {
  if (history.retryAt === null || history.retryAt <= now) return action;
  return hold(history.retryAt, history.lastFailure ?? { code: 'Interrupted', message: 'the last attempt died' });
}

function hold(until: Instant, failure: Failure): Action {
  return { kind: 'hold', until, failure };
}

function locked(stored: StoredRelease, why: string): Failure {
  return { code: 'RecordLocked', message: `revision ${stored.revision} is ${stored.status} and ${why}` };
}

function nameTaken(owner: ObjectRef, { release }: Desired): Failure {
  return {
    code: 'ReleaseNameTaken',
    message: `release ${refText(release)} belongs to HelmRelease ${refText(owner)}; choose another spec.release.name, or delete that one`,
  };
}

function retryReason(history: History): string {
  const outcome = lastAttempt(history)?.outcome;
  return outcome === 'lost' || outcome === 'interrupted' ? 'the last attempt was interrupted' : 'retry after a failure';
}
