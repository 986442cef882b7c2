/** What is decided about failures, by what the spec asks for. */
import type { AttemptRecord, Desired, FailurePolicy, History, ReleaseObject } from '../../workflows/core/model.ts';
import { attempt, desired, history, look, NOW, object, remediation, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

const failure = { code: 'UpgradeFailed', message: 'it broke' } as const;
const because = 'upgrade 1.0.0 failed';
export const failed = attempt({ n: 2, outcome: 'failedAfterWrite', failure });
export const rollback = (change: Partial<AttemptRecord> = {}): AttemptRecord =>
  attempt({ n: 3, label: 'a3', action: 'rollback', because, version: '0.9.0', makes: 4, revision: 4, ...change });
export const uninstall = (change: Partial<AttemptRecord> = {}): AttemptRecord =>
  attempt({ n: 3, action: 'uninstall', because, revision: null, ...change });

export const ONCE: FailurePolicy = { retries: 0, remedy: 'rollback', remediateLast: true };

export function asking(upgrade: Partial<FailurePolicy>, test?: Desired['test']): ReleaseObject {
  const wanted = desired({ remediation: remediation({ upgrade: { ...ONCE, ...upgrade } }) });
  return object({ spec: { kind: 'valid', desired: test === undefined ? wanted : { ...wanted, test } } });
}

/** After failures, the back-off before the next try not over. */
export function after(count: number, ...recent: readonly AttemptRecord[]): History {
  return history({ failuresAfterWrite: count, lastFailure: failure, retryAt: NOW + 1000, recent });
}

const broken = stored({ status: 'failed', deployedRevision: 2 });
/** Revision 4, with the labels of the revision that it went back to. */
export const backAgain = stored({ revision: 4, digest: 'd0', attempt: 'a1', deployedRevision: 4 });
const ready = { readyRevision: 4 };
const hold = { kind: 'hold', until: NOW + 1000, failure } as const;
const exceeded = (message: string) => ({ kind: 'stall', failure: { code: 'RetriesExceeded', message } }) as const;

export const REMEDY_ROWS: readonly Row[] = [
  {
    name: 'failed, and the spec asks for nothing: hold, never roll back or uninstall',
    look: look({ object: asking({ retries: null, remedy: null }), stored: broken }),
    history: after(1, failed),
    then: hold,
  },
  {
    name: 'failed, and a rollback is asked for: at once, whatever the back-off before the next try',
    look: look({ object: asking({}), stored: broken }),
    history: after(1, failed),
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'failed, and a rollback before each retry is asked for',
    look: look({ object: asking({ retries: 2 }), stored: broken }),
    history: after(1, failed),
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'failed, and an uninstall is asked for',
    look: look({ object: asking({ remedy: 'uninstall' }), stored: broken }),
    history: after(1, failed),
    then: { kind: 'uninstall', because },
  },
  {
    name: 'failed with no retries left, and the last failure is not to be remedied: stall',
    look: look({ object: asking({ retries: 1, remediateLast: false }), stored: broken }),
    history: after(2, failed),
    then: exceeded('upgrade 1.0.0 failed 2 times, with one retry allowed: it broke'),
  },
  {
    name: 'failed with no retries and no remedy: stall',
    look: look({ object: asking({ remedy: null }), stored: broken }),
    history: after(1, failed),
    then: exceeded('upgrade 1.0.0 failed once, with no retries allowed: it broke'),
  },
  {
    name: 'failed, and there is nothing to roll back to: stall',
    look: look({ object: asking({}), stored: { ...broken, rollbackRevision: null } }),
    history: after(1, failed),
    then: {
      kind: 'stall',
      failure: {
        code: 'MissingRollbackTarget',
        message:
          'upgrade 1.0.0 failed, and there is no revision to roll back to; declare another state, or set spec.rollback.toRevision',
      },
    },
  },
  {
    name: 'a look of a version that did not roll back knows no target',
    look: look({ object: asking({}), stored: stored({ status: 'failed', rollbackRevision: null }) }),
    history: history({ recent: [failed] }),
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  {
    name: 'the failure of a first install is none of an upgrade, although helm was to upgrade',
    look: look({ object: asking({}), stored: broken }),
    history: after(1, { ...failed, first: true }),
    then: hold,
  },
  {
    name: 'failures of another desired state call for no remedy',
    look: look({ object: asking({}), stored: broken }),
    history: history({ recent: [{ ...failed, digest: 'd0' }] }),
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  // the end of a remedy
  {
    name: 'rolled back and no retries: stall, and never upgrade to the same again',
    look: look({ object: asking({}), stored: backAgain }),
    history: { ...after(1, failed, rollback()), ...ready },
    then: exceeded('upgrade 1.0.0 failed once, with no retries allowed; 0.9.0 runs again as revision 4: it broke'),
  },
  {
    name: 'rolled back, and the back-off is over: still no upgrade to the same',
    look: look({ object: asking({}), stored: backAgain }),
    history: { ...after(1, failed, rollback()), ...ready, retryAt: null },
    then: exceeded('upgrade 1.0.0 failed once, with no retries allowed; 0.9.0 runs again as revision 4: it broke'),
  },
  {
    name: 'rolled back with retries left: hold for the back-off',
    look: look({ object: asking({ retries: 1 }), stored: backAgain }),
    history: { ...after(1, failed, rollback()), ...ready },
    then: hold,
  },
  {
    name: 'rolled back with retries left and the back-off over: upgrade',
    look: look({ object: asking({ retries: 1 }), stored: backAgain }),
    history: { ...after(1, failed, rollback()), ...ready, retryAt: NOW },
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  {
    name: 'rolled back, and another state is desired by now: upgrade at once',
    look: look({ object: asking({}), stored: backAgain }),
    history: history({ ...ready, recent: [{ ...failed, digest: 'd9' }, rollback({ digest: 'd9' })] }),
    then: { kind: 'upgrade', because: 'chart, version or values changed' },
  },
  {
    name: 'rolled back, and what runs is desired again: nothing',
    look: look({ object: asking({}), stored: { ...backAgain, digest: 'd1' } }),
    history: history({ ...ready, recent: [{ ...failed, digest: 'd9' }, rollback({ digest: 'd9' })] }),
    then: { kind: 'none' },
  },
  {
    name: 'the failures are forgotten by a reset: the same again',
    look: look({ object: asking({}), stored: backAgain }),
    history: history({ ...ready, recent: [failed, rollback()] }),
    then: { kind: 'upgrade', because: 'chart, version or values changed' },
  },
  {
    name: 'the rollback failed: it is not repeated, and holds',
    look: look({ object: asking({}), stored: stored({ revision: 4, status: 'failed', digest: 'd0' }) }),
    history: after(1, failed, rollback({ outcome: 'failedAfterWrite' })),
    then: exceeded('upgrade 1.0.0 failed once, with no retries allowed; the rollback failed, too: it broke'),
  },
  {
    name: 'the rollback failed, and there are retries left: the next try is an upgrade',
    look: look({ object: asking({ retries: 1 }), stored: stored({ revision: 4, status: 'failed', digest: 'd0' }) }),
    history: { ...after(1, failed, rollback({ outcome: 'failedAfterWrite' })), retryAt: NOW },
    then: { kind: 'upgrade', because: 'chart, version or values changed' },
  },
  {
    name: 'the rollback could not begin: again when its back-off is over',
    look: look({ object: asking({}), stored: broken }),
    history: after(1, failed, rollback({ outcome: 'failedBeforeWrite', revision: null })),
    then: hold,
  },
  {
    name: 'the rollback died before it wrote: again at once',
    look: look({ object: asking({}), stored: broken }),
    history: { ...after(1, failed, rollback({ outcome: 'lost', revision: null })), retryAt: null },
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'the rollback died while it wrote: unlock by the revision that it makes, not by the labels of its target',
    look: look({ object: asking({}), stored: { ...backAgain, status: 'pending-rollback', deployedRevision: 2 } }),
    history: {
      ...after(1, attempt(), failed, rollback({ outcome: 'lost', revision: null })),
      lost: { attempt: 'a3', process: null, deadAt: NOW + 1000 },
      retryAt: null,
    },
    then: { kind: 'unlock', revision: 4, leaseOver: false },
  },
  {
    name: 'the helm of the rollback was heard to end: unlock',
    look: look({ object: asking({}), stored: { ...backAgain, status: 'pending-rollback', deployedRevision: 2 } }),
    history: { ...after(1, failed, rollback({ outcome: 'interrupted', revision: null })), retryAt: null },
    then: { kind: 'unlock', revision: 4, leaseOver: true },
  },
  {
    name: 'a rollback by another hand is no rollback of ours, whose labels it carries: hold for its lease',
    look: look({ object: asking({}), stored: { ...backAgain, status: 'pending-rollback' } }),
    history: { ...after(1, attempt(), failed), retryAt: null },
    then: {
      kind: 'hold',
      until: NOW - 1000 + 660_000,
      failure: {
        code: 'RecordLocked',
        message: 'revision 4 is pending-rollback and another helm wrote it, and may still be at work',
      },
    },
  },
  {
    name: 'the rollback died while it wrote and is unlocked: it is decided anew',
    look: look({
      object: asking({}),
      stored: stored({ revision: 4, status: 'failed', digest: 'd0', deployedRevision: 2 }),
    }),
    history: { ...after(1, failed, rollback({ outcome: 'lost', revision: null })), retryAt: null },
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'the end of the rollback was not heard: wait for its objects, by the options of the rollback',
    look: look({ object: asking({}), stored: backAgain }),
    history: after(1, failed, rollback({ outcome: 'lost', revision: null })),
    then: { kind: 'wait', revision: 4, deadline: NOW + 300_000 },
  },
  {
    name: 'the end of the rollback was not heard, and its revision was found: stall, and tell what runs',
    look: look({ object: asking({}), stored: backAgain }),
    history: { ...after(1, failed, rollback({ outcome: 'lost' })), ...ready },
    then: exceeded('upgrade 1.0.0 failed once, with no retries allowed; 0.9.0 runs again as revision 4: it broke'),
  },
  {
    name: 'rolled back by another hand after a failure: nothing is left to roll back',
    look: look({ object: asking({}), stored: backAgain }),
    history: { ...after(1, failed), ...ready },
    then: exceeded('upgrade 1.0.0 failed once, with no retries allowed: it broke'),
  },
  {
    name: 'uninstalled and no retries: stall, and install nothing',
    look: look({ object: asking({ remedy: 'uninstall' }), stored: null }),
    history: { ...after(1, failed, uninstall()), readyRevision: null },
    then: exceeded('upgrade 1.0.0 failed once, with no retries allowed; it was uninstalled: it broke'),
  },
  {
    name: 'uninstalled with retries left and the back-off over: install',
    look: look({ object: asking({ remedy: 'uninstall', retries: 1 }), stored: null }),
    history: { ...after(1, failed, uninstall()), readyRevision: null, retryAt: null },
    then: { kind: 'install', because: 'not installed', replace: false },
  },
  {
    name: 'the uninstall died in the middle: it is brought to its end',
    look: look({ object: asking({ remedy: 'uninstall', retries: 1 }), stored: stored({ status: 'uninstalling' }) }),
    history: { ...after(1, failed, uninstall({ outcome: 'lost' })), retryAt: null },
    then: { kind: 'uninstall', because },
  },
  {
    name: 'the uninstall did not see everything go: it is asked again before anything is installed',
    look: look({ object: asking({ remedy: 'uninstall', retries: 1 }), stored: stored({ status: 'uninstalled' }) }),
    history: { ...after(1, failed, uninstall({ outcome: 'interrupted' })), retryAt: null },
    then: { kind: 'uninstall', because },
  },
];
