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
  readonly signal: AbortSignal;
  readonly ask: () => Promise<T>;
}

interface Asked {
  readonly at: number;
  readonly answer: Promise<unknown>;
}

/** Questions that are remembered; a burst of releases asks few different ones. */
const KEPT = 500;
/** An answer may hold credentials, which are kept no longer than a burst takes to use them. */
const KEPT_MS = 10_000;

export function createSharing(): Sharing {
  const asked = new Map<string, Asked>();
  return async <T>({ key, since, signal, ask }: Question<T>): Promise<T> => {
    signal.throwIfAborted();
    const known = asked.get(key);
    // By the key it is an answer to the same question, so of the same type.
    if (known !== undefined && known.at >= since) return unlessAborted(known.answer as Promise<T>, signal);
    const entry = { at: Date.now(), answer: ask() };
    asked.delete(key); // the newest come last
    asked.set(key, entry);
    for (const oldest of [...asked.keys()].slice(0, Math.max(0, asked.size - KEPT))) asked.delete(oldest);
    const forget = (): void => {
      if (asked.get(key) === entry) asked.delete(key);
    };
    entry.answer.then(() => {
      setTimeout(forget, KEPT_MS).unref();
    }, forget);
    return unlessAborted(entry.answer, signal);
  };
}

function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([answer, promise]).finally(() => {
    signal.removeEventListener('abort', abort);
  });
}
