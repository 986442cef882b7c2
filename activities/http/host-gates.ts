import { HoldfastError } from '../failures.ts';

/** Who asks a server: limits are counted for each account of a host. */
export interface Asker {
  readonly host: string;
  /** User name; empty: nobody in particular. */
  readonly account: string;
  readonly signal?: AbortSignal | undefined;
}

/** One for all who ask registries and repositories in this worker. */
export interface HostGates {
  /**
   * Do something with a host: at most a few at a time, the others wait their turn. A host that wants to be left alone
   * is not asked until that time is over; the answer is then the same failure at once.
   */
  pass<T>(asker: Asker, work: () => Promise<T>): Promise<T>;
}

const MAX_AT_ONCE = 8;

interface Gate {
  running: number;
  readonly waiting: (() => void)[];
}

interface Refusal {
  readonly until: number;
  readonly error: HoldfastError;
}

export function createHostGates(maxAtOnce = MAX_AT_ONCE): HostGates {
  const gates = new Map<string, Gate>();
  const refusals = new Map<string, Refusal>();

  const enter = async (host: string, signal: AbortSignal | undefined): Promise<Gate> => {
    const gate = gates.get(host) ?? { running: 0, waiting: [] };
    gates.set(host, gate);
    if (gate.running < maxAtOnce) gate.running += 1;
    else await turn(gate, signal);
    return gate;
  };

  const leave = (host: string, gate: Gate): void => {
    const next = gate.waiting.shift();
    // The place passes from one to the next.
    if (next !== undefined) next();
    else gate.running -= 1;
    if (gate.running === 0) gates.delete(host);
  };

  const checkAllowed = (key: string): void => {
    const refusal = refusals.get(key);
    if (refusal === undefined) return;
    const left = refusal.until - Date.now();
    if (left > 0) throw refusal.error.withRetryAfter(left);
    refusals.delete(key);
  };

  return {
    async pass({ host, account, signal }, work) {
      const key = JSON.stringify([host, account]);
      checkAllowed(key);
      const gate = await enter(host, signal);
      try {
        // Those before us may have been told to wait.
        checkAllowed(key);
        return await work();
      } catch (error) {
        if (error instanceof HoldfastError && error.retryAfterMs !== null && !refusals.has(key)) {
          refusals.set(key, { until: Date.now() + error.retryAfterMs, error });
        }
        throw error;
      } finally {
        leave(host, gate);
      }
    },
  };
}

function turn(gate: Gate, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      signal?.removeEventListener('abort', giveUp);
      resolve();
    };
    const giveUp = (): void => {
      const place = gate.waiting.indexOf(go);
      if (place !== -1) gate.waiting.splice(place, 1);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the signal was given
      reject(signal?.reason);
    };
    gate.waiting.push(go);
    signal?.addEventListener('abort', giveUp, { once: true });
  });
}
