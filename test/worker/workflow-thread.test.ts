import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { watchWorkflowThreads } from '../../worker/workflow-thread/watch.ts';

const preload = new URL('../../worker/workflow-thread/preload.ts', import.meta.url).href;

const file = new URL('caller-thread.ts', import.meta.url);

function startThread(test: TestContext, text: string, everyMs: number | null = null): Worker {
  const thread = new Worker(file, { execArgv: [`--import=${preload}`], workerData: { text, everyMs } });
  test.after(() => thread.terminate());
  return thread;
}

describe('the thread of the workflows', () => {
  it('is not ended by a timeout of Node, and its calls come back with what they answer', async (test) => {
    const slow = 'for (const end = Date.now() + 100; Date.now() < end;) n += 1; n > 0';
    assert.deepEqual(await once(startThread(test, slow), 'message'), [true]);
  });

  it('throws what was thrown in a workflow', async (test) => {
    const thread = startThread(test, 'throw new TypeError("no")');
    assert.deepEqual(await once(thread, 'message'), ['TypeError: no']);
  });

  it('is told when one call does not come back', async (test) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    watchWorkflowThreads(() => {
      resolve(undefined);
    }, 5);
    startThread(test, 'for (;;);');
    await promise;
  });

  it('is left alone while it makes one call after another', async (test) => {
    let stuck = 0;
    watchWorkflowThreads(() => {
      stuck += 1;
    }, 50);
    const thread = startThread(test, 'n += 1', 1);
    await once(thread, 'message');
    await sleep(2_500);
    assert.equal(stuck, 0);
  });
});
