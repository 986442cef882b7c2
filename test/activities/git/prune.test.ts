import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { kubectl } from '../../support/harness.ts';
import type { TestCluster } from '../kube/cluster.ts';
import { closeStage, config, openStage, release, scene, type Scene } from './scene.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await openStage();
});
after(closeStage);

describe('pruning', () => {
  let it2: Scene;
  beforeEach(async () => {
    it2 = await scene();
  });

  const files = (...names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [`${name}.yaml`, config(name)]));

  it('deletes what is gone from Git and forgets it', async () => {
    await it2.repository.commit(files('a', 'b', 'c'));
    await it2.declare();
    await it2.sync();
    await it2.repository.commit({ 'a.yaml': null });
    const pass = await it2.sync();
    assert.deepEqual(pass.prune, [`ConfigMap ${it2.namespace}/a`]);
    assert.ok((await it2.config('a')) !== null, 'a pass marks; it does not delete');
    assert.ok((await it2.inventory()).includes(`-${it2.namespace}_a__ConfigMap`));
    assert.deepEqual(await it2.prune(), [`ConfigMap ${it2.namespace}/a`]);
    assert.equal(await it2.config('a'), null);
    assert.equal((await it2.inventory()).length, 2);
  });

  it('asks before it deletes more than half of four', async () => {
    await it2.repository.commit(files('a', 'b', 'c', 'd'));
    await it2.declare();
    await it2.sync();
    const head = await it2.repository.commit({ 'a.yaml': null, 'b.yaml': null, 'c.yaml': null });
    const held = await it2.sync();
    assert.deepEqual(held.prune, []);
    assert.match(held.pruneHeldBack ?? '', /would delete 3 of 4 objects.*confirmPrune: main@/);
    const { status } = await it2.report(held);
    assert.equal(status?.conditions?.find(({ type }) => type === 'Stalled')?.status, 'True');
    assert.equal((await it2.inventory()).length, 4);

    await it2.declare({}, { annotations: { 'holdfast.dev/confirmPrune': `main@${head}` } });
    assert.equal((await it2.sync()).prune.length, 3);
    await it2.prune();
    assert.deepEqual(await it2.inventory(), [`${it2.namespace}_d__ConfigMap`]);
  });

  it('spares what says so, what is another’s by now, and everything when it is off', async () => {
    const kept = config('kept', {}, { annotations: { 'holdfast.dev/prune': 'disabled' } });
    await it2.repository.commit({ ...files('a', 'b', 'c', 'd', 'e'), 'kept.yaml': kept });
    await it2.declare();
    await it2.sync();
    await kubectl(cluster.stack, [
      '-n',
      it2.namespace,
      'label',
      'configmap',
      'b',
      'holdfast.dev/source-name=x',
      '--overwrite',
    ]);
    await it2.repository.commit({ 'kept.yaml': null, 'b.yaml': null });
    assert.deepEqual((await it2.sync()).prune, []);
    assert.equal((await it2.inventory()).length, 4);
    const left = await it2.config('kept');
    assert.deepEqual(left?.metadata.labels ?? {}, {});
    assert.ok((await it2.config('b')) !== null);

    await it2.declare({ prune: false });
    await it2.repository.commit({ 'c.yaml': null });
    assert.deepEqual((await it2.sync()).prune, []);
    assert.ok((await it2.config('c')) !== null);
    assert.equal((await it2.inventory()).length, 3);
  });

  it('does not delete an object that was created anew by someone else after it was marked', async () => {
    await it2.repository.commit(files('a', 'b'));
    await it2.declare();
    await it2.sync();
    await it2.repository.commit({ 'a.yaml': null });
    await it2.sync();
    await kubectl(cluster.stack, ['-n', it2.namespace, 'delete', 'configmap', 'a']);
    await kubectl(cluster.stack, ['-n', it2.namespace, 'create', 'configmap', 'a']);
    assert.deepEqual(await it2.prune(), []);
    assert.ok((await it2.config('a')) !== null);
    assert.equal((await it2.inventory()).length, 1);
  });

  it('deletes releases first and keeps what they use until they are gone', async () => {
    await it2.repository.commit({ 'r.yaml': release('r'), 's.yaml': config('s'), 'x.yaml': config('x') });
    await it2.declare();
    await it2.sync();
    const { namespace } = it2;
    const finalizer = JSON.stringify({ metadata: { finalizers: ['example.com/uninstall'] } });
    await kubectl(cluster.stack, ['-n', namespace, 'patch', 'helmrelease', 'r', '--type=merge', '-p', finalizer]);
    await it2.repository.commit({ 'r.yaml': null, 's.yaml': null });
    await it2.sync();
    await assert.rejects(it2.prune(), { type: 'NotReady', message: /waits for HelmRelease .*\/r to be uninstalled/ });
    assert.ok((await it2.config('s')) !== null);
    await it2.sync();
    await assert.rejects(it2.prune(), { type: 'NotReady' });
    const none = JSON.stringify({ metadata: { finalizers: null } });
    await kubectl(cluster.stack, ['-n', namespace, 'patch', 'helmrelease', 'r', '--type=merge', '-p', none]);
    await it2.prune();
    assert.equal(await it2.config('s'), null);
    assert.deepEqual(await it2.inventory(), [`${namespace}_x__ConfigMap`]);
  });

  for (const policy of ['Orphan', 'Delete'] as const) {
    it(`${policy === 'Orphan' ? 'leaves' : 'deletes'} everything when the GitRepository is deleted with deletionPolicy ${policy}`, async () => {
      await it2.repository.commit(files('a', 'b', 'c', 'd', 'e'));
      await it2.declare(policy === 'Orphan' ? {} : { deletionPolicy: policy });
      await it2.sync();
      const { uid = '' } = (await it2.self()).metadata;
      await kubectl(cluster.stack, ['-n', it2.namespace, 'delete', 'gitrepository', it2.name, '--wait=false']);
      assert.equal((await it2.sync()).deleting, true);
      await it2.prune(uid);
      assert.equal(await it2.syncOrNull(), null);
      const a = await it2.config('a');
      if (policy === 'Delete') assert.equal(a, null);
      else assert.deepEqual([a?.metadata.labels ?? {}, a?.metadata.annotations ?? {}], [{}, {}]);
    });
  }
});
