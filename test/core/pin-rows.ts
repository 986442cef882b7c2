/** What is decided when a person has asked for an older revision. */
import type { History } from '../../workflows/core/model.ts';
import { pinTo } from '../../workflows/core/pin.ts';
import { wish } from '../../workflows/core/wishes.ts';
import { attempt, desired, history, look, NOW, object, remediation, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';
import { after, asking, backAgain, failed, rollback } from './remedy-rows.ts';

const asked = { revision: 2, by: 'ada', reason: 'it loses orders' } as const;
const because = 'asked for by ada: it loses orders';

/** Nothing has been done about it yet. */
export const pinned = pinTo(history({ attempts: 2 }), asked);
/** Revision 4 was made for it. */
export const heldBack: History = {
  ...pinned,
  readyRevision: 4,
  recent: [attempt({ n: 2 }), rollback({ because, version: '0.9.0' })],
};
const valid = object({ spec: { kind: 'valid', desired: desired({ remediation: remediation() }) } });
const held = {
  kind: 'stall',
  failure: {
    code: 'RolledBack',
    message:
      'rolled back to revision 2 as revision 4, version 0.9.0, asked for by ada: it loses orders; it stays until another state is declared, or the release is resumed',
  },
} as const;

export const PIN_ROWS: readonly Row[] = [
  {
    name: 'a rollback is asked for: roll back, though what runs is what is declared',
    history: pinned,
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'a rollback is asked for without a reason',
    history: pinTo(history(), { ...asked, by: 'annotation', reason: '' }),
    then: { kind: 'rollback', because: 'asked for by annotation', toRevision: 2 },
  },
  {
    name: 'a rollback is asked for while objects are waited for: roll back',
    history: { ...pinned, readyRevision: 2 },
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'a rollback is asked for after failures that used up the retries: roll back',
    look: look({ object: asking({ remedy: null }), stored: stored({ status: 'failed' }) }),
    history: pinTo(after(1, failed), asked),
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'a rollback is asked for while a helm is at work: unlock first',
    look: look({ stored: stored({ status: 'pending-upgrade' }) }),
    history: { ...pinned, lost: { attempt: 'a1', process: null, deadAt: NOW + 1000 } },
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'the rollback could not begin: hold for the back-off',
    history: { ...pinned, retryAt: NOW + 1000, lastFailure: { code: 'MissingRollbackTarget', message: 'it is gone' } },
    then: { kind: 'hold', until: NOW + 1000, failure: { code: 'MissingRollbackTarget', message: 'it is gone' } },
  },
  {
    name: 'the rollback died before it wrote: again',
    history: { ...heldBack, recent: [attempt(), rollback({ outcome: 'lost', revision: null })] },
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'the rollback has written, and its objects are not ready: wait, by the options of a rollback',
    look: look({ object: valid, stored: backAgain }),
    history: { ...heldBack, readyRevision: 3 },
    then: { kind: 'wait', revision: 4, deadline: NOW + 300_000 },
  },
  { name: 'rolled back: stay there', look: look({ object: valid, stored: backAgain }), history: heldBack, then: held },
  {
    name: 'rolled back by an attempt whose end nobody heard: stay there',
    look: look({ object: valid, stored: backAgain }),
    history: { ...heldBack, recent: [attempt(), rollback({ outcome: 'lost', version: '0.9.0' })] },
    then: held,
  },
  {
    name: 'rolled back, and then another rollback is asked for: roll back to that one',
    look: look({ object: valid, stored: backAgain }),
    history: pinTo({ ...heldBack, attempts: 3 }, { ...asked, revision: 1 }),
    then: { kind: 'rollback', because, toRevision: 1 },
  },
  {
    name: 'rolled back, and another hand has upgraded since: roll back again',
    look: look({ object: valid, stored: stored({ revision: 5, deployedRevision: 5, copyOf: 3 }) }),
    history: heldBack,
    then: { kind: 'rollback', because, toRevision: 2 },
  },
  {
    name: 'rolled back and resumed: what is declared is installed again',
    look: look({ object: valid, stored: backAgain }),
    history: { ...heldBack, pin: null },
    then: { kind: 'upgrade', because: 'chart, version or values changed' },
  },
  {
    name: 'rolled back, and then a forced upgrade is asked for: upgrade',
    look: look({ object: valid, stored: backAgain }),
    history: wish({ ...heldBack, pin: null }, { kind: 'force', by: 'ada', reason: '' }),
    then: { kind: 'upgrade', because: 'forced by ada' },
  },
  {
    name: 'rolled back and suspended: nothing',
    look: look({ object: { ...valid, suspension: { by: 'ops', reason: '', inSpec: false } }, stored: backAgain }),
    history: heldBack,
    then: { kind: 'none' },
  },
  {
    name: 'rolled back and deleted: uninstall',
    look: look({ object: { ...valid, deleting: true }, stored: backAgain }),
    history: heldBack,
    then: { kind: 'uninstall', because: 'the HelmRelease was deleted' },
  },
];
