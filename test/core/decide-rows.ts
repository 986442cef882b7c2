import type { Failure } from '../../workflows/core/failures.ts';
import type { Action, History, Look } from '../../workflows/core/model.ts';
import { attempt, desired, history, look, NOW, object, stored } from './builders.ts';

const CHANGED = 'chart, version or values changed';
const DELETED = 'the HelmRelease was deleted';
const BROKEN: Failure = { code: 'UpgradeFailed', message: 'it broke' };
export const deleting = object({ deleting: true });
const invalid = object({
  spec: {
    kind: 'invalid',
    failure: { code: 'ValuesInvalid', message: 'values are no map' },
    release: { namespace: 'default', name: 'app' },
    uninstall: { timeoutMs: 300_000, keepHistory: false },
  },
});
const suspension = { by: 'ops', reason: 'freeze', inSpec: false };
const lost = { attempt: 'a2', process: null, deadAt: NOW + 1000 };
const otherOwner = { namespace: 'shop', name: 'web' };
const uninstalled = attempt({ action: 'uninstall', outcome: 'succeeded' });

/** A look and a memory, the usual ones where absent, and the action that they call for. */
export interface Row {
  readonly name: string;
  readonly look?: Look;
  readonly history?: History;
  readonly then: Action;
}

/** At least one row for each state, memory and policy that changes the answer. */
export const ROWS: readonly Row[] = [
  // nothing to do
  { name: 'the object is gone: nothing', look: look({ object: null }), then: { kind: 'none' } },
  { name: 'in sync and ready: nothing', then: { kind: 'none' } },
  {
    name: 'suspended: nothing, whatever is wrong',
    look: look({ object: object({ suspension }), stored: stored({ status: 'failed' }) }),
    then: { kind: 'none' },
  },
  {
    name: 'suspended and locked: the lock stays',
    look: look({ object: object({ suspension }), stored: stored({ status: 'pending-upgrade' }) }),
    then: { kind: 'none' },
  },
  // the spec
  {
    name: 'an invalid spec stalls and touches nothing',
    look: look({ object: invalid }),
    then: { kind: 'stall', failure: { code: 'ValuesInvalid', message: 'values are no map' } },
  },
  {
    name: 'a release name that belongs to another living HelmRelease stalls, naming it',
    look: look({ stored: stored({ ownedByUs: false, otherOwner }) }),
    then: {
      kind: 'stall',
      failure: {
        code: 'ReleaseNameTaken',
        message:
          'release default/app belongs to HelmRelease shop/web; choose another spec.release.name, or delete that one',
      },
    },
  },
  {
    name: 'deleted with another release name in the spec: what is installed is uninstalled',
    look: look({ object: deleting }),
    history: history({ target: { namespace: 'default', name: 'old' } }),
    then: { kind: 'uninstall', because: DELETED },
  },
  // absent
  {
    name: 'absent: install',
    look: look({ stored: null }),
    then: { kind: 'install', because: 'not installed', replace: false },
  },
  {
    name: 'uninstalled with its history kept: install over it',
    look: look({ stored: stored({ status: 'uninstalled' }) }),
    then: { kind: 'install', because: 'not installed', replace: true },
  },
  {
    name: 'absent, but the last try failed a moment ago: hold',
    look: look({ stored: null }),
    history: history({ retryAt: NOW + 5000, lastFailure: BROKEN }),
    then: { kind: 'hold', until: NOW + 5000, failure: BROKEN },
  },
  {
    name: 'absent and the hold is over: install',
    look: look({ stored: null }),
    history: history({ retryAt: NOW, lastFailure: BROKEN }),
    then: { kind: 'install', because: 'not installed', replace: false },
  },
  // out of sync
  {
    name: 'another desired state: upgrade',
    look: look({ stored: stored({ digest: 'd0' }) }),
    then: { kind: 'upgrade', because: CHANGED },
  },
  {
    name: 'installed by another hand: take it over by an upgrade',
    look: look({ stored: stored({ owner: null, ownedByUs: false, digest: null, attempt: null }) }),
    then: { kind: 'upgrade', because: 'installed by another hand' },
  },
  {
    name: 'a failed record of another desired state is out of sync, not failed',
    look: look({ stored: stored({ status: 'failed', digest: 'd0' }) }),
    then: { kind: 'upgrade', because: CHANGED },
  },
  // failed
  {
    name: 'failed and the back-off is over: the same again',
    look: look({ stored: stored({ status: 'failed' }) }),
    history: history({ recent: [attempt({ outcome: 'failedAfterWrite' })], retryAt: NOW - 1 }),
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  {
    name: 'failed a moment ago: hold, never roll back or uninstall',
    look: look({ stored: stored({ status: 'failed' }) }),
    history: history({ retryAt: NOW + 300_000, lastFailure: BROKEN }),
    then: { kind: 'hold', until: NOW + 300_000, failure: BROKEN },
  },
  {
    name: 'closed after its worker died: again at once',
    look: look({ stored: stored({ status: 'failed' }) }),
    history: history({ recent: [attempt({ outcome: 'lost' })] }),
    then: { kind: 'upgrade', because: 'the last attempt was interrupted' },
  },
  {
    name: 'a first install that failed is repeated by an upgrade',
    look: look({ stored: stored({ status: 'failed', revision: 1, deployedRevision: null }) }),
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  {
    name: 'superseded without a successor counts as failed',
    look: look({ stored: stored({ status: 'superseded' }) }),
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  // not ready
  {
    name: 'written but never seen ready: wait for its timeout',
    history: history({ readyRevision: 2 }),
    then: { kind: 'wait', revision: 3, deadline: NOW + 600_000 },
  },
  {
    name: 'an interrupted wait keeps its deadline',
    history: history({ readyRevision: 2, waiting: { revision: 3, deadline: NOW + 7 } }),
    then: { kind: 'wait', revision: 3, deadline: NOW + 7 },
  },
  {
    name: 'the deadline of another revision counts for nothing',
    history: history({ readyRevision: 2, waiting: { revision: 2, deadline: NOW + 7 } }),
    then: { kind: 'wait', revision: 3, deadline: NOW + 600_000 },
  },
  {
    name: 'upgrade.wait false: deployed is enough',
    look: look({
      object: object({ spec: { kind: 'valid', desired: desired({ upgrade: { ...desired().upgrade, wait: false } }) } }),
    }),
    history: history({ readyRevision: null }),
    then: { kind: 'none' },
  },
  {
    name: 'revision 1 waits by the options of install',
    look: look({
      object: object({ spec: { kind: 'valid', desired: desired({ install: { ...desired().install, wait: false } }) } }),
      stored: stored({ revision: 1 }),
    }),
    history: history({ readyRevision: null }),
    then: { kind: 'none' },
  },
  // locked
  {
    name: 'locked by an attempt that vanished: unlock, and the step asks whether its helm is dead',
    look: look({ stored: stored({ status: 'pending-upgrade', attempt: 'a2', digest: 'd0' }) }),
    history: history({ lost, recent: [attempt({ label: 'a2', outcome: 'lost' })] }),
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'locked by an attempt of ours that was heard to end: its helm is dead',
    look: look({ stored: stored({ status: 'pending-install', attempt: 'a1' }) }),
    history: history({ recent: [attempt({ outcome: 'interrupted' })] }),
    then: { kind: 'unlock', revision: 3, leaseOver: true },
  },
  {
    name: 'locked by a stranger a moment ago: hold for its lease',
    look: look({ stored: stored({ status: 'pending-upgrade', attempt: null, owner: null, ownedByUs: false }) }),
    then: {
      kind: 'hold',
      until: NOW - 1000 + 660_000,
      failure: {
        code: 'RecordLocked',
        message: 'revision 3 is pending-upgrade and another helm wrote it, and may still be at work',
      },
    },
  },
  {
    name: 'locked by a stranger and the lease is over: unlock',
    look: look({ stored: stored({ status: 'pending-rollback', attempt: null, changedAt: NOW - 660_000 }) }),
    then: { kind: 'unlock', revision: 3, leaseOver: true },
  },
  {
    name: 'a lock that could not be opened yet is asked again later',
    look: look({ stored: stored({ status: 'pending-upgrade', attempt: 'a2' }) }),
    history: history({ lost, retryAt: NOW + 10_000 }),
    then: {
      kind: 'hold',
      until: NOW + 10_000,
      failure: { code: 'RecordLocked', message: 'revision 3 is pending-upgrade and its helm may still live' },
    },
  },
  {
    name: 'somebody uninstalls what is wanted: leave it time, whoever wrote the record before',
    look: look({ stored: stored({ status: 'uninstalling' }) }),
    history: history({ recent: [attempt()] }),
    then: {
      kind: 'hold',
      until: NOW - 1000 + 660_000,
      failure: {
        code: 'RecordLocked',
        message: 'revision 3 is uninstalling and another helm wrote it, and may still be at work',
      },
    },
  },
  {
    name: 'an uninstall of what is wanted that died is closed as failed, never finished',
    look: look({ stored: stored({ status: 'uninstalling', changedAt: NOW - 660_000 }) }),
    then: { kind: 'unlock', revision: 3, leaseOver: true },
  },
  {
    name: 'deleted in the middle of an uninstall: uninstall again',
    look: look({ object: deleting, stored: stored({ status: 'uninstalling' }) }),
    then: { kind: 'uninstall', because: DELETED },
  },
  // deletion
  {
    name: 'deleted and nothing installed: let go',
    look: look({ object: deleting, stored: null }),
    then: { kind: 'release' },
  },
  {
    name: 'deleted: uninstall',
    look: look({ object: deleting }),
    then: { kind: 'uninstall', because: DELETED },
  },
  {
    name: 'deleted while suspended: uninstall all the same',
    look: look({ object: object({ deleting: true, suspension }) }),
    then: { kind: 'uninstall', because: DELETED },
  },
  {
    name: 'deleted with an invalid spec: uninstall all the same',
    look: look({ object: { ...invalid, deleting: true } }),
    then: { kind: 'uninstall', because: DELETED },
  },
  {
    name: 'deleted, but the release is not ours: let go and uninstall nothing',
    look: look({ object: deleting, stored: stored({ ownedByUs: false, otherOwner }) }),
    then: { kind: 'release' },
  },
  {
    name: 'deleted in the middle of a write: unlock first',
    look: look({ object: deleting, stored: stored({ status: 'pending-install', attempt: 'a2' }) }),
    history: history({ lost }),
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'deleted: the back-off of a failed upgrade delays no uninstall',
    look: look({ object: deleting, stored: stored({ status: 'failed' }) }),
    history: history({
      recent: [attempt({ outcome: 'failedAfterWrite' })],
      retryAt: NOW + 3_600_000,
      lastFailure: BROKEN,
    }),
    then: { kind: 'uninstall', because: DELETED },
  },
  {
    name: 'a failed uninstall is tried again later',
    look: look({ object: deleting }),
    history: history({
      recent: [attempt({ action: 'uninstall', outcome: 'failedBeforeWrite' })],
      retryAt: NOW + 10_000,
      lastFailure: { code: 'UninstallFailed', message: 'the delete hook failed' },
    }),
    then: {
      kind: 'hold',
      until: NOW + 10_000,
      failure: { code: 'UninstallFailed', message: 'the delete hook failed' },
    },
  },
  {
    name: 'uninstalled, but what became of its objects is not known: ask again',
    look: look({ object: deleting, stored: stored({ status: 'uninstalled' }) }),
    then: { kind: 'uninstall', because: DELETED },
  },
  {
    name: 'uninstalled, all gone, history kept: let go',
    look: look({ object: deleting, stored: stored({ status: 'uninstalled' }) }),
    history: history({ recent: [uninstalled] }),
    then: { kind: 'release' },
  },
];
