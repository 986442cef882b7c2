/** The tests of a chart, `spec.test`, on real parts: once for each revision, and what follows when they fail. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { uniqueName, until } from '../support/harness.ts';
import {
  attemptsOf,
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  reasonIs,
  releaseHistory,
  rowsOf,
  startHoldfast,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';
import { helmsNaming } from '../support/processes.ts';

/** A Job for each entry of `tests`, whose labels say how it fares. */
const TESTS = `{{- range $name, $labels := .Values.tests }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ $name }}
  annotations:
    helm.sh/hook: test
    {{- with $.Values.policy }}
    helm.sh/hook-delete-policy: {{ . }}
    {{- end }}
spec:
  backoffLimit: 0
  template:
    metadata: { labels: {{ toJson $labels }} }
    spec:
      restartPolicy: Never
      containers: [{ name: test, image: registry.example.com/test:1 }]
{{- end }}
`;
const GOOD = { job: 'good' };
const BAD = { 'holdfast.dev/test-exit': 'failed' };
const NEVER = { job: 'slow', 'holdfast.dev/test-ready': 'never' };

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0', files: { 'templates/tests.yaml': TESTS } });
});

const seen = (namespace: string, wanted: (live: Live) => boolean) =>
  eventually(holdfast, ['helmrelease', namespace, 'app'], wanted);
const declare = (namespace: string, values: object, spec: Readonly<Record<string, unknown>>) =>
  holdfast.apply(
    helmRelease(
      [namespace, 'app'],
      { name: 'app', version: '1.0.0', url },
      { values: JSON.stringify(values), test: { enable: true }, ...spec },
    ),
  );
const statuses = async (namespace: string) =>
  (await releaseHistory(holdfast, namespace, 'app')).map(({ status }) => status);
const conditions = (live: Live, ...types: readonly string[]) =>
  types.map((type) => {
    const { status, reason } = conditionOf(live, type);
    return `${type} ${status} ${reason}`.trim();
  });

/** How each test of the newest attempt fared. */
function phasesOf(live: Live): Readonly<Record<string, string | undefined>> {
  const hooks = Object.entries(rowsOf(live).at(-1)?.testHooks ?? {});
  return Object.fromEntries(hooks.map(([name, { phase }]) => [name, phase]));
}

/** When Helm has run a test, by the Job that it left. */
const jobOf = (namespace: string, name: string) =>
  holdfast.kubectl(['get', 'job', name, '-n', namespace, '-o', 'jsonpath={.metadata.uid}']);
const eventsOf = (namespace: string) =>
  holdfast.kubectl([
    'get',
    'events',
    '-n',
    namespace,
    '-o',
    'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}',
  ]);

/** Ask for a look, and come back when it was taken. */
async function looked(namespace: string, token: string): Promise<Live> {
  const note = `holdfast.dev/requestedAt=${token}`;
  await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', namespace, '--overwrite', note]);
  return seen(namespace, ({ status }) => status?.['lastHandledRequestedAt'] === token);
}

describe('spec.test', { concurrency: 4 }, () => {
  it('runs the tests once for each revision, and tells how they fared', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'passing');
    await declare(ns, { tests: { one: GOOD, two: GOOD } }, {});
    const live = await seen(ns, isReady);
    assert.deepEqual(attemptsOf(live), ['install succeeded', 'test succeeded']);
    assert.deepEqual(phasesOf(live), { one: 'Succeeded', two: 'Succeeded' });
    const [, test] = rowsOf(live);
    const { lastStarted = '', lastCompleted = '' } = test?.testHooks?.['one'] ?? {};
    assert.ok(Date.parse(lastStarted) <= Date.parse(lastCompleted), `${lastStarted} to ${lastCompleted}`);
    assert.equal(test?.revision, 1);
    assert.deepEqual(conditions(live, 'Ready', 'Released', 'TestSuccess'), [
      'Ready True TestSucceeded',
      'Released True InstallSucceeded',
      'TestSuccess True TestSucceeded',
    ]);
    assert.equal(
      conditionOf(live, 'Ready').message,
      'revision 1 is deployed with version 1.0.0; 2 test hooks succeeded',
    );
    const events = await eventsOf(ns);
    assert.match(
      events,
      /TestStarted: running helm test of app: 2 tests of revision 1, because the tests of revision 1 have not run/,
    );
    assert.match(events, /TestSucceeded: test 1\.0\.0: revision 1, 2 test hooks succeeded/);

    const job = await jobOf(ns, 'one');
    const again = await looked(ns, 'again');
    assert.deepEqual(attemptsOf(again), attemptsOf(live), 'a look tests nothing again');
    assert.equal(await jobOf(ns, 'one'), job);

    await declare(ns, { message: 'other', tests: { one: GOOD } }, {});
    const next = await seen(ns, (one) => isReady(one) && one.status?.helmRelease?.['revision'] === 2);
    assert.deepEqual(attemptsOf(next).slice(2), ['upgrade succeeded', 'test succeeded']);
    assert.notEqual(await jobOf(ns, 'one'), job);
    assert.deepEqual(await statuses(ns), ['superseded', 'deployed']);
  });

  it('counts a release without tests as tested', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'without');
    await declare(ns, {}, {});
    const live = await seen(ns, isReady);
    assert.deepEqual(attemptsOf(live), ['install succeeded', 'test succeeded']);
    assert.equal(conditionOf(live, 'TestSuccess').message, 'revision 1: no test hooks');
  });

  it('leaves everything out that its filters leave out', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'filters');
    const tests = { one: GOOD, two: GOOD, bad: BAD };
    await declare(ns, { tests }, { test: { enable: true, filters: [{ name: 'bad', exclude: true }] } });
    const live = await seen(ns, isReady);
    assert.deepEqual(phasesOf(live), { one: 'Succeeded', two: 'Succeeded' });
    const named = { enable: true, filters: [{ name: 'one' }, { name: 'bad' }, { name: 'bad', exclude: true }] };
    await declare(ns, { message: 'other', tests }, { test: named });
    const next = await seen(ns, (one) => isReady(one) && one.status?.helmRelease?.['revision'] === 2);
    assert.deepEqual(phasesOf(next), { one: 'Succeeded' });
  });

  it('is not Ready when a test fails, says which one, and upgrades again after the back-off', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'failing');
    const policy = { strategy: { name: 'RetryOnFailure', retryInterval: '1s' }, remediation: { retries: 1 } };
    await declare(ns, { tests: { bad: BAD } }, { install: policy, upgrade: policy });
    const live = await seen(ns, reasonIs('RetriesExceeded'));
    const once = ['test failedAfterWrite'];
    assert.deepEqual(attemptsOf(live), ['install succeeded', ...once, 'upgrade succeeded', ...once]);
    assert.deepEqual(phasesOf(live), { bad: 'Failed' });
    assert.deepEqual(conditions(live, 'Released', 'TestSuccess', 'Remediated'), [
      'Released True UpgradeSucceeded',
      'TestSuccess False TestFailed',
      'Remediated absent',
    ]);
    assert.match(
      conditionOf(live, 'Ready').message,
      /^the test of 1\.0\.0 failed 2 times, with one retry allowed: test bad of revision 2 failed: resource Job\/failing\/bad not ready/,
    );
    assert.match(
      await eventsOf(ns),
      /TestFailed: HelmRelease failing\/app: test 1\.0\.0 failed: test bad of revision 1 failed: /,
    );
    assert.deepEqual(await statuses(ns), ['superseded', 'deployed'], 'Helm calls what failed its tests deployed');

    await declare(ns, { tests: { bad: GOOD } }, {});
    const mended = await seen(ns, isReady);
    assert.equal(mended.status?.helmRelease?.['revision'], 3);
    assert.deepEqual(conditions(mended, 'TestSuccess'), ['TestSuccess True TestSucceeded']);
  });

  it('rolls an upgrade back whose tests fail, where that is asked for', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'back');
    const spec = { rollback: { enabled: true } };
    await declare(ns, { message: 'good', tests: { one: GOOD } }, spec);
    await seen(ns, isReady);
    await declare(ns, { message: 'bad', tests: { one: GOOD, bad: BAD } }, spec);
    const held = await seen(ns, reasonIs('RetriesExceeded'));
    assert.deepEqual(attemptsOf(held).slice(2), ['upgrade succeeded', 'test failedAfterWrite', 'rollback succeeded']);
    assert.deepEqual(conditions(held, 'Ready', 'Released', 'TestSuccess', 'Remediated', 'Stalled'), [
      'Ready False RetriesExceeded',
      'Released True UpgradeSucceeded',
      'TestSuccess False TestFailed',
      'Remediated True RollbackSucceeded',
      'Stalled True RetriesExceeded',
    ]);
    assert.match(
      conditionOf(held, 'Remediated').message,
      /^rolled back to version 1\.0\.0 as revision 3, because the test of 1\.0\.0 failed$/,
    );
    assert.deepEqual(await statuses(ns), ['superseded', 'superseded', 'deployed']);
    const message = ['get', 'configmap', 'app', '-n', ns, '-o', 'jsonpath={.data.message}'];
    assert.equal(await holdfast.kubectl(message), 'good');
    assert.deepEqual(attemptsOf(await looked(ns, 'again')), attemptsOf(held), 'asking brings no loop');
  });

  it('is Ready although a test fails, where that is ignored, for installs and upgrades each', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'ignoring');
    const upgrade = { remediation: { retries: 0, ignoreTestFailures: false } };
    const spec = { test: { enable: true, ignoreFailures: true }, upgrade };
    await declare(ns, { tests: { bad: BAD } }, spec);
    const live = await seen(ns, isReady);
    assert.deepEqual(attemptsOf(live), ['install succeeded', 'test failedAfterWrite']);
    assert.deepEqual(conditions(live, 'Ready', 'TestSuccess', 'Stalled'), [
      'Ready True InstallSucceeded',
      'TestSuccess False TestFailed',
      'Stalled False NotStalled',
    ]);
    assert.match(conditionOf(live, 'Ready').message, /; its tests failed, which /);
    assert.deepEqual(attemptsOf(await looked(ns, 'again')), attemptsOf(live), 'what is ignored is not repeated');
    await declare(ns, { message: 'other', tests: { bad: BAD } }, spec);
    await seen(ns, reasonIs('RetriesExceeded'));
  });

  it('runs a test again whose helm is killed, of the same revision, whatever it left behind', async () => {
    const ns = await namespaceWithRegistry(holdfast, uniqueName('killed'));
    // Helm itself would not delete what is there before it creates its own.
    await declare(ns, { policy: 'hook-succeeded', tests: { slow: NEVER } }, {});
    const job = await until(
      () => jobOf(ns, 'slow'),
      (uid) => uid !== '',
      'the Job of the test',
    );
    const helms = helmsNaming(`--namespace=${ns}`);
    assert.equal(helms.length, 1);
    for (const { pid } of helms) process.kill(pid, 'SIGKILL');
    await until(
      () => jobOf(ns, 'slow'),
      (uid) => uid !== job,
      'another Job of the test',
    );
    const live = await until(
      async () => {
        // The pod of the first Job may not be gone yet: whichever is there is let go.
        const pods = ['label', 'pods', '-n', ns, '-l', 'job=slow', 'holdfast.dev/test-ready-'];
        await holdfast.kubectl(pods).catch(() => undefined);
        return holdfast.get('helmrelease', ns, 'app');
      },
      isReady,
      'a release whose test was run again',
    );
    assert.deepEqual(attemptsOf(live), ['install succeeded', 'test interrupted', 'test succeeded']);
    assert.deepEqual(await statuses(ns), ['deployed']);
    assert.match(await eventsOf(ns), /Interrupted: .*helm test was killed by SIGKILL/);
  });
});
