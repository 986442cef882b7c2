import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../runtime/logger.ts';

/** Try until it works: a worker that starts before its peers is told to wait, not to crash. At most 10 s apart. */
export async function persist<T>(
  attempt: () => Promise<T>,
  { logger, waitingFor }: { logger: Logger; waitingFor: string },
): Promise<T> {
  for (let delay = 500; ; delay = Math.min(delay * 2, 10_000)) {
    try {
      return await attempt();
    } catch (err) {
      logger.warn({ err, retryInMs: delay }, `waiting for ${waitingFor}`);
      await sleep(delay);
    }
  }
}
