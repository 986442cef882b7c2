import type { Failure } from './failures.ts';
import type { AttemptRecord, Desired, History, Outcome, StoredRelease } from './model.ts';
import type { Tested } from './test-model.ts';

/** What goes into history is bounded; failures come first. */
const MAX_SHOWN = 10;

/** A test step may take the timeout of so many tests; one that wants more is ended. */
export const MOST_TESTS = 10;

/** What the tests of a revision came to; null: they have not run to their end. */
export function testsOf({ revision, attempt }: StoredRelease, { tested }: History): Tested | null {
  return tested?.revision === revision && tested.attempt === attempt ? tested : null;
}

/** The chart's tests are asked for, and those of this revision have not run. */
export function isUntested(stored: StoredRelease, { test }: Desired, history: History): boolean {
  return test !== undefined && testsOf(stored, history) === null;
}

/** The tests of this revision failed, and that counts by what the spec says now; null: neither. */
export function testFailure(stored: StoredRelease, desired: Desired, history: History): Failure | null {
  if (desired.test === undefined || ignoresFailures(desired, isFirst(stored, history))) return null;
  return testsOf(stored, history)?.failure ?? null;
}

/** Whether the failure of a test counts depends on what it follows, an install or an upgrade. */
export function ignoresFailures({ test }: Pick<Desired, 'test'>, first: boolean): boolean {
  return test?.ignoreFailures[first ? 'install' : 'upgrade'] ?? false;
}

/** Nothing had ever been deployed before this revision. */
export function isFirst({ revision, attempt }: StoredRelease, { recent }: History): boolean {
  const maker = recent.findLast((one) => one.label === attempt);
  return maker === undefined ? revision === 1 : maker.first === true;
}

/** The test whose helm nobody heard of any more. Its record is not locked, and helm may still write to it. */
export function lostTest({ lost, recent }: History): AttemptRecord | undefined {
  return recent.findLast(({ label, action }) => action === 'test' && label === lost?.attempt);
}

/** Remember what the newest attempt, a test, came to. One that was cut off is run again. */
export function noteTests(history: History, outcome: Outcome): History {
  const attempt = history.recent.at(-1);
  if (attempt?.action !== 'test' || (outcome.kind !== 'succeeded' && outcome.kind !== 'failedAfterWrite'))
    return history;
  const { tests = [], written } = outcome;
  if (written === null) return history;
  const rank = (phase: string): number => Number(phase === 'Succeeded');
  const shown = tests.toSorted((a, b) => rank(a.phase) - rank(b.phase)).slice(0, MAX_SHOWN);
  return {
    ...history,
    recent: [...history.recent.slice(0, -1), { ...attempt, tests: shown }],
    tested: {
      revision: written.revision,
      attempt: attempt.subject ?? null,
      hooks: tests.filter(({ phase }) => phase !== '').length,
      failure: outcome.kind === 'succeeded' ? null : outcome.failure,
    },
  };
}

/** `2 test hooks succeeded`. */
export function testedText({ hooks, failure }: Tested): string {
  if (failure !== null) return failure.message;
  if (hooks === 0) return 'no test hooks';
  return hooks === 1 ? 'its test hook succeeded' : `${hooks} test hooks succeeded`;
}
