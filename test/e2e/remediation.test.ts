/** What follows a failure after the write, on real parts: rollback, uninstall, retries, and no loop. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { until } from '../support/harness.ts';
import {
  attemptsOf,
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
  namespaceWithRegistry,
  reasonIs,
} from '../support/holdfast.ts';

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';
/** The API server refuses a label that is no text, after helm has written its record. */
const REFUSED = 'podLabels: { holdfast.dev/broken: "not a label!" }\n';

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
  await pushChart(holdfast.stack, { name: 'app', version: '1.1.0' });
});

const app = (version = '1.0.0') => ({ name: 'app', version, url });
const seen = (namespace: string, wanted: (live: Live) => boolean) =>
  eventually(holdfast, ['helmrelease', namespace, 'app'], wanted);
const declare = (namespace: string, version: string, spec: Readonly<Record<string, unknown>>) =>
  holdfast.apply(helmRelease([namespace, 'app'], app(version), spec));
const statuses = async (namespace: string) =>
  (await releaseHistory(holdfast, namespace, 'app')).map(({ status }) => status);
const messageOf = (namespace: string) =>
  holdfast.kubectl(['get', 'configmap', 'app', '-n', namespace, '-o', 'jsonpath={.data.message}']);

/** Version 1.0.0, ready, with the spec that counts later. */
async function installed(name: string, spec: Readonly<Record<string, unknown>> = {}): Promise<string> {
  await namespaceWithRegistry(holdfast, name);
  await declare(name, '1.0.0', { ...spec, values: 'message: good\n' });
  await seen(name, isReady);
  return name;
}

/** Ask for a look, and come back when it was taken. */
async function looked(namespace: string, token: string): Promise<Live> {
  const note = `holdfast.dev/requestedAt=${token}`;
  await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', namespace, '--overwrite', note]);
  return seen(namespace, ({ status }) => status?.['lastHandledRequestedAt'] === token);
}

/** What keeps the pods of the test from getting ready is over. */
async function makeReady(namespace: string): Promise<void> {
  const selector = ['-n', namespace, '-l', 'holdfast.dev/test-ready=never'];
  const pods = await holdfast.kubectl(['get', 'pods', ...selector, '-o', 'name']);
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: 'True' }));
  for (const pod of pods.trim().split('\n')) {
    const patch = JSON.stringify({ status: { conditions } });
    await holdfast.kubectl(['patch', pod, '-n', namespace, '--subresource=status', '--type=strategic', '-p', patch]);
  }
}

describe('spec.rollback', { concurrency: 4 }, () => {
  it('goes back once when the upgrade does not get ready, and holds until another state is desired', async () => {
    const spec = { rollback: { enabled: true }, upgrade: { timeout: '4s' } };
    const ns = await installed('back', spec);
    await declare(ns, '1.1.0', { ...spec, values: `message: bad\n${NEVER}` });
    const held = await seen(ns, reasonIs('RetriesExceeded'));
    assert.deepEqual(attemptsOf(held), ['install succeeded', 'upgrade failedAfterWrite', 'rollback succeeded']);
    assert.deepEqual(await statuses(ns), ['superseded', 'failed', 'deployed']);
    assert.equal(await messageOf(ns), 'good');
    assert.match(
      conditionOf(held, 'Ready').message,
      /^upgrade 1\.1\.0 failed once, with no retries allowed; 1\.0\.0 runs again as revision 3: not ready within 4 s: /,
    );
    assert.deepEqual(
      ['Ready', 'Released', 'Remediated', 'Stalled'].map((type) => {
        const { status, reason } = conditionOf(held, type);
        return `${type} ${status} ${reason}`;
      }),
      [
        'Ready False RetriesExceeded',
        'Released False UpgradeFailed',
        'Remediated True RollbackSucceeded',
        'Stalled True RetriesExceeded',
      ],
    );
    const events = await holdfast.kubectl(['get', 'events', '-n', ns, '-o', 'jsonpath={.items[*].message}']);
    assert.match(
      events,
      /running helm rollback of app: revision 2 back to 1, version 1\.0\.0, because upgrade 1\.1\.0 failed/,
    );

    await looked(ns, 'again');
    assert.deepEqual(await statuses(ns), ['superseded', 'failed', 'deployed'], 'asking brings no loop');

    await declare(ns, '1.0.0', { ...spec, values: 'message: good\n' });
    const live = await seen(ns, isReady);
    assert.equal(live.status?.helmRelease?.['revision'], 3, 'what runs again is what is desired again');
    assert.equal(conditionOf(live, 'Remediated').status, 'absent');
    await declare(ns, '1.1.0', { ...spec, values: 'message: better\n' });
    await seen(ns, isReady);
    assert.equal(await messageOf(ns), 'better');
  });

  it('goes back when an object is refused, to the revision that it names', async () => {
    const spec = { rollback: { enabled: true, toRevision: 1, wait: false } };
    const ns = await installed('named', spec);
    await declare(ns, '1.1.0', { ...spec, values: 'message: second\n' });
    await seen(ns, isReady);
    await declare(ns, '1.1.0', { ...spec, values: REFUSED });
    await seen(ns, reasonIs('RetriesExceeded'));
    assert.deepEqual(await statuses(ns), ['superseded', 'superseded', 'failed', 'deployed']);
    assert.equal(await messageOf(ns), 'good');
  });

  it('whose target does not exist stalls, and changes nothing', async () => {
    const spec = { rollback: { enabled: true, toRevision: 7 }, upgrade: { timeout: '4s' } };
    const ns = await installed('missing', spec);
    await declare(ns, '1.1.0', { ...spec, values: NEVER });
    const stalled = await seen(ns, reasonIs('MissingRollbackTarget'));
    assert.equal(conditionOf(stalled, 'Stalled').status, 'True');
    assert.deepEqual(await statuses(ns), ['deployed', 'failed']);
  });

  it('touches nothing when the upgrade failed before the first write', async () => {
    const spec = { rollback: { enabled: true } };
    const ns = await installed('before', spec);
    await declare(ns, '9.9.9', spec);
    const failed = await seen(ns, reasonIs('ChartNotFound'));
    assert.deepEqual(attemptsOf(failed), ['install succeeded', 'upgrade failedBeforeWrite']);
    assert.deepEqual(await statuses(ns), ['deployed']);
  });
});

describe('spec.install', { concurrency: 4 }, () => {
  it('with remediation uninstalls before each retry, keeps the last failure, and starts anew after a reset', async () => {
    const spec = { values: NEVER, install: { timeout: '2s', remediation: { retries: 1 } } };
    const ns = await namespaceWithRegistry(holdfast, 'install');
    await declare(ns, '1.0.0', spec);
    const once = ['install failedAfterWrite', 'uninstall succeeded'];
    const held = await seen(ns, reasonIs('RetriesExceeded'));
    assert.deepEqual(attemptsOf(held), [...once, 'install failedAfterWrite']);
    assert.deepEqual(await statuses(ns), ['failed']);

    await looked(ns, 'again');
    assert.equal(attemptsOf(await holdfast.get('helmrelease', ns, 'app')).length, 3, 'asking alone is no reset');
    const token = 'anew';
    const notes = [`holdfast.dev/requestedAt=${token}`, `holdfast.dev/resetAt=${token}`];
    await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, '--overwrite', ...notes]);
    await seen(ns, (live) => attemptsOf(live).length > 3);
  });

  it('with RetryOnFailure tries again after its interval, as often as asked for', async () => {
    const strategy = { name: 'RetryOnFailure', retryInterval: '1s' };
    const spec = { values: NEVER, install: { timeout: '1s', strategy, remediation: { retries: 2 } } };
    const ns = await namespaceWithRegistry(holdfast, 'interval');
    const upgrade = { timeout: '1s' };
    await declare(ns, '1.0.0', { ...spec, upgrade });
    const held = await seen(ns, reasonIs('RetriesExceeded'));
    assert.deepEqual(
      attemptsOf(held).map((row) => row.split(' ')[1]),
      ['failedAfterWrite', 'failedAfterWrite', 'failedAfterWrite'],
    );
    assert.ok(!attemptsOf(held).some((row) => row.startsWith('uninstall')));
  });
});

describe('spec.upgrade.remediation', { concurrency: 4 }, () => {
  it('rolls back before each retry and after the last one', async () => {
    const spec = { upgrade: { timeout: '3s', remediation: { retries: 1 } } };
    const ns = await installed('retries', spec);
    await declare(ns, '1.1.0', { ...spec, values: NEVER });
    const held = await seen(ns, reasonIs('RetriesExceeded'));
    const once = ['upgrade failedAfterWrite', 'rollback succeeded'];
    assert.deepEqual(attemptsOf(held), ['install succeeded', ...once, ...once]);
    assert.deepEqual(await statuses(ns), ['superseded', 'failed', 'superseded', 'failed', 'deployed']);
    assert.match(conditionOf(held, 'Ready').message, /failed 2 times, with one retry allowed/);
  });

  it('leaves the last failure as it is where that is asked for', async () => {
    const spec = { upgrade: { timeout: '3s', remediation: { retries: 0 } } };
    const ns = await installed('left', spec);
    await declare(ns, '1.1.0', { ...spec, values: NEVER });
    await seen(ns, reasonIs('RetriesExceeded'));
    assert.deepEqual(await statuses(ns), ['deployed', 'failed']);
  });

  it('uninstalls where that is asked for, and the next try installs', async () => {
    const spec = { upgrade: { timeout: '3s', remediation: { retries: 1, strategy: 'uninstall' } } };
    const ns = await installed('uninstall', spec);
    await declare(ns, '1.1.0', { ...spec, values: REFUSED, install: { timeout: '3s' } });
    const { metadata } = await seen(ns, (live) => attemptsOf(live).includes('uninstall succeeded'));
    assert.equal(metadata['deletionTimestamp'], undefined);
    const live = await seen(ns, (one) => attemptsOf(one).at(-1)?.startsWith('install failed') === true);
    assert.deepEqual(attemptsOf(live), [
      'install succeeded',
      'upgrade failedAfterWrite',
      'uninstall succeeded',
      'install failedAfterWrite',
    ]);
    await until(
      () => statuses(ns),
      (all) => all.length === 1 && all[0] === 'failed',
      'the failed revision of the install',
    );
  });
});

describe('a revision whose wait timed out', { concurrency: 4 }, () => {
  it('turns Ready without another revision when its objects get ready late', async () => {
    const ns = await installed('late', { upgrade: { timeout: '4s' } });
    await declare(ns, '1.1.0', { values: NEVER, upgrade: { timeout: '4s' } });
    await seen(ns, reasonIs('WaitTimedOut'));
    assert.deepEqual(await statuses(ns), ['deployed', 'failed']);
    await makeReady(ns);
    const live = await seen(ns, isReady);
    assert.deepEqual(await statuses(ns), ['superseded', 'deployed']);
    assert.deepEqual(attemptsOf(live), ['install succeeded', 'upgrade failedAfterWrite']);
    // By the schema of the CRD.
    const [, row] = live.status?.['history'] as readonly { readonly reason?: string; readonly readyAt?: string }[];
    assert.equal(row?.reason, 'WaitTimedOut', 'the attempt failed, and that stays true');
    assert.ok(row.readyAt !== undefined);
    assert.deepEqual(
      ['Ready', 'Released', 'Reconciling', 'Stalled'].map((type) => {
        const { status, reason } = conditionOf(live, type);
        return `${type} ${status} ${reason}`;
      }),
      [
        'Ready True UpgradeSucceeded',
        'Released True UpgradeSucceeded',
        'Reconciling False Idle',
        'Stalled False NotStalled',
      ],
    );
    assert.equal(live.status?.helmRelease?.['status'], 'deployed');
    assert.deepEqual(live.status['notReady'], []);
    const events = await holdfast.kubectl(['get', 'events', '-n', ns, '-o', 'jsonpath={.items[*].message}']);
    assert.match(events, /every object of revision 2 is ready, though not in time; the revision is kept/);
  });

  it('turns Ready also when no tries are left', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'late-spent');
    await declare(ns, '1.0.0', { values: NEVER, install: { timeout: '2s', remediation: { retries: 0 } } });
    await seen(ns, reasonIs('RetriesExceeded'));
    await makeReady(ns);
    const live = await seen(ns, isReady);
    assert.equal(conditionOf(live, 'Stalled').status, 'False');
    assert.deepEqual(await statuses(ns), ['deployed']);
  });

  it('is kept, too, when its next try is due before anybody has seen that it is ready', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'late-away');
    const install = { timeout: '2s', strategy: { name: 'RetryOnFailure', retryInterval: '1h' } };
    await declare(ns, '1.0.0', { values: NEVER, install });
    await seen(ns, reasonIs('WaitTimedOut'));
    await makeReady(ns);
    await holdfast.kubectl(['rollout', 'status', 'deployment/app', '-n', ns, '--timeout=60s']);
    // The request ends the back-off: but for the look at the objects another revision would come now.
    await looked(ns, 'now');
    await seen(ns, isReady);
    assert.deepEqual(await statuses(ns), ['deployed']);
  });
});
