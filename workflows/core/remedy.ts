import type { AttemptAction, AttemptRecord, Desired, FailurePolicy, History, StoredRelease } from './model.ts';
import { lostTest } from './tests.ts';

/** Try again, for ever, and change nothing that runs: what is done when the spec asks for nothing else. */
export const RETRY: FailurePolicy = { retries: null, remedy: null, remediateLast: false };

/** The attempt that rolled back to make a revision, if one of ours did. */
export function rollbackThatMade(revision: number, { recent }: History): AttemptRecord | undefined {
  return recent.findLast(
    ({ action, makes, outcome }) => action === 'rollback' && makes === revision && outcome !== 'failedBeforeWrite',
  );
}

/**
 * The label of the attempt whose helm works on a locked record; null: none of ours. An uninstalling record carries the
 * label of the attempt that once installed it, and one of a rollback that of its target: these tell nothing.
 */
export function writerOf(stored: StoredRelease, history: History): string | null {
  const { status, revision, attempt } = stored;
  const tester = lostTest(history);
  if (tester !== undefined) return tester.label;
  if (status === 'uninstalling') return null;
  if (status === 'pending-rollback') return rollbackThatMade(revision, history)?.label ?? null;
  return isByAnotherHand(stored, history) ? null : attempt;
}

/** The labels of the revision are those of an older one, and none of our attempts is known to have made it. */
export function isByAnotherHand({ revision, attempt, copyOf }: StoredRelease, history: History): boolean {
  if (copyOf === undefined || rollbackThatMade(revision, history) !== undefined) return false;
  // A workflow that had lost its memory counts its attempts anew, and labels them as others before.
  return !history.recent.some((one) => one.label === attempt && one.revision === revision);
}

/**
 * The newest attempt for the desired state whose failure counts; none once the failures are forgotten, or while what was
 * written since is still to be tested.
 */
export function lastCounted({ recent, digest, failuresAfterWrite }: History): AttemptRecord | undefined {
  if (failuresAfterWrite === 0) return undefined;
  const last = recent.findLast((attempt) => attempt.digest === digest && (counts(attempt) || hasReleased(attempt)));
  return last !== undefined && counts(last) ? last : undefined;
}

/** As `noteRolledBack` notes it. */
function wasFound({ outcome, revision }: AttemptRecord): boolean {
  return outcome === 'lost' && revision !== null;
}

function counts({ action, outcome, ignored }: AttemptRecord): boolean {
  return outcome === 'failedAfterWrite' && !isRemedy(action) && ignored !== true;
}

function hasReleased({ action, outcome }: AttemptRecord): boolean {
  return outcome === 'succeeded' && (action === 'install' || action === 'upgrade');
}

/** The failure that counts, and what was done about it since; null: there is none, or nothing was done yet. */
export function remedied(history: History): { readonly failed: AttemptRecord; readonly by: AttemptRecord } | null {
  const failed = lastCounted(history);
  const by = failed === undefined ? undefined : remedySince(history, failed);
  return failed === undefined || by === undefined ? null : { failed, by };
}

/**
 * The remedy that was carried out since, whether it succeeded or not. One that was cut off is none, and comes again,
 * unless what it was to make was found.
 */
export function remedySince({ recent }: History, failed: AttemptRecord): AttemptRecord | undefined {
  return recent.findLast(
    (attempt) =>
      attempt.n > failed.n &&
      isRemedy(attempt.action) &&
      (attempt.outcome === 'succeeded' || attempt.outcome === 'failedAfterWrite' || wasFound(attempt)),
  );
}

/**
 * Note that a rollback of which nobody heard the end has come to it: its revision is deployed. That attempt stays what
 * it was, and the remedy has been carried out.
 */
export function noteRolledBack(history: History, stored: StoredRelease | null): History {
  if (stored?.status !== 'deployed') return history;
  const maker = rollbackThatMade(stored.revision, history);
  if (maker?.outcome !== 'lost' || maker.revision !== null) return history;
  const recent = history.recent.map((one) => (one === maker ? { ...one, revision: stored.revision } : one));
  return { ...history, recent };
}

/** What the spec asks for after that failure. */
export function policyAfter(failed: AttemptRecord | undefined, { remediation }: Desired): FailurePolicy {
  if (failed === undefined || remediation === undefined) return RETRY;
  return remediation[failed.first === true ? 'install' : 'upgrade'];
}

/** All tries that the policy allows are used up. */
export function isSpent({ retries }: FailurePolicy, { failuresAfterWrite }: History): boolean {
  return retries !== null && failuresAfterWrite > retries;
}

function isRemedy(action: AttemptAction): boolean {
  return action === 'rollback' || action === 'uninstall';
}

/** Something that failed, as people name it. */
export function failedText({ action, version }: Pick<AttemptRecord, 'action' | 'version'>): string {
  return action === 'test' ? `the test of ${version} failed` : `${action} ${version} failed`;
}
