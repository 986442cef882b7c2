/** What can stand in the way of a deletion: each ends, or says what it waits for and ends once that is out of the way. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { FAREWELL } from '../support/farewell-hook.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
  untilAllowed,
} from '../support/holdfast.ts';

/** What else stands in the way, by the values. */
const OBSTACLES = `{{- if .Values.guarded }}
apiVersion: v1
kind: ConfigMap
metadata: { name: guarded, finalizers: [example.com/backup] }
---
{{- end }}
{{- if .Values.kept }}
apiVersion: v1
kind: ConfigMap
metadata: { name: kept, annotations: { helm.sh/resource-policy: keep } }
{{- end }}
`;

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, {
    name: 'app',
    version: '1.0.0',
    files: {
      'templates/deployment.yaml': '',
      'templates/farewell.yaml': FAREWELL,
      'templates/obstacles.yaml': OBSTACLES,
    },
  });
});

type Spec = Readonly<Record<string, unknown>>;
const apply = (ns: string, spec: Spec) =>
  holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec));
const seen = (ns: string, wanted: (live: Live) => boolean) => eventually(holdfast, ['helmrelease', ns, 'app'], wanted);
const says = (pattern: RegExp) => (live: Live) => pattern.test(conditionOf(live, 'Ready').message);
const gone = (what: readonly string[]) => holdfast.kubectl(['wait', ...what, '--for=delete', '--timeout=200s']);

async function installed(ns: string, spec: Spec = {}): Promise<string> {
  await namespaceWithRegistry(holdfast, ns);
  await apply(ns, spec);
  await seen(ns, isReady);
  return ns;
}

const remove = (ns: string) => holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--wait=false']);

/** Nothing is left: neither the object nor Helm's records nor what was installed. */
async function assertGone(ns: string, releaseNamespace = ns): Promise<void> {
  await gone(['helmrelease/app', '-n', ns]);
  assert.deepEqual(await releaseHistory(holdfast, releaseNamespace, 'app'), []);
  const left = await holdfast.kubectl(['get', 'configmap', 'app', '-n', releaseNamespace, '--ignore-not-found']);
  assert.equal(left, '');
}

/** As docs/failures.md says. */
async function abandon(ns: string, why: string): Promise<void> {
  const { uid } = (await holdfast.get('helmrelease', ns, 'app')).metadata;
  await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, `holdfast.dev/abandon=${uid} ${why}`]);
}

/** Installed in the name of a service account that is gone by now, and deleted: it says so. */
async function withoutAccount(ns: string): Promise<string> {
  await namespaceWithRegistry(holdfast, ns);
  await holdfast.kubectl(['create', 'serviceaccount', 'deployer', '-n', ns]);
  const binding = ['create', 'rolebinding', 'deployer', '--clusterrole=admin', `--serviceaccount=${ns}:deployer`];
  await holdfast.kubectl([...binding, '-n', ns]);
  const user = `system:serviceaccount:${ns}:deployer`;
  const question = { user, what: ['list', 'secrets', '-n', ns] };
  await untilAllowed(holdfast, question);
  await apply(ns, { serviceAccountName: 'deployer' });
  await seen(ns, isReady);
  await holdfast.kubectl(['delete', 'serviceaccount,rolebinding', 'deployer', '-n', ns]);
  await untilAllowed(holdfast, question, 'no');
  await remove(ns);
  const live = await seen(ns, says(new RegExp(`${user}" cannot`)));
  assert.equal(conditionOf(live, 'Ready').reason, 'Forbidden');
  return ns;
}

describe('a deletion', { concurrency: 4 }, () => {
  it('whose hook fails says so and how to go on, and ends without its hooks', async () => {
    const values = 'farewell: { holdfast.dev/test-exit: failed }\n';
    const spec = { values, uninstall: { timeout: '20s' } };
    const ns = await installed('hook', spec);
    await remove(ns);
    const failed = await seen(ns, says(/farewell.*spec\.uninstall\.disableHooks/));
    assert.equal(conditionOf(failed, 'Ready').reason, 'UninstallFailed');
    await apply(ns, { ...spec, uninstall: { timeout: '20s', disableHooks: true } });
    await assertGone(ns);
  });

  it('that waits for an object which others hold names both, and ends when it is let go', async () => {
    const ns = await installed('guarded', { values: 'guarded: true\n', uninstall: { timeout: '2s' } });
    await remove(ns);
    const live = await seen(
      ns,
      says(/^not gone: ConfigMap guarded\/guarded is being deleted, held by example\.com\/backup/),
    );
    assert.equal(conditionOf(live, 'Ready').reason, 'UninstallFailed');
    const free = JSON.stringify({ metadata: { finalizers: null } });
    await holdfast.kubectl(['patch', 'configmap', 'guarded', '-n', ns, '--type=merge', '-p', free]);
    await assertGone(ns);
  });

  it('that waits for an object which others hold can be abandoned', async () => {
    const ns = await installed('stuck', { values: 'guarded: true\n', uninstall: { timeout: '2s' } });
    await remove(ns);
    await seen(ns, says(/held by example\.com\/backup/));
    await abandon(ns, 'nobody knows that finalizer');
    await gone(['helmrelease/app', '-n', ns]);
    const left = await holdfast.kubectl(['get', 'configmap', 'guarded', '-n', ns, '-o', 'name']);
    assert.equal(left, 'configmap/guarded\n');
  });

  it('leaves what the chart says is to be kept, and tells it', async () => {
    const ns = await installed('kept', { values: 'kept: true\n' });
    await remove(ns);
    await assertGone(ns);
    assert.equal(await holdfast.kubectl(['get', 'configmap', 'kept', '-n', ns, '-o', 'name']), 'configmap/kept\n');
    const told = [
      'get',
      'events',
      '-n',
      ns,
      '--field-selector=reason=ObjectsKept',
      '-o',
      'jsonpath={.items[*].message}',
    ];
    assert.equal(await holdfast.kubectl(told), 'these objects stay: ConfigMap kept/kept (kept by its policy)');
  });

  it('of the whole namespace ends, and the namespace goes', async () => {
    const ns = await installed('whole');
    await holdfast.kubectl(['delete', 'namespace', ns, '--wait=false']);
    await gone([`namespace/${ns}`]);
  });

  it('of a release whose namespace has vanished ends', async () => {
    await holdfast.kubectl(['create', 'namespace', 'vanished']);
    const ns = await installed('here', { release: { name: 'app', namespace: 'vanished' } });
    await holdfast.kubectl(['delete', 'namespace', 'vanished', '--wait=false']);
    await gone(['namespace/vanished']);
    await remove(ns);
    await assertGone(ns, 'vanished');
  });

  it('whose service account has vanished says which one and what it may not, and ends without it', async () => {
    const ns = await withoutAccount('account');
    await apply(ns, {});
    await assertGone(ns);
  });

  it('whose service account has vanished can be abandoned', async () => {
    const ns = await withoutAccount('lonely');
    await abandon(ns, 'nobody may uninstall it');
    await gone(['helmrelease/app', '-n', ns]);
    assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), [{ revision: 1, status: 'deployed' }]);
  });
});
