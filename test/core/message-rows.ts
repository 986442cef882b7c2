import { look, NOW, object, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

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
];
