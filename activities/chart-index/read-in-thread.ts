import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ReadIndex } from './read-index.ts';

/**
 * Far more than the reader needs, whatever the size of the index, and far less than would hurt the worker: what makes it
 * grow so much was made to do so.
 */
const LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8 };

/** Read an index in a thread of its own, which ends with it. */
export async function readInThread(from: string, to: string): Promise<ReadIndex> {
  const thread = new Worker(new URL('thread.ts', import.meta.url), {
    workerData: { from, to },
    resourceLimits: LIMITS,
    // Nothing of the worker's settings concerns it, and they may hold a token.
    env: {},
  });
  try {
    const [answer] = (await once(thread, 'message')) as [ReadIndex]; // what `thread.ts` posts
    return answer;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return { kind: 'invalid', why: `takes more than ${LIMITS.maxOldGenerationSizeMb} MiB of memory to read` };
    }
    throw error;
  } finally {
    await thread.terminate();
  }
}
