import { attempt, history, look, NOW, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

const back = { kind: 'upgrade', because: 'upgraded or rolled back by another hand' } as const;
const first = attempt({ revision: 1 });

/** A release that somebody changed with a helm of their own, which copies our labels. */
export const UNMANAGED_ROWS: readonly Row[] = [
  {
    name: 'upgraded by another hand, with our labels: back to what is declared',
    look: look({ stored: stored({ copyOf: 1 }) }),
    history: history({ recent: [first] }),
    then: back,
  },
  {
    name: 'rolled back by another hand: back to what is declared, for that reason',
    look: look({ stored: stored({ copyOf: 1, digest: 'd0' }) }),
    history: history({ recent: [first] }),
    then: back,
  },
  {
    name: 'an upgrade by another hand that failed is not ours either',
    look: look({ stored: stored({ copyOf: 1, status: 'failed' }) }),
    then: back,
  },
  {
    name: 'changed by another hand, the back-off not over: not before',
    look: look({ stored: stored({ copyOf: 1 }) }),
    history: history({ retryAt: NOW + 1000, lastFailure: { code: 'HelmFailed', message: 'it broke' } }),
    then: { kind: 'hold', until: NOW + 1000, failure: { code: 'HelmFailed', message: 'it broke' } },
  },
  {
    name: 'labels that a workflow without memory gave twice are its own',
    look: look({ stored: stored({ copyOf: 1 }) }),
    history: history({ recent: [attempt()] }),
    then: { kind: 'none' },
  },
  {
    name: 'a copy that our rollback made is ours',
    look: look({ stored: stored({ copyOf: 1 }) }),
    history: history({ recent: [attempt({ action: 'rollback', label: 'a2', makes: 3 })] }),
    then: { kind: 'none' },
  },
  {
    name: 'locked by a helm of another hand that copied our labels: it may still be at work',
    look: look({ stored: stored({ status: 'pending-upgrade', copyOf: 1 }) }),
    history: history({ recent: [first] }),
    then: {
      kind: 'hold',
      until: NOW - 1000 + 660_000,
      failure: {
        code: 'RecordLocked',
        message: 'revision 3 is pending-upgrade and another helm wrote it, and may still be at work',
      },
    },
  },
];
