/** What is decided about the chart's own tests. */
import type { AttemptRecord, Desired, FailurePolicy, History, ReleaseObject } from '../../workflows/core/model.ts';
import type { Tested } from '../../workflows/core/test-model.ts';
import { wish } from '../../workflows/core/wishes.ts';
import { attempt, desired, history, look, NOW, object, remediation, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

const COUNTS = { install: false, upgrade: false } as const;
export const testing = (
  ignoreFailures: NonNullable<Desired['test']>['ignoreFailures'] = COUNTS,
): Pick<Desired, 'test'> => ({
  test: { timeoutMs: 300_000, ignoreFailures },
});
export const failure = { code: 'TestFailed', message: 'test app-db of revision 3 failed' } as const;
const tested = (change: Partial<Tested> = {}): Tested => ({
  revision: 3,
  attempt: 'a1',
  hooks: 1,
  failure: null,
  ...change,
});
const test = (change: Partial<AttemptRecord> = {}): AttemptRecord =>
  attempt({ n: 2, label: 't2', action: 'test', subject: 'a1', ...change });

export const passed = history({ recent: [attempt(), test()], tested: tested() });
const failedTest = test({ outcome: 'failedAfterWrite', failure });
/** As it is after the first failure. */
export const failedTests: History = history({
  recent: [attempt(), failedTest],
  tested: tested({ failure }),
  failuresAfterWrite: 1,
  lastFailure: failure,
  retryAt: NOW + 1000,
});
export const vanished = history({
  recent: [attempt(), test({ outcome: 'lost', revision: null })],
  lost: { attempt: 't2', process: null, deadAt: NOW + 1000 },
});

function asking(change: Partial<Desired> = {}): ReleaseObject {
  return object({ spec: { kind: 'valid', desired: desired({ ...testing(), ...change }) } });
}

function remedying(upgrade: Partial<FailurePolicy>): ReleaseObject {
  const policy = { retries: 0, remedy: 'rollback', remediateLast: true, ...upgrade } as const;
  return asking({ remediation: remediation({ upgrade: policy }) });
}

const because = 'the tests of revision 3 have not run';
const hold = { kind: 'hold', until: NOW + 1000, failure } as const;

export const TEST_ROWS: readonly Row[] = [
  { name: 'ready and not tested: test', look: look({ object: asking() }), then: { kind: 'test', because } },
  {
    name: 'not ready yet: wait before any test',
    look: look({ object: asking() }),
    history: history({ readyRevision: 2 }),
    then: { kind: 'wait', revision: 3, deadline: NOW + 600_000 },
  },
  { name: 'tests are not asked for: nothing', then: { kind: 'none' } },
  {
    name: 'tested: nothing more for this revision',
    look: look({ object: asking() }),
    history: passed,
    then: { kind: 'none' },
  },
  {
    name: 'another revision was tested: test',
    look: look({ object: asking(), stored: stored({ revision: 4 }) }),
    history: { ...passed, readyRevision: 4 },
    then: { kind: 'test', because: 'the tests of revision 4 have not run' },
  },
  {
    name: 'installed anew, and the revision of that number was another: test',
    look: look({ object: asking(), stored: stored({ attempt: 'a9' }) }),
    history: passed,
    then: { kind: 'test', because },
  },
  {
    name: 'the test could not begin: hold for the back-off',
    look: look({ object: asking() }),
    history: history({
      recent: [attempt(), test({ outcome: 'failedBeforeWrite', revision: null })],
      retryAt: NOW + 1000,
      lastFailure: failure,
    }),
    then: hold,
  },
  {
    name: 'the test was cut off: again, and nothing else',
    look: look({ object: asking() }),
    history: history({ recent: [attempt(), test({ outcome: 'interrupted', revision: null })] }),
    then: { kind: 'test', because },
  },
  {
    name: 'nobody heard how the test ended: make sure that its helm is dead first',
    look: look({ object: asking() }),
    history: vanished,
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'nobody heard how the test ended, and it is not known dead yet: hold, also what is declared by now',
    look: look({ object: asking({ digest: 'd2' }) }),
    history: { ...vanished, retryAt: NOW + 1000 },
    then: {
      kind: 'hold',
      until: NOW + 1000,
      failure: { code: 'RecordLocked', message: 'revision 3 is deployed and the helm that tests it may still live' },
    },
  },
  {
    name: 'deleted while nobody has heard how the test ended: make sure that its helm is dead first',
    look: look({ object: { ...asking(), deleting: true } }),
    history: vanished,
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'nobody heard how the test ended, and nothing is installed any more: install',
    look: look({ object: asking(), stored: null }),
    history: vanished,
    then: { kind: 'install', because: 'not installed', replace: false },
  },
  // failures
  {
    name: 'the test failed, and the spec asks for nothing: hold',
    look: look({ object: asking() }),
    history: failedTests,
    then: hold,
  },
  {
    name: 'the test failed, and the back-off is over: upgrade',
    look: look({ object: asking() }),
    history: { ...failedTests, retryAt: null },
    then: { kind: 'upgrade', because: 'retry after a failure' },
  },
  {
    name: 'the test failed, and a rollback is asked for',
    look: look({ object: remedying({}) }),
    history: failedTests,
    then: { kind: 'rollback', because: 'the test of 1.0.0 failed', toRevision: 2 },
  },
  {
    name: 'the test failed, and an uninstall is asked for',
    look: look({ object: remedying({ remedy: 'uninstall' }) }),
    history: failedTests,
    then: { kind: 'uninstall', because: 'the test of 1.0.0 failed' },
  },
  {
    name: 'the test of a first install failed: what the spec says of installs counts',
    look: look({
      object: asking({
        remediation: remediation({ install: { retries: 1, remedy: 'uninstall', remediateLast: false } }),
      }),
    }),
    history: { ...failedTests, recent: [attempt({ action: 'install', first: true }), { ...failedTest, first: true }] },
    then: { kind: 'uninstall', because: 'the test of 1.0.0 failed' },
  },
  {
    name: 'the test failed, no retries and no remedy: stall',
    look: look({ object: remedying({ remedy: null }) }),
    history: failedTests,
    then: {
      kind: 'stall',
      failure: {
        code: 'RetriesExceeded',
        message: 'the test of 1.0.0 failed once, with no retries allowed: test app-db of revision 3 failed',
      },
    },
  },
  {
    name: 'the test failed and it was rolled back: stall, and test nothing',
    look: look({ object: remedying({}), stored: stored({ revision: 4, digest: 'd0', deployedRevision: 4 }) }),
    history: {
      ...failedTests,
      readyRevision: 4,
      recent: [
        attempt(),
        failedTest,
        attempt({ n: 3, label: 'a3', action: 'rollback', version: '0.9.0', makes: 4, revision: 4 }),
      ],
    },
    then: {
      kind: 'stall',
      failure: {
        code: 'RetriesExceeded',
        message:
          'the test of 1.0.0 failed once, with no retries allowed; 0.9.0 runs again as revision 4: test app-db of revision 3 failed',
      },
    },
  },
  {
    name: 'the test failed, and that is ignored: nothing',
    look: look({ object: asking(testing({ install: false, upgrade: true })) }),
    history: { ...failedTests, failuresAfterWrite: 0, retryAt: null },
    then: { kind: 'none' },
  },
  {
    name: 'the test of a first install failed, and only that of an upgrade is ignored: hold',
    look: look({ object: asking(testing({ install: false, upgrade: true })) }),
    history: { ...failedTests, recent: [attempt({ action: 'install', first: true }), { ...failedTest, first: true }] },
    then: hold,
  },
  {
    name: 'the test failed, and tests are not asked for any more: nothing',
    history: failedTests,
    then: { kind: 'none' },
  },
  {
    name: 'the retry was written, and its tests have not run: the failure before it calls for nothing',
    look: look({ object: remedying({ retries: 1 }), stored: stored({ revision: 5, attempt: 'a5' }) }),
    history: {
      ...failedTests,
      readyRevision: 5,
      retryAt: null,
      recent: [attempt(), failedTest, attempt({ n: 5, label: 'a5', revision: 5 })],
    },
    then: { kind: 'test', because: 'the tests of revision 5 have not run' },
  },
  {
    name: 'another state is declared: upgrade, whatever its tests came to',
    look: look({ object: asking({ digest: 'd2' }) }),
    history: { ...history({ digest: 'd2' }), recent: failedTests.recent, tested: tested({ failure }) },
    then: { kind: 'upgrade', because: 'chart, version or values changed' },
  },
  {
    name: 'forced, and not tested: upgrade, and test that one',
    look: look({ object: asking() }),
    history: wish(history(), { kind: 'force', by: 'ada', reason: '' }),
    then: { kind: 'upgrade', because: 'forced by ada' },
  },
];
