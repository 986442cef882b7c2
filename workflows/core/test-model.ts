import type { Failure } from './failures.ts';
import type { Instant } from './ids.ts';

/** The chart's tests are run after each install and upgrade. */
export interface TestPolicy {
  /** For each of them. */
  readonly timeoutMs: number;
  /** A revision whose tests failed is Ready all the same: one that installed the release, or that upgraded it. */
  readonly ignoreFailures: { readonly install: boolean; readonly upgrade: boolean };
}

/** What Helm's record tells of a test. */
export interface TestHook {
  readonly name: string;
  /** Helm's word: `Succeeded`, `Failed`, or `Running` when it was cut off; empty: it has not run. */
  readonly phase: string;
  readonly startedAt: Instant | null;
  readonly completedAt: Instant | null;
}

/** What the tests of a revision came to. */
export interface Tested {
  readonly revision: number;
  /** The label on its record: revision numbers begin anew after an uninstall. */
  readonly attempt: string | null;
  /** How many were run. */
  readonly hooks: number;
  readonly failure: Failure | null;
}
