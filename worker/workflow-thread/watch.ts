import { listenForCalls } from './calls.ts';

const LOOK_MS = 1_000;
const MAX_LOOKS = 30;

/**
 * Call `stuck` when a call into a workflow was under way for 30 looks, one a second: one that loops holds up all others.
 * Looks are counted and not the time, which goes on while the machine sleeps. Must come before the workers are made.
 */
export function watchWorkflowThreads(stuck: () => void, lookMs = LOOK_MS): void {
  listenForCalls((calls) => {
    let seen = 0;
    let looks = 0;
    setInterval(() => {
      const now = Atomics.load(calls, 0);
      looks = now === seen && now % 2 !== 0 ? looks + 1 : 0;
      seen = now;
      if (looks === MAX_LOOKS) stuck();
    }, lookMs).unref();
  });
}
