import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { FAILURES, isFailureCode, type FailureCode } from '../workflows/core/failures.ts';
import { KubeError } from './ports.ts';

/** Thrown inside activities and adapters; crosses to Temporal only through `toApplicationFailure`. */
export class HoldfastError extends Error {
  readonly code: FailureCode;
  /** Whoever refused wants to be left alone for so long; null: it said nothing of that. */
  readonly retryAfterMs: number | null;
  constructor(code: FailureCode, message: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, options);
    this.name = 'HoldfastError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }

  /** The same, with the time after which it is worth another try. */
  withRetryAfter(retryAfterMs: number): HoldfastError {
    return new HoldfastError(this.code, this.message, { cause: this.cause, retryAfterMs });
  }
}

/**
 * Make an error with a code. The message is for people: lower case, names the thing and the value, then what to do.
 * It goes into history, status and Events, so it must carry no credential and no chart value.
 */
export function failure(code: FailureCode, message: string, cause?: unknown): HoldfastError {
  return new HoldfastError(code, message, cause === undefined ? undefined : { cause });
}

/** Null: it is not that the disk of the worker is full. `what` says what there is no space for or where. */
export function diskFull(error: unknown, what: string): HoldfastError | null {
  const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
  return full ? failure('DiskFull', `no space left on the worker ${what}`, error) : null;
}

/** The code of an error; anything that came neither from `failure` nor from the API server is `Unexpected`. */
export function codeOf(error: unknown): FailureCode {
  if (error instanceof KubeError) return fromKube(error).code;
  return error instanceof HoldfastError ? error.code : 'Unexpected';
}

/** What an answer of the API server means for the loop. Its words are kept only where they cannot quote an object. */
export function fromKube(error: KubeError): HoldfastError {
  const { status, reason, message } = error;
  const words = [401, 403, 404, 409].includes(status) && !message.includes('admission webhook') ? message : '';
  const told = `the API server answered ${status} ${reason}${words === '' ? '' : `: ${words}`}`;
  if (status === 401 || status === 403) return failure('Forbidden', told, error);
  if (status === 404) return failure('ObjectGone', told, error);
  if (status === 409) return failure('Conflict', told, error);
  if (status === 429 || status >= 500) return failure('ClusterUnreachable', told, error);
  return failure('Unexpected', told, error);
}

/** An error that has a code, or comes from an answer of the API server. Anything else is thrown on. */
export function knownError(error: unknown): HoldfastError {
  const known = error instanceof KubeError ? fromKube(error) : error;
  if (known instanceof HoldfastError) return known;
  throw error;
}

/**
 * The only maker of `ApplicationFailure`. The disposition table decides whether Temporal retries. `cause` stays
 * behind: it is logged by the worker and never stored in history.
 */
export function toApplicationFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const made = make(error instanceof KubeError ? fromKube(error) : error);
  ORIGINALS.set(made, error);
  return made;
}

const ORIGINALS = new WeakMap<ApplicationFailure, unknown>();

/** The error from which a failure was made, with its causes: for the worker's log, and for nothing that is stored. */
export function originalOf(error: unknown): unknown {
  return error instanceof ApplicationFailure ? (ORIGINALS.get(error) ?? error) : error;
}

function make(error: unknown): ApplicationFailure {
  const code = codeOf(error);
  const message =
    error instanceof HoldfastError ? error.message : `unexpected error (${nameOf(error)}); see the worker's log`;
  if (error instanceof HoldfastError && error.retryAfterMs !== null) {
    // The workflow waits, where everybody sees it, not an activity between two tries.
    const details = [{ retryAfterMs: error.retryAfterMs }];
    return ApplicationFailure.create({ type: code, message, nonRetryable: true, details });
  }
  return ApplicationFailure.create({ type: code, message, nonRetryable: FAILURES[code] === 'stalled' });
}

/** A wait that goes on: not an error to log, asked again after `nextRetryMs`, without a new event in history. */
export function notYet(
  code: FailureCode,
  message: string,
  options: { nextRetryMs: number; details?: unknown },
): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message,
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: options.nextRetryMs,
    details: options.details === undefined ? [] : [options.details],
  });
}

/** The end of a wait whose time is over: not an error to log either, and not asked again. */
export function tooLate(code: FailureCode, message: string, details: unknown): ApplicationFailure {
  const category = ApplicationFailureCategory.BENIGN;
  return ApplicationFailure.create({ type: code, message, category, nonRetryable: true, details: [details] });
}

export { isFailureCode };

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
