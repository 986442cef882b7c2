import { remember } from './remember.ts';

/** One question to a server for all who want to know the same. */
export interface Sharing {
  /**
   * The answer to a question that was asked at `since` or later, by whomever; asks when there is none. So nobody gets
   * an answer that is older than his wish to know. Failures are told to those who wait for them and are not kept.
   */
  <T>(question: Question<T>): Promise<T>;
}

export interface Question<T> {
  /** The same for the same question, credentials included. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Whose wait ends when it fires; the question itself goes on for the others. */
  readonly signal?: AbortSignal | undefined;
  readonly ask: () => Promise<T>;
  /** Whether an answer from before `since` still holds, and with it one that is on its way; absent: none does, and it is soon forgotten. */
  readonly holds?: (answer: T) => boolean;
}

interface Asked {
  readonly at: number;
  readonly answer: Promise<unknown>;
  /** The answer, once it is there. */
  readonly known: unknown[];
}

/** Questions that are remembered; a burst of releases asks few different ones. */
const KEPT = 500;
/** An answer may hold credentials, which are kept no longer than a burst takes to use them. */
const KEPT_MS = 10_000;

export function createSharing(): Sharing {
  const asked = new Map<string, Asked>();
  return async <T>({ key, since, signal, ask, holds }: Question<T>): Promise<T> => {
    signal?.throwIfAborted();
    const before = asked.get(key);
    // By the key it is an answer to the same question, so of the same type.
    if (before !== undefined && (before.at >= since || stillHolds(before, holds))) {
      return unlessAborted(before.answer as Promise<T>, signal);
    }
    const answer = ask();
    const entry: Asked = { at: Date.now(), answer, known: [] };
    remember(asked, [key, entry], KEPT);
    const forget = (): void => {
      if (asked.get(key) === entry) asked.delete(key);
    };
    answer.then((got) => {
      entry.known.push(got);
      if (holds === undefined) setTimeout(forget, KEPT_MS).unref();
    }, forget);
    return unlessAborted(answer, signal);
  };
}

function stillHolds<T>({ known }: Asked, holds: Question<T>['holds']): boolean {
  if (holds === undefined) return false;
  return known.length === 0 || holds(known[0] as T);
}

function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([answer, promise]).finally(() => {
    signal.removeEventListener('abort', abort);
  });
}
