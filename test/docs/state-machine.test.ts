import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classify, type ReleaseState } from '../../workflows/core/classify.ts';
import { decide } from '../../workflows/core/decide.ts';
import type {
  Action,
  Dependency,
  Desired,
  FailurePolicy,
  History,
  Look,
  StoredRelease,
} from '../../workflows/core/model.ts';
import { wish } from '../../workflows/core/wishes.ts';
import { attempt, desired, history, look, NOW, object, remediation, stored } from '../core/builders.ts';
import { comesBack, DRIFT, driftMemory, NOT_CORRECTED } from '../core/drift-rows.ts';
import { heldBack, pinned } from '../core/pin-rows.ts';
import { after, asking, backAgain, failed, rollback, uninstall } from '../core/remedy-rows.ts';
import { failedTests, passed, testing, vanished } from '../core/test-rows.ts';
import { readDocument, tableUnder } from './markdown.ts';

const text = readDocument('state-machine.md');
const objectRows = tableUnder(text, 'First, the object:');
const stateRows = tableUnder(
  text,
  'Else the state of the release, named as Flux names it. The first row that fits counts:',
);
const otherRows = tableUnder(
  text,
  'Last, the other releases. An action that would come too early gives way; no other action is kept back by them:',
);
const remedyRows = tableUnder(text, "| retries | remedy | Helm's newest record | history | action |");
const actionRows = tableUnder(text, '| action | what it does |');

const noWait = desired({ upgrade: { ...desired().upgrade, wait: false } });

/** The words of the first column of the first table. */
const OBJECTS: Readonly<Record<string, Look['object']>> = {
  gone: null,
  'being deleted': object({ deleting: true }),
  'being deleted, abandoned': object({ deleting: true, held: true, abandoned: { by: 'ada', reason: '' } }),
  'being deleted, without our finalizer': object({ deleting: true, held: false }),
  suspended: object({ suspension: { by: 'ops', reason: '', inSpec: true } }),
  'with an invalid spec': object({
    spec: {
      kind: 'invalid',
      failure: { code: 'ValuesInvalid', message: 'values are no map' },
      release: { namespace: 'default', name: 'app' },
      uninstall: { timeoutMs: 300_000, keepHistory: false },
    },
  }),
  valid: object(),
  'valid, wanted elsewhere': object(),
  'valid, wanted where another living HelmRelease has its release': object(),
};

const from = { namespace: 'default', name: 'elsewhere' };
const ref = { namespace: 'shop', name: 'db' };

/** What is seen beside the object, by the same words. */
const MOVES: Readonly<Record<string, Partial<Look>>> = {
  'valid, wanted elsewhere': { move: { from, takenBy: null } },
  'valid, wanted where another living HelmRelease has its release': { move: { from, takenBy: ref } },
};

const foreign = { attempt: null, owner: null, ownedByUs: false, digest: null } as const;

/** The words of the second column. */
const RECORDS: Readonly<Record<string, Look['stored']>> = {
  any: stored(),
  'any other': stored({ status: 'failed' }),
  none: null,
  'not ours': stored(foreign),
  pending: stored({ status: 'pending-upgrade' }),
  // While its object is deleted, only a record of ours is of any concern.
  "pending, another hand's, written a moment ago": stored({ status: 'pending-upgrade', attempt: null }),
  "pending, another hand's, its time is over": stored({ ...foreign, status: 'pending-upgrade', changedAt: 0 }),
  'pending, by another hand, which copied our labels a moment ago': stored({ status: 'pending-upgrade', copyOf: 1 }),
  'written by another hand, which copied our labels': stored({ copyOf: 1 }),
  uninstalled: stored({ status: 'uninstalled' }),
  'uninstalling by another hand, a moment ago': stored({ status: 'uninstalling' }),
  'uninstalling by another hand, its time is over': stored({ status: 'uninstalling', changedAt: 0 }),
  'of another living HelmRelease': stored({ ownedByUs: false, otherOwner: { namespace: 'shop', name: 'web' } }),
  'of another desired state': stored({ digest: 'd0' }),
  failed: stored({ status: 'failed' }),
  deployed: stored(),
  'deployed, not to be waited for': stored(),
  'deployed, objects differ, to be corrected': stored({ drift: DRIFT }),
  'deployed, objects differ, to be told': stored({ drift: DRIFT }),
  'deployed, its tests asked for': stored(),
  'deployed, failures of its tests ignored': stored(),
  'deployed by our rollback': backAgain,
  'deployed by the rollback that was asked for': backAgain,
  'failed, nothing to roll back to': stored({ status: 'failed', rollbackRevision: null }),
  'pending-rollback': { ...backAgain, status: 'pending-rollback' },
  uninstalling: stored({ status: 'uninstalling' }),
};

const lost = { attempt: 'a1', process: null, deadAt: NOW + 1000 };
const backOff = { retryAt: NOW + 1000, lastFailure: { code: 'HelmFailed', message: 'it broke' } } as const;

const force = { kind: 'force', by: 'ada', reason: '' } as const;

const LATE = 'its wait timed out, and its objects are ready by now';
const timedOut = { revision: 3, attempt: 'a1' };

/** What is seen in the record beside what the second column says, by the word of the third. */
const SEEN: Readonly<Record<string, Partial<StoredRelease>>> = { [LATE]: { notReady: [] } };

/** Records that tell of another desired state than the usual one. */
const SPECS: Readonly<Record<string, Desired>> = {
  'deployed, objects differ, to be corrected': desired({ drift: 'enabled' }),
  'deployed, objects differ, to be told': desired({ drift: 'warn' }),
  'deployed, not to be waited for': noWait,
  'deployed by our rollback': desired({ remediation: remediation() }),
  'deployed, its tests asked for': desired(testing()),
  'deployed, failures of its tests ignored': desired(testing({ install: true, upgrade: true })),
};

/** The words of the third column. */
const HISTORIES: Readonly<Record<string, History>> = {
  any: history({ readyRevision: null }),
  'any other': history(),
  'no back-off': history(),
  'back-off not over': history(backOff),
  'its attempt was heard to end': history({ recent: [attempt({ outcome: 'interrupted', revision: null })] }),
  'its attempt vanished': history({ lost }),
  'its attempt vanished, asked a moment ago': history({ lost, ...backOff }),
  'our uninstall succeeded': history({ recent: [attempt({ action: 'uninstall' })] }),
  'an upgrade failed, back-off not over': history({ ...backOff, recent: [attempt({ outcome: 'failedAfterWrite' })] }),
  'an uninstall failed, back-off not over': history({
    ...backOff,
    recent: [attempt({ action: 'uninstall', outcome: 'failedBeforeWrite' })],
  }),
  [LATE]: history({ ...backOff, timedOut }),
  'a forced upgrade is wanted': wish(history(), force),
  'a forced upgrade is wanted, back-off not over': wish(history(backOff), force),
  'the same came back five times': history({ drift: driftMemory({ corrected: [comesBack(5)] }) }),
  'a correction failed, back-off not over': history({ drift: driftMemory({ failed: NOT_CORRECTED }) }),
  'its objects were not seen ready': history({ readyRevision: 2 }),
  'its objects were seen ready': history({ readyRevision: 3 }),
  'a rollback is asked for': pinned,
  'a rollback is asked for, back-off not over': { ...pinned, ...backOff },
  'it is ready': heldBack,
  'it is not ready': { ...heldBack, readyRevision: 3 },
  'its tests could not begin, back-off not over': history(backOff),
  'its tests succeeded': passed,
  'its tests failed': { ...failedTests, retryAt: null },
  'its tests failed, back-off not over': failedTests,
  'the helm that tests it vanished': vanished,
};

const dependency = (state: Dependency['state']): Partial<Look> => ({ dependencies: [{ ref, state, generation: 2 }] });
const nobody = { first: [], count: 0 };
const one = { first: [ref], count: 1 };

/** What is seen of the release when the action of the first column of the third table is wanted. */
const WANTED: Readonly<Record<string, Look>> = {
  '`install`': look({ stored: null }),
  '`upgrade`': look({ stored: stored({ digest: 'd0' }) }),
  '`uninstall`': look({ object: object({ deleting: true }) }),
};

/** The words of its second column. */
const OTHERS: Readonly<Record<string, Partial<Look>>> = {
  'a dependency is not Ready in its current generation': dependency('notReady'),
  'a dependency is missing': dependency('missing'),
  'a dependency is being deleted': dependency('deleting'),
  'its dependencies lead back to it': { ...dependency('notReady'), cycle: [ref, ref] },
  'a dependency lies in another namespace, which is turned off': dependency('denied'),
  'every dependency is Ready in its current generation': dependency('ready'),
  'a dependant is being deleted too': { dependants: { since: 0, leaving: one, living: nobody } },
  'a dependant lives, and the deletion was asked for a moment ago': {
    dependants: { since: NOW - 1000, leaving: nobody, living: one },
  },
  'a dependant lives, and was not deleted within 10 s': {
    dependants: { since: NOW - 10_000, leaving: nobody, living: one },
  },
};

/** The words of the first two columns of the table of failures. */
const RETRIES: Readonly<Record<string, Partial<FailurePolicy>>> = {
  'any number': { retries: null },
  left: { retries: 1 },
  'none left': { retries: 0 },
};
const REMEDIES: Readonly<Record<string, Partial<FailurePolicy>>> = {
  none: { remedy: null },
  '`rollback`': { remedy: 'rollback' },
  '`rollback`, not of the last failure': { remedy: 'rollback', remediateLast: false },
  '`uninstall`': { remedy: 'uninstall' },
};

const again = { retryAt: null };
const rolledBack = { ...after(1, failed, rollback()), readyRevision: 4 };
const died = {
  ...after(1, failed, rollback({ outcome: 'lost', revision: null })),
  lost: { ...lost, attempt: 'a3' },
  ...again,
};
const uninstalled = { ...after(1, failed, uninstall()), readyRevision: null };

/** The words of its column of memories. */
const FAILED: Readonly<Record<string, History>> = {
  'one failure, back-off not over': after(1, failed),
  [LATE]: { ...after(1, failed), timedOut },
  'its tests failed, back-off not over': failedTests,
  'one failure, the rollback could not begin, back-off not over': after(
    1,
    failed,
    rollback({ outcome: 'failedBeforeWrite' }),
  ),
  'one failure, the rollback died': died,
  'one failure, the rollback failed': after(1, failed, rollback({ outcome: 'failedAfterWrite' })),
  'one failure, the rollback failed, back-off over': {
    ...after(1, failed, rollback({ outcome: 'failedAfterWrite' })),
    ...again,
  },
  'one failure, rolled back': rolledBack,
  'one failure, rolled back, back-off over': { ...rolledBack, ...again },
  'one failure, the uninstall died': { ...after(1, failed, uninstall({ outcome: 'lost' })), ...again },
  'one failure, uninstalled': uninstalled,
  'one failure, a forced upgrade is wanted': wish({ ...after(1, failed), ...again }, force),
  'one failure, uninstalled, back-off over': { ...uninstalled, ...again },
};

const STATES = {
  absent: true,
  locked: true,
  outOfSync: true,
  unmanaged: true,
  failed: true,
  readyLate: true,
  pinned: true,
  rolledBack: true,
  notReady: true,
  drifted: true,
  untested: true,
  inSync: true,
} as const satisfies Record<ReleaseState['kind'], true>;

const ACTIONS = {
  none: true,
  install: true,
  upgrade: true,
  rollback: true,
  uninstall: true,
  test: true,
  unlock: true,
  wait: true,
  accept: true,
  correct: true,
  hold: true,
  stall: true,
  defer: true,
  release: true,
} as const satisfies Record<Action['kind'], true>;

describe('the tables of docs/state-machine.md', () => {
  for (const cells of objectRows) {
    it(`say what decide says: ${cells.join(', ')}`, () => {
      const [which = '', record = '', past = '', action = ''] = cells;
      const seen = look({ object: find(OBJECTS, which), stored: find(RECORDS, record), ...MOVES[which] });
      assert.equal(code(decide(seen, find(HISTORIES, past), NOW).kind), action);
    });
  }

  for (const cells of remedyRows) {
    it(`say what decide says of failures: ${cells.join(', ')}`, () => {
      const [retries = '', remedy = '', record = '', past = '', action = ''] = cells;
      const policy = { ...find(REMEDIES, remedy), ...find(RETRIES, retries) };
      const wanted = asking(policy, SPECS[record]?.test);
      const seen = look({ object: wanted, stored: recordOf(record, past) });
      assert.equal(code(decide(seen, find(FAILED, past), NOW).kind), action);
    });
  }

  for (const cells of stateRows) {
    it(`say what classify and decide say: ${cells.join(', ')}`, () => {
      const [state = '', record = '', past = '', action = ''] = cells;
      const wanted = SPECS[record] ?? desired();
      const seen = look({
        object: object({ spec: { kind: 'valid', desired: wanted } }),
        stored: recordOf(record, past),
      });
      const memory =
        record === 'deployed by our rollback' ? { ...rolledBack, readyRevision: 2 } : find(HISTORIES, past);
      assert.equal(code(classify(seen.stored, wanted, memory).kind), state);
      assert.equal(code(decide(seen, memory, NOW).kind), action);
    });
  }

  for (const cells of otherRows) {
    it(`say what decide says of other releases: ${cells.join(', ')}`, () => {
      const [wanted = '', others = '', action = ''] = cells;
      const alone = find(WANTED, wanted);
      assert.equal(code(decide(alone, history(), NOW).kind), wanted);
      assert.equal(code(decide({ ...alone, ...find(OTHERS, others) }, history(), NOW).kind), action);
    });
  }

  it('name every state and every action', () => {
    assert.deepEqual(new Set(stateRows.map(([state]) => state)), new Set(Object.keys(STATES).map(code)));
    const named = actionRows.flatMap(([names = '']) => names.split(', '));
    assert.deepEqual(new Set(named), new Set(Object.keys(ACTIONS).map(code)));
    const answered = [...objectRows, ...stateRows, ...remedyRows, ...otherRows].map((cells) => cells.at(-1));
    assert.deepEqual(new Set(answered), new Set(named));
  });
});

function recordOf(record: string, past: string): StoredRelease | null {
  const found = find(RECORDS, record);
  return found === null ? null : { ...found, ...SEEN[past] };
}

const code = (name: string): string => `\`${name}\``;

function find<T>(words: Readonly<Record<string, T>>, name: string): T {
  assert.ok(Object.hasOwn(words, name), `this test does not know what "${name}" stands for`);
  // Just proven; `undefined` is in none of the tables above.
  return words[name] as T;
}
