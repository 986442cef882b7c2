/** What is decided about a revision whose wait timed out. */
import { attempt, history, look, NOW, object, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

const BROKEN = { code: 'WaitTimedOut', message: 'not ready within 600 s' } as const;
const suspension = { by: 'ops', reason: 'freeze', inSpec: false };
const timedOut = { revision: 3, attempt: 'a1' };

export const LATE_ROWS: readonly Row[] = [
  {
    name: 'its wait timed out, and all is ready by now: keep it, whatever the back-off before the next try',
    look: look({ stored: stored({ status: 'failed', notReady: [] }) }),
    history: history({ timedOut, retryAt: NOW + 300_000, lastFailure: BROKEN }),
    then: { kind: 'accept', revision: 3 },
  },
  {
    name: 'its wait timed out, and something is still not ready: hold',
    look: look({
      stored: stored({ status: 'failed', notReady: [{ object: 'Deployment app', reason: 'is missing' }] }),
    }),
    history: history({ timedOut, retryAt: NOW + 300_000, lastFailure: BROKEN }),
    then: { kind: 'hold', until: NOW + 300_000, failure: BROKEN },
  },
  {
    name: 'its wait timed out, and the back-off ends before it is ready: the same again',
    look: look({
      stored: stored({ status: 'failed', notReady: [{ object: 'Deployment app', reason: 'is missing' }] }),
    }),
    history: history({ timedOut, recent: [attempt({ outcome: 'failedAfterWrite' })] }),
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  {
    name: 'ready late, but another state is desired by now: upgrade',
    look: look({ stored: stored({ status: 'failed', digest: 'd0', notReady: [] }) }),
    history: history({ timedOut }),
    then: { kind: 'upgrade', because: 'chart, version or values changed' },
  },
  {
    name: 'a revision of the same number that another attempt left failed is not the one whose wait timed out',
    look: look({ stored: stored({ status: 'failed', attempt: 'a2', notReady: [] }) }),
    history: history({ timedOut, recent: [attempt({ outcome: 'lost' })] }),
    then: { kind: 'upgrade', because: 'the last attempt was interrupted' },
  },
  {
    name: 'ready late and suspended: nothing',
    look: look({ object: object({ suspension }), stored: stored({ status: 'failed', notReady: [] }) }),
    history: history({ timedOut }),
    then: { kind: 'none' },
  },
];
