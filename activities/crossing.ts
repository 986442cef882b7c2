import { CancelledFailure, Context, type Info } from '@temporalio/activity';
import { failure, toApplicationFailure } from './failures.ts';
import type { Call } from './operation.ts';

/**
 * Turn a verb into an activity: it is told of its call, and what it throws crosses to Temporal as an
 * `ApplicationFailure` with a code. A cancelled step says so, whatever it threw on its way out; one whose worker stops
 * is to be tried again elsewhere.
 */
export function crossing<I, O>(verb: (input: I, call: Call) => Promise<O>): (input: I) => Promise<O> {
  return async (input) => {
    const context = Context.current();
    const signal = context.cancellationSignal;
    const heartbeat: Call['heartbeat'] = (details) => {
      context.heartbeat(details);
    };
    try {
      return await verb(input, { signal, heartbeat, ...timesOf(context.info) });
    } catch (error) {
      const shutdown = context.cancellationDetails?.workerShutdown === true;
      throw toCrossing(error, !signal.aborted ? 'runs' : shutdown ? 'workerStops' : 'cancelled');
    }
  };
}

function timesOf({ attempt, currentAttemptScheduledTimestampMs: since }: Info): Pick<Call, 'attempt' | 'since'> {
  return { attempt, since };
}

/** What an error becomes on its way out of a step that runs, that was cancelled, or whose worker stops. */
export function toCrossing(error: unknown, step: 'runs' | 'cancelled' | 'workerStops'): Error {
  if (step === 'runs') return error instanceof CancelledFailure ? error : toApplicationFailure(error);
  if (step === 'cancelled') return new CancelledFailure('cancelled');
  return toApplicationFailure(failure('Interrupted', 'its worker shuts down', error));
}
