/** A release that is wanted in another place: uninstalled in the old one, then installed in the new one, whatever dies. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { entityId } from '../../workflows/contract.ts';
import { pushChart } from '../support/chart.ts';
import { until } from '../support/harness.ts';
import {
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

const FIRST = [{ revision: 1, status: 'deployed' }];
const HELD = ['holdfast.dev/test'];

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
});

const historyOf = (namespace: string, name: string) => releaseHistory(holdfast, namespace, name);
const seen = (namespace: string, wanted: (live: Live) => boolean) =>
  eventually(holdfast, ['helmrelease', namespace, 'app'], wanted);
const objectsIn = async (namespace: string) =>
  (await holdfast.kubectl(['get', 'deployment', '-n', namespace, '-o', 'name'])).trim().split('\n');

/** HelmRelease `app`, whose release is wanted under that name, or in that place. */
async function declare(namespace: string, release: object = {}, name = 'app'): Promise<void> {
  const chart = { name: 'app', version: '1.0.0', url };
  await holdfast.apply(helmRelease([namespace, name], chart, { release }));
}

async function installed(name: string): Promise<string> {
  const namespace = await namespaceWithRegistry(holdfast, name);
  await declare(namespace);
  await seen(namespace, isReady);
  return namespace;
}

/** Keep an object of the release `app` from going, or let it go. */
async function setFinalizers(namespace: string, finalizers: readonly string[]): Promise<void> {
  const patch = JSON.stringify({ metadata: { finalizers } });
  await holdfast.kubectl(['patch', 'configmap', 'app', '-n', namespace, '--type=merge', '-p', patch]);
}

/** Told in the history of the status, oldest first. */
const actionsOf = (live: Live) => rowsOf(live).map(({ action }) => action);

describe('a release that is moved', () => {
  it('to another name is uninstalled under the old one and installed under the new one', async () => {
    const ns = await installed('renamed');
    await declare(ns, { name: 'other' });
    const live = await seen(ns, isReady);
    assert.deepEqual(actionsOf(live), ['install', 'uninstall', 'install']);
    assert.equal(live.status?.helmRelease?.['name'], 'other');
    assert.deepEqual([await historyOf(ns, 'app'), await historyOf(ns, 'other')], [[], FIRST]);
    assert.deepEqual(await objectsIn(ns), ['deployment.apps/other'], 'nothing is left of the old one');
    const events = await holdfast.kubectl(['get', 'events', '-n', ns, '-o', 'jsonpath={.items[*].message}']);
    assert.match(events, /helm uninstall of app: .*spec\.release was changed from renamed\/app to renamed\/other/);

    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--timeout=60s']);
    assert.deepEqual(await historyOf(ns, 'other'), [], 'it is uninstalled where it is');
  });

  it('to another namespace leaves nothing in the old one', async () => {
    const ns = await installed('old-home');
    await declare(ns, { namespace: 'new-home', createNamespace: true });
    await seen(ns, isReady);
    assert.deepEqual([await historyOf(ns, 'app'), await historyOf('new-home', 'app')], [[], FIRST]);
    assert.deepEqual([await objectsIn(ns), await objectsIn('new-home')], [[''], ['deployment.apps/app']]);
  });

  it('to a name that another HelmRelease has stays where it is, and is moved when that one is gone', async () => {
    const ns = await installed('contended');
    await declare(ns, {}, 'other');
    await eventually(holdfast, ['helmrelease', ns, 'other'], isReady);
    await declare(ns, { name: 'other' });
    const stalled = await seen(ns, reasonIs('ReleaseNameTaken'));
    assert.match(conditionOf(stalled, 'Ready').message, /contended\/other belongs to HelmRelease contended\/other/);
    assert.deepEqual([await historyOf(ns, 'app'), await historyOf(ns, 'other')], [FIRST, FIRST]);

    await holdfast.kubectl(['delete', 'helmrelease', 'other', '-n', ns, '--timeout=60s']);
    await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, 'holdfast.dev/requestedAt=now']);
    assert.equal((await seen(ns, isReady)).status?.helmRelease?.['name'], 'other');
    assert.deepEqual(await historyOf(ns, 'app'), []);
  });

  it('by a workflow that remembers nothing is found by its status, and not orphaned', async () => {
    const ns = await installed('forgotten');
    const id = entityId(holdfast.cluster, 'HelmRelease', { namespace: ns, name: 'app' });
    await holdfast.client.workflow.getHandle(id).terminate('lose its memory');
    await declare(ns, { name: 'other' });
    await seen(ns, (live) => isReady(live) && live.status?.helmRelease?.['name'] === 'other');
    assert.deepEqual([await historyOf(ns, 'app'), await historyOf(ns, 'other')], [[], FIRST]);
  });

  it('while its worker is killed between the two is not installed twice, and arrives', async () => {
    const ns = await installed('killed');
    await setFinalizers(ns, HELD);
    await declare(ns, { name: 'other' });
    await until(
      () => historyOf(ns, 'app'),
      ([first]) => first?.status === 'uninstalled',
      'the old release to be uninstalled',
    );
    const worker = holdfast.worker();
    process.kill(worker.pid, 'SIGKILL');
    await until(
      () => Promise.resolve(worker.exit()),
      (end) => end !== null,
      'the worker to die',
    );
    assert.deepEqual(await historyOf(ns, 'other'), []);
    await holdfast.startWorker();
    await setFinalizers(ns, []);
    const live = await seen(ns, isReady);
    assert.equal(live.status?.helmRelease?.['name'], 'other');
    assert.deepEqual([await historyOf(ns, 'app'), await historyOf(ns, 'other')], [[], FIRST]);
    assert.deepEqual(await objectsIn(ns), ['deployment.apps/other']);
  });
});
