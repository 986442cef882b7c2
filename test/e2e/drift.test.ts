/** Objects that another hand changed or deleted, on a real API server: told, corrected, left alone, given up on. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { until } from '../support/harness.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  releaseHistory,
  startHoldfast,
  untilAllowed,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';

/** What Helm reads as YAML 1.1, what the server turns into something else, and what takes no part. */
const MORE = `apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }} }
stringData: { password: correct-horse }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-apart
  annotations: { holdfast.dev/driftDetection: disabled }
data: { message: hello }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-kept
  annotations: { helm.sh/resource-policy: keep }
data: { message: hello }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: {{ .Release.Name }} }
spec:
  selector: { matchLabels: { of: {{ .Release.Name }} } }
  template:
    metadata: { labels: { of: {{ .Release.Name }} } }
    spec:
      hostNetwork: no
      nodeSelector: { there: is-none }
      containers:
        - { name: main, image: registry.example.com/main:1, resources: { limits: { cpu: 1000m, memory: 1024Mi } } }
      volumes: [{ name: secret, secret: { secretName: {{ .Release.Name }}, defaultMode: 0440 } }]
`;

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  const files = { 'templates/more.yaml': MORE };
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0', files });
});

type Spec = Readonly<Record<string, unknown>>;

/** A release that is Ready, in a namespace of its own; answers the namespace. */
async function install(name: string, driftDetection: Spec, more: Spec = {}): Promise<string> {
  const ns = await namespaceWithRegistry(holdfast, name);
  const spec = { driftDetection, interval: '1h', ...more };
  await holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec));
  await eventually(holdfast, ['helmrelease', ns, 'app'], isReady);
  return ns;
}

let looks = 0;

/** Ask for a look, and come back when the release has come to rest after it. */
async function look(ns: string, how: 'sync' | 'reset' = 'sync'): Promise<Live> {
  looks += 1;
  const token = `look-${looks}`;
  const wishes = [`holdfast.dev/requestedAt=${token}`, ...(how === 'reset' ? [`holdfast.dev/resetAt=${token}`] : [])];
  await holdfast.kubectl(['annotate', '--overwrite', 'helmrelease', 'app', '-n', ns, ...wishes]);
  return eventually(holdfast, ['helmrelease', ns, 'app'], (live) => live.status?.['lastHandledRequestedAt'] === token);
}

const read = async (ns: string, what: string, field: string): Promise<string> =>
  holdfast.kubectl(['get', what, '-n', ns, '-o', `jsonpath={${field}}`]);

/** As somebody whom the API server remembers as a manager of the field. */
const edit = (ns: string, what: string, patch: object): Promise<string> =>
  holdfast.kubectl(['patch', what, '-n', ns, '--type=merge', '--field-manager=rival', '-p', JSON.stringify(patch)]);

const setMessage = (ns: string, message: string): Promise<string> => edit(ns, 'configmap/app', { data: { message } });

/** Reasons and messages of its Events. */
async function told(ns: string, reason: string): Promise<readonly string[]> {
  const fields = `involvedObject.kind=HelmRelease,reason=${reason}`;
  const events = await holdfast.kubectl(['get', 'events', '-n', ns, '--field-selector', fields, '-o', 'json']);
  // Events as the API server lists them.
  const { items } = JSON.parse(events) as { readonly items: readonly { readonly message: string }[] };
  return items.map(({ message }) => message);
}

const revisions = async (ns: string): Promise<number> => (await releaseHistory(holdfast, ns, 'app')).length;

describe('objects of a release that another hand', { concurrency: 3 }, () => {
  it('changed or deleted are corrected, without another revision, and uninstalled like any other', async () => {
    const ns = await install('corrected', { mode: 'enabled' });
    assert.equal(conditionOf(await look(ns), 'Drifted').reason, 'NoDriftDetected');
    assert.deepEqual(await told(ns, 'DriftDetected'), [], 'what defaults and the server make of it is no drift');

    await setMessage(ns, 'tampered');
    await edit(ns, 'deployment/app', { spec: { replicas: 3 } });
    await edit(ns, 'secret/app', { data: { password: Buffer.from('battery-staple').toString('base64') } });
    await holdfast.kubectl(['delete', 'daemonset', 'app', '-n', ns]);
    const after = await look(ns);

    assert.equal(await read(ns, 'configmap/app', '.data.message'), 'hello');
    assert.equal(await read(ns, 'deployment/app', '.spec.replicas'), '1');
    assert.equal(Buffer.from(await read(ns, 'secret/app', '.data.password'), 'base64').toString(), 'correct-horse');
    assert.equal(await read(ns, 'daemonset/app', '.spec.template.spec.volumes[0].secret.defaultMode'), '288');
    assert.ok(isReady(after));
    assert.equal(conditionOf(after, 'Drifted').reason, 'NoDriftDetected');
    assert.equal(await revisions(ns), 1);

    const drift = `Secret ${ns}/app /data/password (by rival); ConfigMap ${ns}/app /data/message (by rival); DaemonSet ${ns}/app is missing; and 1 more objects`;
    assert.deepEqual(await told(ns, 'DriftCorrected'), [drift]);
    assert.deepEqual(await told(ns, 'DriftDetected'), [`HelmRelease ${ns}/app: ${drift}`]);
    const shown = await holdfast.kubectl(['get', 'helmreleases,events', '-n', ns, '-o', 'json']);
    assert.doesNotMatch(shown, /tampered|battery|correct-horse|YmF0dGVye|Y29ycmVjd/);

    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns]);
    const left = await holdfast.kubectl([
      ...['get', 'deployments,daemonsets,configmaps,secrets', '-n', ns, '-o', 'name'],
      ...['-l', 'app.kubernetes.io/managed-by=Helm'],
    ]);
    assert.equal(left.trim(), 'configmap/app-kept', 'only what the chart keeps');
  });

  it('changed are only told of with mode warn', async () => {
    const ns = await install('warned', { mode: 'warn' });
    await setMessage(ns, 'tampered');
    await holdfast.kubectl(['delete', 'deployment', 'app', '-n', ns]);
    const seen = await look(ns);
    const drift = `ConfigMap ${ns}/app /data/message (by rival); Deployment ${ns}/app is missing`;
    assert.deepEqual(conditionOf(seen, 'Drifted').message, drift);
    assert.equal(conditionOf(seen, 'Drifted').status, 'True');
    assert.ok(isReady(seen));
    assert.equal(await read(ns, 'configmap/app', '.data.message'), 'tampered');
    await look(ns);
    assert.deepEqual(await told(ns, 'DriftDetected'), [`HelmRelease ${ns}/app: ${drift}`], 'once');
  });

  it('changed are left alone where the spec or the object says so', async () => {
    const ignore = [
      { paths: ['/spec/replicas'], target: { group: 'apps', kind: 'Deploy.*' } },
      { paths: ['/data/password'], target: { kind: 'Secret' } },
      { paths: [''], target: { kind: 'DaemonSet', labelSelector: 'app.kubernetes.io/managed-by=Helm' } },
    ];
    const ns = await install('ignored', { mode: 'enabled', ignore });
    await edit(ns, 'deployment/app', { spec: { replicas: 3, minReadySeconds: 1, revisionHistoryLimit: 2 } });
    await edit(ns, 'secret/app', {
      data: { password: 'b3RoZXI=' },
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'me' } },
    });
    await edit(ns, 'configmap/app-apart', { data: { message: 'tampered' } });
    await edit(ns, 'configmap/app-kept', { data: { message: 'tampered' } });
    await holdfast.kubectl(['delete', 'daemonset', 'app', '-n', ns]);
    await edit(ns, 'deployment/app', { metadata: { annotations: { 'meta.helm.sh/release-name': 'other' } } });
    const seen = await look(ns);
    assert.ok(isReady(seen));
    assert.deepEqual(await told(ns, 'DriftCorrected'), [
      `Secret ${ns}/app /metadata/labels/app.kubernetes.io~1managed-by (by rival); Deployment ${ns}/app /metadata/annotations/meta.helm.sh~1release-name (by rival)`,
    ]);
    assert.equal(await read(ns, 'deployment/app', '.spec.replicas'), '3');
    assert.equal(
      await read(ns, 'deployment/app', '.spec.minReadySeconds'),
      '1',
      "another hand's own fields are no drift",
    );
    assert.equal(await read(ns, 'secret/app', '.data.password'), 'b3RoZXI=');
    assert.equal(await read(ns, 'configmap/app-apart', '.data.message'), 'tampered');
    assert.equal(await read(ns, 'configmap/app-kept', '.data.message'), 'tampered');
    await assert.rejects(read(ns, 'daemonset/app', '.metadata.name'), /not found/);
  });

  it('has not changed stays as it is where it is ignored, when something else is corrected', async () => {
    const ignore = [{ paths: ['/spec/replicas'] }];
    const ns = await install('untouched', { mode: 'enabled', ignore }, { values: 'replicas: 2\n' });
    const image = (name: string) => ({ spec: { template: { spec: { containers: [{ name: 'main', image: name }] } } } });
    await edit(ns, 'deployment/app', image('registry.example.com/other:1'));
    await look(ns);
    assert.equal(
      await read(ns, 'deployment/app', '.spec.template.spec.containers[0].image'),
      'registry.example.com/main:1',
    );
    assert.equal(await read(ns, 'deployment/app', '.spec.replicas'), '2', 'helm still manages it');
  });

  it('changed are corrected where they were applied as Helm 3 did, and upgraded so afterwards', async () => {
    const asHelm3 = { install: { serverSideApply: false }, upgrade: { serverSideApply: 'disabled' } };
    const ns = await install('client-side', { mode: 'enabled' }, { ...asHelm3, values: 'podLabels: { tier: web }\n' });
    assert.equal(conditionOf(await look(ns), 'Drifted').reason, 'NoDriftDetected');
    await edit(ns, 'deployment/app', { spec: { replicas: 3 } });
    assert.ok(isReady(await look(ns)));
    assert.equal(await read(ns, 'deployment/app', '.spec.replicas'), '1');

    const spec = { driftDetection: { mode: 'enabled' }, ...asHelm3, values: 'message: next\n' };
    await holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec));
    await eventually(holdfast, ['helmrelease', ns, 'app'], isReady);
    assert.equal(conditionOf(await look(ns), 'Drifted').reason, 'NoDriftDetected');
    assert.equal(await read(ns, 'configmap/app', '.data.message'), 'next');
    assert.equal(await read(ns, 'deployment/app', '.spec.template.metadata.labels.tier'), '', 'nothing keeps it');
    assert.equal(await revisions(ns), 2);
  });

  it('changes again and again are left to it in the end, which is told with its name', async () => {
    const ns = await install('contested', { mode: 'enabled' });
    for (let times = 1; times <= 5; times += 1) {
      await setMessage(ns, `mine ${times}`);
      assert.ok(isReady(await look(ns)), `corrected ${times} times`);
      assert.equal(await read(ns, 'configmap/app', '.data.message'), 'hello');
    }
    await setMessage(ns, 'mine for good');
    const { status, reason, message } = conditionOf(await look(ns), 'Ready');
    assert.deepEqual([status, reason], ['False', 'DriftContested']);
    assert.equal(
      message,
      `corrected 5 times in a row, and changed again by another hand: ConfigMap ${ns}/app /data/message (rival); stop the other hand or add the field to spec.driftDetection.ignore, then ask for a sync with reset`,
    );
    assert.deepEqual(await told(ns, 'DriftContested'), [`HelmRelease ${ns}/app: ${message}`]);
    await look(ns);
    assert.equal(await read(ns, 'configmap/app', '.data.message'), 'mine for good', 'and it stays so');

    assert.ok(isReady(await look(ns, 'reset')), 'a sync with reset corrects it once more');
    assert.equal(await read(ns, 'configmap/app', '.data.message'), 'hello');
  });

  it('changed are corrected with the rights of the service account, or it is told what is missing', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'rights');
    await holdfast.kubectl(['create', 'serviceaccount', 'deployer', '-n', ns]);
    const user = `system:serviceaccount:${ns}:deployer`;
    const bind = ['create', 'rolebinding', 'deployer', '--clusterrole=admin', `--serviceaccount=${ns}:deployer`];
    await holdfast.kubectl([...bind, '-n', ns]);
    await untilAllowed(holdfast, { user, what: ['patch', 'deployments.apps', '-n', ns] });
    const spec = { serviceAccountName: 'deployer', driftDetection: { mode: 'enabled' } };
    await holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec));
    await eventually(holdfast, ['helmrelease', ns, 'app'], isReady);
    await setMessage(ns, 'tampered');
    await look(ns);
    assert.equal(await read(ns, 'configmap/app', '.data.message'), 'hello');

    await holdfast.kubectl(['delete', 'rolebinding', 'deployer', '-n', ns]);
    await untilAllowed(holdfast, { user, what: ['patch', 'configmaps', '-n', ns] }, 'no');
    const { status, reason, message } = conditionOf(await look(ns), 'Drifted');
    assert.deepEqual([status, reason], ['Unknown', 'NotCompared']);
    assert.match(message, new RegExp(`Secret ${ns}/app: the API server answered 403 Forbidden: .*"${user}"`));
  });

  it('changed are found at the interval, too', async () => {
    const ns = await install('by-itself', { mode: 'enabled' }, { interval: '10s' });
    await setMessage(ns, 'tampered');
    await until(
      () => read(ns, 'configmap/app', '.data.message'),
      (message) => message === 'hello',
      'a correction that nobody asked for',
    );
  });
});
