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
export function writerOf({ status, revision, attempt }: StoredRelease, history: History): string | null {
  if (status === 'uninstalling') return null;
  return status === 'pending-rollback' ? (rollbackThatMade(revision, history)?.label ?? null) : attempt;
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
