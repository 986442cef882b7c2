/** Values that lie in ConfigMaps and Secrets, from the object to what runs, on real parts. */
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
  type Live,
  namespaceWithRegistry,
  reasonIs,
} from '../support/holdfast.ts';

const SECRET = 'Canary_of_a_Secret_0123456789';

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  // No pods, and one object whose name may be refused by the API server, which quotes it.
  const named = '{{- with .Values.named }}\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ . }} }\n{{- end }}\n';
  const files = { 'templates/deployment.yaml': '', 'templates/named.yaml': named };
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0', files });
});

const release = (ns: string, spec: Readonly<Record<string, unknown>>, name = 'app'): object =>
  helmRelease([ns, name], { name: 'app', version: '1.0.0', url }, spec);
const configMap = (ns: string, name: string, data: object): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: ns },
  data,
});
const secret = (ns: string, name: string, stringData: object): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: ns },
  stringData,
});
const seen = (ns: string, wanted: (live: Live) => boolean, name = 'app'): Promise<Live> =>
  eventually(holdfast, ['helmrelease', ns, name], wanted);
const revisionIs = (revision: number) => (live: Live) =>
  isReady(live) && live.status?.helmRelease?.['revision'] === revision;
const messageOf = (ns: string, name = 'app'): Promise<string> =>
  holdfast.kubectl(['get', 'configmap', name, '-n', ns, '-o', 'jsonpath={.data.message}']);

describe('values from other objects', { concurrency: 4 }, () => {
  it('are merged by rank, and a change of one upgrades exactly the releases that read it, at once', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'sources');
    await holdfast.apply(
      configMap(ns, 'common', { 'values.yaml': 'message: common\n' }),
      secret(ns, 'db', { text: 'from the secret' }),
    );
    const common = { kind: 'ConfigMap', name: 'common' };
    const db = { kind: 'Secret', name: 'db', valuesKey: 'text', targetPath: 'message' };
    await holdfast.apply(
      release(ns, { valuesFrom: [common, db] }),
      release(ns, { valuesFrom: [common] }, 'other'),
      release(ns, { valuesFrom: [common, db], values: 'message: own\n', valuesObject: { message: 'object' } }, 'top'),
    );
    await seen(ns, isReady);
    await seen(ns, isReady, 'other');
    await seen(ns, isReady, 'top');
    const messages = ['from the secret', 'common', 'object'];
    assert.deepEqual(await Promise.all(['app', 'other', 'top'].map((name) => messageOf(ns, name))), messages);

    await holdfast.apply(secret(ns, 'db', { text: 'rotated' }));
    await seen(ns, revisionIs(2));
    assert.equal(await messageOf(ns), 'rotated');

    // What it says is replaced above in both others of the three: their digest, and so their revision, stays.
    await holdfast.apply(configMap(ns, 'common', { 'values.yaml': '# the same\n"message": "new"\n' }));
    await seen(ns, revisionIs(2), 'other');
    assert.equal(await messageOf(ns, 'other'), 'new');
    assert.equal((await releaseHistory(holdfast, ns, 'app')).length, 2);
    assert.equal((await releaseHistory(holdfast, ns, 'top')).length, 1);
  });

  it('that are missing are named and waited for; optional ones are not', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'missing');
    const wanted = { kind: 'ConfigMap', name: 'common', valuesKey: 'app.yaml' };
    const optional = { kind: 'Secret', name: 'extra', optional: true };
    await holdfast.apply(release(ns, { valuesFrom: [wanted, optional] }));
    const first = await seen(ns, reasonIs('ValuesSourceNotFound'));
    assert.match(conditionOf(first, 'Ready').message, /there is no ConfigMap missing\/common, whose key app\.yaml/);
    assert.equal(conditionOf(first, 'Stalled').status, 'False');
    await holdfast.apply(configMap(ns, 'common', { other: 'a: 1' }));
    const second = await seen(ns, (live) => conditionOf(live, 'Ready').message.includes('has no key'));
    assert.match(conditionOf(second, 'Ready').message, /ConfigMap missing\/common has no key app\.yaml.*: other$/);
    await holdfast.apply(configMap(ns, 'common', { 'app.yaml': '- a list\n' }));
    const third = await seen(ns, reasonIs('ValuesSourceInvalid'));
    assert.match(conditionOf(third, 'Ready').message, /key app\.yaml of ConfigMap missing\/common .* not a mapping/);
    await holdfast.apply(configMap(ns, 'common', { 'app.yaml': 'message: at last\n' }));
    await seen(ns, isReady);
    assert.equal(await messageOf(ns), 'at last');
    await holdfast.apply(secret(ns, 'extra', { 'values.yaml': 'message: extra\n' }));
    await seen(ns, revisionIs(2));
    assert.equal(await messageOf(ns), 'extra');

    // Uninstalling needs none of them.
    await holdfast.kubectl(['delete', 'configmap', 'common', '-n', ns]);
    await seen(ns, reasonIs('ValuesSourceNotFound'));
    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--timeout=60s']);
    assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), []);
  });

  it('end a wait at once when they change, like a change of the object', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'superseded');
    const pods = await pushChart(holdfast.stack, { name: 'pods', version: '1.0.0' });
    const never = 'podLabels: { holdfast.dev/test-ready: never }\n';
    await holdfast.apply(configMap(ns, 'common', { 'values.yaml': never }));
    const chart = { name: 'pods', version: '1.0.0', url: pods };
    await holdfast.apply(helmRelease([ns, 'app'], chart, { valuesFrom: [{ kind: 'ConfigMap', name: 'common' }] }));
    await until(
      () => releaseHistory(holdfast, ns, 'app'),
      ([only]) => only?.status === 'deployed',
      'the first revision',
    );
    await holdfast.apply(configMap(ns, 'common', { 'values.yaml': 'message: newer\n' }));
    await seen(ns, revisionIs(2));
    const { status } = await seen(ns, isReady);
    const attempts = status?.['history'] as readonly { outcome: string }[];
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome),
      ['interrupted', 'succeeded'],
    );
  });

  it('are blacked out where they come from a Secret and the API server quotes them', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'quoted');
    await holdfast.apply(secret(ns, 'db', { name: SECRET }));
    const valuesFrom = [{ kind: 'Secret', name: 'db', valuesKey: 'name', targetPath: 'named' }];
    await holdfast.apply(release(ns, { valuesFrom }));
    const failed = await seen(ns, reasonIs('InstallFailed'));
    assert.match(conditionOf(failed, 'Ready').message, /•••.*RFC 1123/);
    assert.ok(!JSON.stringify(failed).includes(SECRET));
    const events = await holdfast.kubectl(['get', 'events', '-n', ns, '-o', 'json']);
    assert.ok(events.includes('InstallFailed') && !events.includes(SECRET));
  });
});
