/** The life of a HelmRelease on real parts: a worker, an API server with kwok pods, a private registry, Temporal. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { until } from '../support/harness.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  namespaceWithRegistry,
  reasonIs,
} from '../support/holdfast.ts';

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
  await pushChart(holdfast.stack, { name: 'app', version: '1.1.0' });
});

const historyOf = (namespace: string, name: string) => releaseHistory(holdfast, namespace, name);

const app = (version = '1.0.0') => ({ name: 'app', version, url });
const ready = (namespace: string, name = 'app') => eventually(holdfast, ['helmrelease', namespace, name], isReady);

describe('a release', { concurrency: 4 }, () => {
  it('is installed from a private registry, upgraded, and uninstalled with its object', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'life');
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: 'message: one\n' }));
    const installed = await ready(ns);
    assert.equal(conditionOf(installed, 'Released').reason, 'InstallSucceeded');
    assert.equal(installed.status?.helmRelease?.['revision'], 1);
    assert.equal(installed.status.helmRelease['status'], 'deployed');
    assert.deepEqual(await historyOf(ns, 'app'), [{ revision: 1, status: 'deployed' }]);
    const message = ['get', 'configmap', 'app', '-n', ns, '-o', 'jsonpath={.data.message}'];
    assert.equal(await holdfast.kubectl(message), 'one', 'a template without a namespace lands in that of the release');

    await holdfast.apply(helmRelease([ns, 'app'], app('1.1.0'), { values: 'message: two\n' }));
    await ready(ns);
    assert.equal(await holdfast.kubectl(message), 'two');
    const two = [
      { revision: 1, status: 'superseded' },
      { revision: 2, status: 'deployed' },
    ];
    assert.deepEqual(await historyOf(ns, 'app'), two);

    await holdfast.apply(helmRelease([ns, 'app'], app('1.1.0'), { values: '# the same\nmessage: "two"\n' }));
    await ready(ns);
    assert.deepEqual(await historyOf(ns, 'app'), two, 'values that mean the same make no revision');

    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--timeout=60s']);
    assert.deepEqual(await historyOf(ns, 'app'), []);
    const left = await holdfast.kubectl(['get', 'configmap,deployment', '-n', ns, '-o', 'name']);
    assert.equal(left.replace('configmap/kube-root-ca.crt', '').trim(), '');
  });

  it('that does not get ready in time is marked failed, cleaned up, held, and mended by the next change', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'unready');
    await holdfast.apply(helmRelease([ns, 'app'], app()));
    await ready(ns);
    const upgrade = { timeout: '5s' };
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: NEVER, upgrade }));
    const failed = await eventually(holdfast, ['helmrelease', ns, 'app'], reasonIs('WaitTimedOut'));
    assert.match(conditionOf(failed, 'Ready').message, /not ready within 5 s: .*app/i);
    assert.equal(conditionOf(failed, 'Ready').status, 'False');
    const rows = [
      { revision: 1, status: 'deployed' },
      { revision: 2, status: 'failed' },
    ];
    assert.deepEqual(await historyOf(ns, 'app'), rows, 'as Helm leaves it when its own wait times out');
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: 'message: mended\n', upgrade }));
    await ready(ns);
    assert.deepEqual(
      (await historyOf(ns, 'app')).map(({ status }) => status),
      ['superseded', 'failed', 'deployed'],
    );
  });

  it('leaves a wait at once when another state is desired', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'interrupt');
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: NEVER }));
    await until(
      () => historyOf(ns, 'app'),
      ([first]) => first?.status === 'deployed',
      'the first revision',
    );
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: 'message: newer\n' }));
    const live = await ready(ns);
    assert.equal(live.status?.helmRelease?.['revision'], 2);
    assert.deepEqual(
      (await historyOf(ns, 'app')).map(({ status }) => status),
      ['superseded', 'deployed'],
    );
  });

  it('with wait: false is Ready as soon as it is written', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'nowait');
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: NEVER, install: { wait: false } }));
    assert.equal((await ready(ns)).status?.helmRelease?.['revision'], 1);
  });

  it('recovers by itself when the missing version is published', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'missing');
    await holdfast.apply(helmRelease([ns, 'app'], app('7.0.0')));
    const failed = await eventually(holdfast, ['helmrelease', ns, 'app'], reasonIs('ChartNotFound'));
    assert.match(conditionOf(failed, 'Ready').message, /7\.0\.0/);
    const events = await holdfast.kubectl(['get', 'events', '-n', ns, '--sort-by=.lastTimestamp']);
    assert.match(events, /Warning +ChartNotFound .*HelmRelease missing\/app: install 7\.0\.0 failed/);
    assert.deepEqual(await historyOf(ns, 'app'), []);
    await pushChart(holdfast.stack, { name: 'app', version: '7.0.0' });
    await ready(ns);
  });

  it('whose name another HelmRelease owns stalls, and its deletion uninstalls nothing', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'taken');
    await holdfast.apply(helmRelease([ns, 'app'], app()));
    await ready(ns);
    await holdfast.apply(helmRelease([ns, 'second'], app(), { release: { name: 'app', namespace: ns } }));
    const second = await eventually(holdfast, ['helmrelease', ns, 'second'], reasonIs('ReleaseNameTaken'));
    assert.match(conditionOf(second, 'Ready').message, /belongs to HelmRelease taken\/app/);
    await holdfast.kubectl(['delete', 'helmrelease', 'second', '-n', ns, '--timeout=60s']);
    assert.deepEqual(await historyOf(ns, 'app'), [{ revision: 1, status: 'deployed' }]);
  });

  it('looks at once when its annotation asks for it, and says which request it has handled', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'requested');
    await holdfast.apply(helmRelease([ns, 'app'], app('9.9.9')));
    await eventually(holdfast, ['helmrelease', ns, 'app'], reasonIs('ChartNotFound'));
    await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, 'reconcile.fluxcd.io/requestedAt=now']);
    const live = await eventually(
      holdfast,
      ['helmrelease', ns, 'app'],
      ({ status }) => status?.['lastHandledRequestedAt'] === 'now',
    );
    const attempts = live.status?.['history'] as readonly unknown[];
    assert.ok(attempts.length >= 2, 'it was tried again');
    const events = await holdfast.kubectl(['get', 'events', '-n', ns, '-o', 'jsonpath={.items[*].message}']);
    assert.match(events, /sync requested by annotation/);
  });

  it('takes its chart from a HelmRepository that it names', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'named');
    const chart = { name: 'app', version: '1.0.0', repository: { name: 'charts' } };
    await holdfast.apply(helmRelease([ns, 'app'], app(), { chart }));
    assert.equal((await ready(ns)).status?.helmRelease?.['chart'], 'app-1.0.0');
  });

  it('does nothing while suspended, and catches up afterwards', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'suspended');
    await holdfast.apply(helmRelease([ns, 'app'], app(), { suspend: true }));
    await eventually(holdfast, ['helmrelease', ns, 'app'], reasonIs('Suspended'));
    assert.deepEqual(await historyOf(ns, 'app'), []);
    await holdfast.apply(helmRelease([ns, 'app'], app(), { suspend: false }));
    await ready(ns);
  });

  it('deleted and created again in the middle of an attempt is installed anew', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'again');
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: NEVER }));
    await until(
      () => historyOf(ns, 'app'),
      ([first]) => first?.status === 'deployed',
      'the first revision',
    );
    const { uid } = (await holdfast.get('helmrelease', ns, 'app')).metadata;
    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--timeout=60s']);
    await holdfast.apply(helmRelease([ns, 'app'], app()));
    const live = await ready(ns);
    assert.notEqual(live.metadata.uid, uid);
    assert.deepEqual(await historyOf(ns, 'app'), [{ revision: 1, status: 'deployed' }]);
  });

  it('that is created anew over its own release holds it like one that installed it', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'hold');
    await holdfast.apply(helmRelease([ns, 'app'], app()));
    await ready(ns);
    // As `npm run remove -- --keep-releases` does, and as docs/failures.md says for a finalizer that is in the way.
    const without = JSON.stringify({ metadata: { finalizers: null } });
    await holdfast.kubectl(['patch', 'helmrelease', 'app', '-n', ns, '--type=merge', '-p', without]);
    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--timeout=30s']);
    await holdfast.apply(helmRelease([ns, 'app'], app()));
    const { metadata } = await ready(ns);
    assert.deepEqual(metadata['finalizers'], ['helm-operator.ketches.cn/release-finalizer']);
    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--timeout=60s']);
    assert.deepEqual(await historyOf(ns, 'app'), []);
  });

  it('with invalid values stalls, says where, and touches nothing', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'values');
    await holdfast.apply(helmRelease([ns, 'app'], app()));
    await ready(ns);
    await holdfast.apply(helmRelease([ns, 'app'], app(), { values: '- a list\n' }));
    const stalled = await eventually(holdfast, ['helmrelease', ns, 'app'], reasonIs('ValuesInvalid'));
    assert.equal(conditionOf(stalled, 'Stalled').status, 'True');
    assert.deepEqual(await historyOf(ns, 'app'), [{ revision: 1, status: 'deployed' }]);
  });
});
