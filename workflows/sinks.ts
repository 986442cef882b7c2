import type { Sinks } from '@temporalio/workflow';
import type { FailureCode } from './core/failures.ts';
import type { AttemptAction, Outcome } from './core/model.ts';

/** An attempt that has come to its end. */
export interface EndedAttempt {
  readonly action: AttemptAction;
  readonly outcome: Outcome['kind'];
  /** Null: it has not failed. */
  readonly failure: FailureCode | null;
  readonly seconds: number;
}

/** What workflows tell the worker that they run on: no command, so that histories know nothing of it. */
export interface AttemptSinks extends Sinks {
  readonly attempts: {
    ended(attempt: EndedAttempt): void;
  };
}
