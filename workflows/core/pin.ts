import type { Failure } from './failures.ts';
import { withoutFailures } from './history.ts';
import type { History, Pin, StoredRelease } from './model.ts';
import { rollbackThatMade } from './remedy.ts';

/** Remember that an older revision is to run. What had failed, or was wanted before, is answered by that. */
export function pinTo(history: History, asked: Omit<Pin, 'since'>): History {
  const wish = history.wish == null ? {} : { wish: null };
  return { ...withoutFailures(history), ...wish, pin: { ...asked, since: history.attempts } };
}

/** What is declared counts again. */
export function unpin(history: History): History {
  return history.pin == null ? history : { ...history, pin: null };
}

/** What was installed is gone, and with it the revisions that could be gone back to. */
export function unpinGone(history: History, stored: StoredRelease | null): History {
  return stored === null || stored.status === 'uninstalled' ? unpin(history) : history;
}

/** The rollback that was asked for has made this revision. */
export function isPinned({ revision, status }: StoredRelease, history: History): boolean {
  const { pin } = history;
  const maker = rollbackThatMade(revision, history);
  return status === 'deployed' && pin != null && maker !== undefined && maker.n > pin.since;
}

/** Why there is a rollback although nothing has failed. */
export function pinText({ by, reason }: Omit<Pin, 'since' | 'revision'>): string {
  return `asked for by ${by}${reason === '' ? '' : `: ${reason}`}`;
}

/** What is said while the release stays there. */
export function heldThere(pin: Pin, revision: number, history: History): Failure {
  const version = rollbackThatMade(revision, history)?.version ?? '';
  const runs = version === '' ? '' : `, version ${version}`;
  return {
    code: 'RolledBack',
    message: `rolled back to revision ${pin.revision} as revision ${revision}${runs}, ${pinText(pin)}; it stays until another state is declared, or the release is resumed`,
  };
}
