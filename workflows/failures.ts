import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { isFailureCode, type Failure } from './core/failures.ts';
import type { HelmProcess, NotReady, Outcome } from './core/model.ts';

/** What a failed step says: a code and a sentence, or that its worker vanished. */
export type StepFailure =
  | { readonly kind: 'failed'; readonly failure: Failure; readonly retryAfterMs?: number }
  | { readonly kind: 'vanished'; readonly reason: string; readonly process: HelmProcess | null };

/**
 * Read what an activity or child threw. Cancellation is rethrown: it is no failure. Anything that is neither ours nor
 * Temporal's is a defect, which fails the workflow task so that the release waits for a fixed worker.
 */
export function readFailure(error: unknown): StepFailure {
  if (isCancellation(error)) throw error;
  const cause = causeOf(error);
  const ours = findOurs(cause);
  if (ours !== null) return { kind: 'failed', ...ours };
  if (cause instanceof TimeoutFailure) {
    // Written by the activity's heartbeat, which sends nothing else.
    const process = (cause.lastHeartbeatDetails ?? null) as HelmProcess | null;
    return { kind: 'vanished', reason: `nothing was heard of it in time (${cause.timeoutType})`, process };
  }
  return { kind: 'failed', failure: { code: 'Unexpected', message: cause.message } };
}

/** What a step threw, without the wrapping; a local activity's failure has none. */
function causeOf(error: unknown): Error {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) return error.cause ?? error;
  if (error instanceof ApplicationFailure || error instanceof TimeoutFailure) return error;
  throw error;
}

/** How a failed attempt ended; null when it did not come to an end of its own, for instance because it was terminated. */
export function readOutcome(error: unknown): Outcome | null {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : null;
  // The only detail of the failure, by the workflow that throws it.
  return cause instanceof ApplicationFailure ? ((cause.details?.[0] ?? null) as Outcome | null) : null;
}

/** The objects that a wait was still waiting for when it ended. */
export function readNotReady(error: unknown): readonly NotReady[] {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // The details of `NotReady` are this list, by the activity that throws it.
    if (cause instanceof ApplicationFailure && cause.type === 'NotReady')
      return (cause.details?.[0] ?? []) as NotReady[];
  }
  return [];
}

function findOurs(error: unknown): { readonly failure: Failure; readonly retryAfterMs?: number } | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && isFailureCode(cause.type)) {
      const failure = { code: cause.type, message: cause.message };
      // The only detail of such a failure, by the activity that throws it; others have other details.
      const { retryAfterMs } = (cause.details?.[0] ?? {}) as { retryAfterMs?: unknown };
      return typeof retryAfterMs === 'number' ? { failure, retryAfterMs } : { failure };
    }
  }
  return null;
}
