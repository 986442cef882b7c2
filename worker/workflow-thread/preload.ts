/**
 * For `node --import`, so that each thread of a worker runs it before its own code. Temporal's SDK lets Node end a call
 * into a workflow after 5 s, and Node makes a thread for each such call (nodejs/node#47739): 0.13 ms of CPU each, a tenth
 * of what a worker takes. Here calls are counted instead, and the main thread watches the count.
 */
import { Script, type Context, type RunningScriptOptions } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { announceCalls } from './calls.ts';

if (!isMainThread) {
  const calls = announceCalls();
  const runInContext: Script['runInContext'] = Reflect.get(Script.prototype, 'runInContext');
  Script.prototype.runInContext = function (context: Context, options: RunningScriptOptions = {}) {
    Atomics.add(calls, 0, 1);
    try {
      return runInContext.call(this, context, { ...options, timeout: undefined }) as unknown;
    } finally {
      Atomics.add(calls, 0, 1);
    }
  };
}
