import { wish } from '../../workflows/core/wishes.ts';
import { history, look, NOW, object, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';
import { after, asking, failed } from './remedy-rows.ts';

const abandoned = { by: 'ada', reason: 'another cluster takes over' };
const going = object({ deleting: true, held: true });
const dependants = {
  since: NOW - 60_000,
  leaving: { first: [{ namespace: 'shop', name: 'web' }], count: 1 },
  living: { first: [], count: 0 },
};
const invalid = object({
  spec: {
    kind: 'invalid',
    failure: { code: 'ValuesInvalid', message: 'values are no map' },
    release: { namespace: 'default', name: 'app' },
    uninstall: { timeoutMs: 300_000, keepHistory: false },
  },
}).spec;

const force = { kind: 'force', by: 'ada', reason: 'roll the pods' } as const;
const forced = wish(history(), force);
const because = 'forced by ada: roll the pods';

/** What people asked for: at least one row for each message that changes the answer. */
export const MESSAGE_ROWS: readonly Row[] = [
  {
    name: 'abandoned: let go, whatever is installed',
    look: look({ object: { ...going, abandoned } }),
    then: { kind: 'release' },
  },
  {
    name: 'abandoned in the middle of an uninstall, or of a write whose helm may still live: let go',
    look: look({ object: { ...going, abandoned }, stored: stored({ status: 'pending-upgrade', attempt: null }) }),
    then: { kind: 'release' },
  },
  {
    name: 'abandoned with an invalid spec and suspended: let go',
    look: look({
      object: { ...going, abandoned, spec: invalid, suspension: { by: 'ops', reason: '', inSpec: true } },
    }),
    then: { kind: 'release' },
  },
  {
    name: 'abandoned: nobody that depends on it is waited for',
    look: look({ object: { ...going, abandoned }, dependants }),
    then: { kind: 'release' },
  },
  {
    name: 'deleted and held by others only: nothing is done, and nothing uninstalled',
    look: look({ object: { ...going, held: false, otherFinalizers: ['example.com/a', 'example.com/b'] } }),
    then: {
      kind: 'defer',
      until: null,
      failure: {
        code: 'FinalizersRemain',
        message:
          'nothing is left to do here; the object stays until its finalizers are removed: example.com/a, example.com/b',
      },
    },
  },
  {
    name: 'abandoned and held by others only: nothing is uninstalled',
    look: look({ object: { ...going, abandoned, held: false, otherFinalizers: ['example.com/a'] } }),
    then: {
      kind: 'defer',
      until: null,
      failure: {
        code: 'FinalizersRemain',
        message: 'nothing is left to do here; the object stays until its finalizers are removed: example.com/a',
      },
    },
  },
  {
    name: 'forced, and in sync: upgrade',
    history: forced,
    then: { kind: 'upgrade', because },
  },
  {
    name: 'forced without a reason: says who it was',
    history: wish(history(), { ...force, by: 'annotation', reason: '' }),
    then: { kind: 'upgrade', because: 'forced by annotation' },
  },
  {
    name: 'forced, and not ready yet: upgrade, and wait for that one',
    history: { ...forced, readyRevision: 2 },
    then: { kind: 'upgrade', because },
  },
  {
    name: 'forced, and not installed: install',
    look: look({ stored: null }),
    history: forced,
    then: { kind: 'install', because, replace: false },
  },
  {
    name: 'forced, and the retries are used up: upgrade',
    look: look({ object: asking({ remedy: null }), stored: stored({ status: 'failed' }) }),
    history: wish({ ...after(1, failed), retryAt: null }, force),
    then: { kind: 'upgrade', because },
  },
  {
    name: 'forced, and a rollback is due: upgrade',
    look: look({ object: asking({}), stored: stored({ status: 'failed' }) }),
    history: wish({ ...after(1, failed), retryAt: null }, force),
    then: { kind: 'upgrade', because },
  },
  {
    name: 'forced, and it failed before the write: hold for the back-off',
    history: {
      ...forced,
      retryAt: NOW + 1000,
      lastFailure: { code: 'ChartNotFound', message: 'no such chart' },
    },
    then: { kind: 'hold', until: NOW + 1000, failure: { code: 'ChartNotFound', message: 'no such chart' } },
  },
  {
    name: 'forced while a helm is at work: the record is unlocked first',
    look: look({ stored: stored({ status: 'pending-upgrade' }) }),
    history: { ...forced, lost: { attempt: 'a1', process: null, deadAt: NOW + 1000 } },
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'forced, and then suspended: nothing until it is resumed',
    look: look({ object: object({ suspension: { by: 'ops', reason: '', inSpec: false } }) }),
    history: forced,
    then: { kind: 'none' },
  },
  {
    name: 'forced, and then deleted: uninstall',
    look: look({ object: going }),
    history: forced,
    then: { kind: 'uninstall', because: 'the HelmRelease was deleted' },
  },
];
