import { isPending } from './classify.ts';
import type { AttemptRecord, History, StoredRelease, Wish } from './model.ts';

/** Remember what a person wants; an older wish is given up. */
export function wish(history: History, wanted: Omit<Wish, 'since'>): History {
  return { ...history, wish: { ...wanted, since: history.attempts } };
}

/**
 * Forget a forced upgrade that Helm has written, whatever became of it. One that failed before, or of which nothing was
 * heard and nothing is found, is still wanted.
 */
export function withoutFulfilled(history: History, stored: StoredRelease | null): History {
  const { wish: wanted } = history;
  if (wanted == null) return history;
  const fulfilled = history.recent.some((attempt) => attempt.n > wanted.since && hasWritten(attempt, stored));
  return fulfilled ? { ...history, wish: null } : history;
}

function hasWritten({ action, outcome, label }: AttemptRecord, stored: StoredRelease | null): boolean {
  if (action !== 'install' && action !== 'upgrade') return false;
  if (outcome === 'succeeded' || outcome === 'failedAfterWrite') return true;
  return stored?.attempt === label && !isPending(stored.status);
}

/** Why there is an upgrade although nothing calls for it; null: nobody wants one. */
export function forcedBy({ wish: wanted }: History): string | null {
  if (wanted == null) return null;
  return `forced by ${wanted.by}${wanted.reason === '' ? '' : `: ${wanted.reason}`}`;
}
