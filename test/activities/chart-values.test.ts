/** ConfigMaps with the default values of charts, for people to read. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { keepChartValues } from '../../activities/chart-values.ts';
import { checkHelmRepository } from '../../activities/check-helm-repository.ts';
import type { Manifest } from '../../activities/ports.ts';
import { chartRepository, type ChartRepository } from '../support/chart-repository.ts';
import { pushChart } from '../support/chart.ts';
import { uniqueName } from '../support/harness.ts';
import { callOf, useReleases, type Releases } from './helm/releases.ts';

const API = 'helm-operator.ketches.cn/v1alpha1';
let releases: Releases;
let namespace: string;

before(async () => {
  releases = await useReleases();
  namespace = await releases.addNamespace('values');
});
after(() => releases.release());

async function declare(name: string, spec: object): Promise<string> {
  const metadata = { namespace, name };
  const { metadata: made } = await releases.apply({ apiVersion: API, kind: 'HelmRepository', metadata, spec });
  return made.uid ?? '';
}

/** What the workflow of a HelmRepository does with it. */
async function keep(name: string): Promise<{ readonly written: number; readonly removed: number } | null> {
  const input = { cluster: releases.cluster, ref: { namespace, name }, workflowId: 'w' };
  const seen = await checkHelmRepository(releases.tools, input, callOf());
  assert.equal(seen?.failure, null);
  return seen.keepsValues === true ? keepChartValues(releases.tools, input, callOf()) : null;
}

interface ConfigMap extends Manifest {
  readonly data?: Readonly<Record<string, string>>;
}

async function configMaps(repository: string): Promise<ReadonlyMap<string, ConfigMap>> {
  const { items } = await releases.kube.request<{ items: ConfigMap[] }>({
    method: 'GET',
    path: `/api/v1/namespaces/${namespace}/configmaps`,
    query: { labelSelector: `helm-operator.ketches.cn/repository=${repository}` },
  });
  return new Map(items.map((item) => [item.metadata.name, item]));
}

/** As if it had been of no use for days. */
async function age(name: string, days: number): Promise<void> {
  const renewedAt = new Date(Date.now() - days * 86_400_000).toISOString();
  await releases.kube.request({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}/configmaps/${name}`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { 'holdfast.dev/renewedAt': renewedAt } } },
  });
}

const archives = ({ requests }: ChartRepository): readonly unknown[] =>
  requests.map(({ url }) => url).filter((url) => url?.endsWith('.tgz'));
const withValues = (text: string): { files: Record<string, string> } => ({
  files: { 'values.yaml': `message: ${text}\nreplicas: 1\npodLabels: {}\n` },
});

describe('with valuesConfigMapPolicy lazy', () => {
  it('the newest stable version of every chart has a ConfigMap, which is fetched for once', async () => {
    const charts = await chartRepository(releases.stack.bin);
    const own = uniqueName('lazy');
    await charts.publish(
      { name: 'app', version: '1.0.0' },
      { name: 'app', version: '1.1.0+build.1', ...withValues(own) },
      { name: 'app', version: '2.0.0-rc.1' },
      { name: 'web', version: '0.1.0-alpha' },
    );
    const uid = await declare('lazy', { url: charts.url, type: 'helm', valuesConfigMapPolicy: 'lazy' });
    assert.deepEqual(await keep('lazy'), { written: 2, removed: 0 });
    const made = await configMaps('lazy');
    const [name, other] = ['helm-values-lazy-app-1-1-0-build-1', 'helm-values-lazy-web-0-1-0-alpha'];
    assert.deepEqual([...made.keys()].toSorted(), [name, other]);
    const app = made.get(name);
    assert.deepEqual(app?.data, { 'values.yaml': withValues(own).files['values.yaml'] });
    assert.deepEqual(app.metadata.labels, {
      'app.kubernetes.io/managed-by': 'holdfast',
      'app.kubernetes.io/component': 'chart-values',
      'helm-operator.ketches.cn/repository': 'lazy',
      'helm-operator.ketches.cn/chart': 'app',
      'helm-operator.ketches.cn/version': '1-1-0-build-1',
    });
    const { annotations } = app.metadata;
    assert.equal(annotations?.['helm-operator.ketches.cn/chart-version'], '1.1.0+build.1');
    assert.deepEqual(app.metadata.ownerReferences, [{ apiVersion: API, kind: 'HelmRepository', name: 'lazy', uid }]);
    const before = archives(charts);
    assert.equal(before.length, 2);
    assert.deepEqual(await keep('lazy'), { written: 0, removed: 0 });
    assert.deepEqual(archives(charts), before);
  });

  it('one goes when its version was neither the newest nor installed for as long as it is retained', async () => {
    const charts = await chartRepository(releases.stack.bin);
    const spec = { url: charts.url, type: 'helm', valuesConfigMapPolicy: 'lazy', valuesConfigMapRetention: '48h' };
    const uid = await declare('retained', spec);
    const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'];
    for (const version of versions) {
      await charts.publish({ name: 'kept', version, ...withValues(uid) });
      assert.deepEqual(await keep('retained'), { written: 1, removed: 0 });
    }
    await releases.declare(
      { namespace, name: 'runs' },
      { chart: { name: 'kept', version: '1.1.0', repository: { name: 'retained' } } },
    );
    await releases.kube.request({
      method: 'PATCH',
      path: `/apis/${API}/namespaces/${namespace}/helmreleases/runs/status`,
      contentType: 'application/merge-patch+json',
      body: {
        status: {
          helmRelease: { name: 'runs', namespace, revision: 1, status: 'deployed', chart: 'kept-1.1.0' },
        },
      },
    });
    const name = (version: string): string => `helm-values-retained-kept-${version.replaceAll('.', '-')}`;
    // The first was of no use for longer than it is to be kept, the third not for that long.
    for (const [version, days] of [
      ['1.0.0', 3],
      ['1.1.0', 3],
      ['1.2.0', 1.5],
      ['1.3.0', 3],
    ] as const) {
      await age(name(version), days);
    }
    assert.deepEqual(await keep('retained'), { written: 0, removed: 1 });
    assert.deepEqual([...(await configMaps('retained')).keys()].toSorted(), ['1.1.0', '1.2.0', '1.3.0'].map(name));
    await age(name('1.2.0'), 3);
    assert.deepEqual(await keep('retained'), { written: 0, removed: 1 }, 'those that are of use were renewed');
    assert.deepEqual([...(await configMaps('retained')).keys()].toSorted(), ['1.1.0', '1.3.0'].map(name));
  });

  it('a ConfigMap of another hand is left alone, and the others are written', async () => {
    const charts = await chartRepository(releases.stack.bin);
    await charts.publish({ name: 'app', version: '1.0.0' }, { name: 'web', version: '1.0.0' });
    const metadata = { namespace, name: 'helm-values-beside-app-1-0-0' };
    await releases.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { mine: 'yes' } });
    await declare('beside', { url: charts.url, type: 'helm', valuesConfigMapPolicy: 'lazy' });
    assert.deepEqual(await keep('beside'), { written: 1, removed: 0 });
    assert.deepEqual((await releases.get('v1', 'ConfigMap', metadata))?.['data'], { mine: 'yes' });
    const events = await releases.events({ namespace, name: 'beside' });
    assert.deepEqual(
      events.filter(({ reason }) => reason === 'ValuesConfigMapFailed').map(({ message }) => message),
      [
        `no ConfigMap with the values of chart app 1.0.0: namespace ${namespace} has a ConfigMap of its name that is not of HelmRepository beside; remove that`,
      ],
    );
  });
});

describe('with valuesConfigMapPolicy on-demand', () => {
  it('a version has a ConfigMap when a release is made of it, and not before', async () => {
    const folder = uniqueName('demand');
    await pushChart(releases.stack, { name: 'app', version: '1.0.0', ...withValues(folder) }, folder);
    await pushChart(releases.stack, { name: 'app', version: '1.1.0', ...withValues(folder) }, folder);
    const ref = { namespace, name: 'demanding' };
    const repository = { name: 'demand' };
    // It also makes the Secret.
    await releases.declare(ref, { chart: { name: 'app', version: '1.0.0', repository } });
    await declare('demand', {
      url: `oci://${releases.stack.registry}/${folder}`,
      type: 'oci',
      auth: { basic: { secretRef: { name: 'registry-auth' } } },
      valuesConfigMapPolicy: 'on-demand',
    });
    assert.deepEqual(await keep('demand'), { written: 0, removed: 0 });
    assert.equal((await configMaps('demand')).size, 0);
    assert.equal((await releases.write(ref)).kind, 'written');
    const made = await configMaps('demand');
    assert.deepEqual([...made.keys()], ['helm-values-demand-app-1-0-0']);
    assert.deepEqual(made.get('helm-values-demand-app-1-0-0')?.data, withValues(folder).files);
  });
});

describe('with valuesConfigMapPolicy disabled', () => {
  it('nothing is kept', async () => {
    const charts = await chartRepository(releases.stack.bin);
    await charts.publish({ name: 'app', version: '1.0.0' });
    for (const policy of [{}, { valuesConfigMapPolicy: 'disabled' }]) {
      await declare('none', { url: charts.url, type: 'helm', ...policy });
      assert.equal(await keep('none'), null);
    }
    assert.equal((await configMaps('none')).size, 0);
  });
});
