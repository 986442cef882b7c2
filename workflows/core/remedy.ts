import type { AttemptRecord, Desired, FailurePolicy, History, StoredRelease } from './model.ts';

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

/** The newest attempt for the desired state whose failure counts; none once the failures are forgotten. */
export function lastCounted({ recent, digest, failuresAfterWrite }: History): AttemptRecord | undefined {
  if (failuresAfterWrite === 0) return undefined;
  return recent.findLast(
    (attempt) => attempt.digest === digest && attempt.outcome === 'failedAfterWrite' && isRelease(attempt),
  );
}

/** The failure that counts, and what was done about it since; null: there is none, or nothing was done yet. */
export function remedied(history: History): { readonly failed: AttemptRecord; readonly by: AttemptRecord } | null {
  const failed = lastCounted(history);
  const by = failed === undefined ? undefined : remedySince(history, failed);
  return failed === undefined || by === undefined ? null : { failed, by };
}

/** The remedy that was carried out since, whether it succeeded or not. One that was cut off is none: it comes again. */
export function remedySince({ recent }: History, failed: AttemptRecord): AttemptRecord | undefined {
  return recent.findLast(
    (attempt) =>
      attempt.n > failed.n &&
      !isRelease(attempt) &&
      (attempt.outcome === 'succeeded' || attempt.outcome === 'failedAfterWrite'),
  );
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

function isRelease({ action }: AttemptRecord): boolean {
  return action === 'install' || action === 'upgrade';
}
