/** What is remembered and told of the tests of a chart. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endAttempt, startAttempt } from '../../workflows/core/history.ts';
import type { AttemptRecord, Desired, History, Outcome } from '../../workflows/core/model.ts';
import { summarize } from '../../workflows/core/summarize.ts';
import type { TestHook } from '../../workflows/core/test-model.ts';
import { attempt, desired, history, look, NOW, object } from './builders.ts';
import { failedTests, failure, passed, testing, vanished } from './test-rows.ts';

const TARGET = { namespace: 'default', name: 'app' };
const written = { revision: 3, chart: 'app', version: '1.0.0', appVersion: null, chartDigest: null };
const hook = (name: string, phase: string): TestHook => ({ name, phase, startedAt: NOW, completedAt: NOW });
const wanted = desired(testing());
const test = attempt({ n: 7, label: 't7', action: 'test', outcome: 'running', subject: 'a1', revision: null });

function end(outcome: Outcome, { by = test, of = wanted, from = history() }: Ends = {}): History {
  return endAttempt(startAttempt(from, by, TARGET), outcome, { at: NOW, intervalMs: 600_000, desired: of });
}
interface Ends {
  readonly by?: AttemptRecord;
  readonly of?: Desired;
  readonly from?: History;
}

describe('the end of a test', () => {
  it('knows which revision was tested, by the label on its record, and forgets the failures before it', () => {
    const after = end(
      { kind: 'succeeded', written, tests: [hook('one', 'Succeeded'), hook('two', '')] },
      { from: history({ failuresAfterWrite: 2 }) },
    );
    assert.deepEqual(after.tested, { revision: 3, attempt: 'a1', hooks: 1, failure: null });
    assert.deepEqual([after.failuresAfterWrite, after.readyRevision], [0, 3]);
  });

  it('counts a failure, and keeps what failed where not all tests are kept', () => {
    const tests = [...Array.from({ length: 12 }, (_, n) => hook(`t${n}`, 'Succeeded')), hook('bad', 'Failed')];
    const after = end({ kind: 'failedAfterWrite', failure, written, tests });
    assert.deepEqual(after.tested, { revision: 3, attempt: 'a1', hooks: 13, failure });
    assert.equal(after.failuresAfterWrite, 1);
    const kept = after.recent.at(-1)?.tests ?? [];
    assert.deepEqual([kept.length, kept[0]?.name], [10, 'bad']);
  });

  it('counts no failure that is ignored', () => {
    const after = end(
      { kind: 'failedAfterWrite', failure, written, tests: [] },
      { of: desired(testing({ install: false, upgrade: true })) },
    );
    assert.deepEqual([after.failuresAfterWrite, after.retryAt, after.lastFailure], [0, null, null]);
    assert.deepEqual(after.tested?.failure, failure);
  });

  it('knows nothing of a test that was cut off', () => {
    for (const outcome of [
      { kind: 'interrupted', reason: 'killed', written: null },
      { kind: 'lost', reason: 'silence', lost: { attempt: 't7', process: null, deadAt: NOW } },
      { kind: 'failedBeforeWrite', failure },
    ] as const) {
      const after = end(outcome);
      assert.deepEqual([after.tested, after.failuresAfterWrite], [undefined, 0], outcome.kind);
    }
  });
});

describe('the end of an upgrade that is to be tested', () => {
  const upgrade = attempt({ n: 7, label: 'a7', outcome: 'running', revision: null });
  const from = history({ failuresAfterWrite: 1 });

  it('forgets no failure before its tests have succeeded', () => {
    const after = end({ kind: 'succeeded', written }, { by: upgrade, from });
    assert.deepEqual([after.failuresAfterWrite, after.lastFailure, after.retryAt], [1, null, null]);
  });

  it('forgets them where no tests are asked for', () => {
    assert.equal(end({ kind: 'succeeded', written }, { by: upgrade, from, of: desired() }).failuresAfterWrite, 0);
  });
});

describe('what is told of tests', () => {
  const told = (memory: History, more: Partial<Desired> = testing(), suspended = false): readonly string[] => {
    const suspension = suspended ? { by: 'ops', reason: '', inSpec: false } : null;
    const seen = look({ object: object({ spec: { kind: 'valid', desired: desired(more) }, suspension }) });
    const moment = { look: seen, history: memory, action: { kind: 'none' }, running: null } as const;
    return summarize(moment)
      .conditions.filter(({ type }) => ['Ready', 'Released', 'TestSuccess'].includes(type))
      .map(({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`);
  };
  const released = 'Released True UpgradeSucceeded: revision 3 is deployed';

  it('they succeeded', () => {
    assert.deepEqual(told(passed), [
      'Ready True TestSucceeded: revision 3 is deployed with version 1.0.0; its test hook succeeded',
      released,
      'TestSuccess True TestSucceeded: revision 3: its test hook succeeded',
    ]);
  });

  it('they failed, and that is ignored', () => {
    assert.deepEqual(told(failedTests, testing({ install: true, upgrade: true })), [
      'Ready True UpgradeSucceeded: revision 3 is deployed with version 1.0.0; its tests failed, which the spec says to ignore',
      released,
      'TestSuccess False TestFailed: test app-db of revision 3 failed',
    ]);
  });

  it('they failed, and then the release was suspended: it is not Ready for that', () => {
    assert.equal(told(failedTests, testing(), true)[0], 'Ready False Suspended: suspended by ops');
    assert.equal(told(passed, testing(), true)[0], 'Ready True Suspended: suspended by ops');
  });

  it('nothing, where they are not asked for any more', () => {
    assert.deepEqual(told(failedTests, {}), [
      'Ready True UpgradeSucceeded: revision 3 is deployed with version 1.0.0',
      released,
    ]);
  });

  it('that a helm of which nobody has heard is looked for', () => {
    const action = { kind: 'unlock', revision: 3, leaseOver: false } as const;
    const { phase, message } = summarize({ look: look(), history: vanished, action, running: null });
    assert.deepEqual([phase, message], ['Testing', 'making sure that the helm that tests revision 3 is dead']);
  });
});
