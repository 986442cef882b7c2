const SECOND = 1000;
const MINUTE = 60 * SECOND;

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** Nothing was written: try soon, for ever. */
export const BEFORE_WRITE: Backoff = { firstMs: 10 * SECOND, capMs: 5 * MINUTE };
/** Helm wrote and failed: the same desired state again after 5 minutes, doubling to an hour. */
export const AFTER_WRITE: Backoff = { firstMs: 5 * MINUTE, capMs: 60 * MINUTE };
/** The worker or its helm died: again at once, then slower, so that a release that kills its worker cannot spin. */
export const AFTER_LOSS: Backoff = { firstMs: 5 * SECOND, capMs: 5 * MINUTE };

/** Milliseconds to wait after the given number of failures in a row (1 for the first). */
export function delayAfter(failures: number, { firstMs, capMs }: Backoff): number {
  return Math.min(capMs, firstMs * 2 ** Math.max(0, Math.min(failures - 1, 30)));
}

/** The same where nothing was written, and whoever refused may have said how long to leave it alone. */
export function delayBeforeWrite(failures: number, retryAfterMs = 0): number {
  return Math.max(retryAfterMs, delayAfter(failures, BEFORE_WRITE));
}
