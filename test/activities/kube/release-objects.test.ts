import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { abandonObject } from '../../../activities/kube/abandonment.ts';
import { createLinkedList } from '../../../activities/kube/dependants.ts';
import { look } from '../../../activities/kube/look.ts';
import { addFinalizer, annotateSuspension, removeFinalizer } from '../../../activities/kube/metadata.ts';
import { RECORD_LABELS, ownerHash } from '../../../activities/owner.ts';
import type { Manifest } from '../../../activities/ports.ts';
import { uniqueName } from '../../support/harness.ts';
import { type TestCluster, useCluster } from './cluster.ts';
import { helmRecord, helmRelease } from './release-fixtures.ts';

const FINALIZER = 'helm-operator.ketches.cn/release-finalizer';

describe('a HelmRelease', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await useCluster();
  });
  after(() => cluster.release());

  interface Applied {
    readonly ref: { readonly namespace: string; readonly name: string };
    readonly uid: string;
  }

  async function apply(spec: object = {}, metadata: object = {}): Promise<Applied> {
    const ref = { namespace: cluster.namespace, name: uniqueName('web') };
    const applied = await cluster.apply(helmRelease(ref, spec, metadata));
    return { ref, uid: applied.metadata.uid ?? '' };
  }

  const path = ({ namespace, name }: Applied['ref']): string =>
    `/apis/helm-operator.ketches.cn/v1alpha1/namespaces/${namespace}/helmreleases/${name}`;
  const read = (ref: Applied['ref']): Promise<Manifest> => cluster.kube.request({ method: 'GET', path: path(ref) });
  const remove = (ref: Applied['ref']): Promise<unknown> => cluster.kube.request({ method: 'DELETE', path: path(ref) });
  const lookAt = (ref: Applied['ref']) =>
    look(
      { kube: cluster.kube, listLinked: createLinkedList(cluster.kube) },
      { cluster: 'local', ref, crossNamespace: 'allowed', target: null },
    );

  describe('look', () => {
    it('sees nothing where nothing is', async () => {
      assert.deepEqual(await lookAt({ namespace: cluster.namespace, name: 'nothing' }), { object: null, stored: null });
    });

    it('sees the object without its values', async () => {
      const { ref, uid } = await apply(
        { values: 'password: canary\n', interval: '5m', rollback: { enabled: true } },
        {
          labels: { 'holdfast.dev/source-namespace': 'gitops', 'holdfast.dev/source-name': 'apps' },
          annotations: {
            'holdfast.dev/source-revision': 'main@0123',
            'holdfast.dev/requestedAt': 'a',
            'reconcile.fluxcd.io/requestedAt': 'b',
            'holdfast.dev/suspended': '{"by":"ada","reason":"a freeze"}',
          },
        },
      );
      const { object, stored } = await lookAt(ref);
      assert.ok(object?.spec.kind === 'valid');
      assert.equal(stored, null);
      assert.ok(!JSON.stringify(object).includes('canary'));
      assert.deepEqual(object, {
        uid,
        generation: 1,
        deleting: false,
        held: false,
        suspension: { by: 'ada', reason: 'a freeze', inSpec: false },
        intervalMs: 300_000,
        requestedAt: 'a b',
        reset: false,
        source: { repository: { namespace: 'gitops', name: 'apps' }, revision: 'main@0123' },
        spec: object.spec,
      });
    });

    it('sees suspension by spec, by a bare annotation, and none', async () => {
      const [bySpec, byWord, none] = await Promise.all([
        apply({ suspend: true }),
        apply({}, { annotations: { 'holdfast.dev/suspended': 'moving house' } }),
        apply({}, { annotations: { 'holdfast.dev/suspended': 'false' } }),
      ]);
      assert.deepEqual((await lookAt(bySpec.ref)).object?.suspension, { by: 'spec.suspend', reason: '', inSpec: true });
      assert.deepEqual((await lookAt(byWord.ref)).object?.suspension, {
        by: 'annotation holdfast.dev/suspended',
        reason: 'moving house',
        inSpec: false,
      });
      assert.equal((await lookAt(none.ref)).object?.suspension, null);
    });

    it('sees what a sync is to do besides, where the token is that of the request', async () => {
      const asked = async (annotations: Readonly<Record<string, string>>): Promise<readonly unknown[]> => {
        const { object } = await lookAt((await apply({}, { annotations })).ref);
        return [object?.reset, object?.force];
      };
      const ours = { 'holdfast.dev/requestedAt': 'a', 'holdfast.dev/forceAt': 'a' };
      const flux = { 'reconcile.fluxcd.io/requestedAt': 'b', 'reconcile.fluxcd.io/forceAt': 'b' };
      assert.deepEqual(await asked(ours), [false, true]);
      assert.deepEqual(await asked(flux), [false, true]);
      assert.deepEqual(await asked({ ...flux, 'reconcile.fluxcd.io/resetAt': 'b' }), [true, true]);
      assert.deepEqual(await asked({ ...ours, 'holdfast.dev/requestedAt': 'c' }), [false, undefined]);
      assert.deepEqual(await asked({ 'holdfast.dev/forceAt': '', 'holdfast.dev/requestedAt': '' }), [false, undefined]);
    });

    it('sees which revision is asked for, where the token behind it is that of the request', async () => {
      const asked = async (rollbackTo: string): Promise<number | undefined> => {
        const annotations = { 'holdfast.dev/requestedAt': 'a', 'holdfast.dev/rollbackTo': rollbackTo };
        return (await lookAt((await apply({}, { annotations })).ref)).object?.rollbackTo;
      };
      assert.equal(await asked('12@a'), 12);
      for (const none of ['12@b', '12', '@a', 'x@a', '-1@a', '']) assert.equal(await asked(none), undefined, none);
    });

    it('looks the named HelmRepository up, and says when it is not there', async () => {
      const { ref } = await apply({ chart: { name: 'web', version: '1.0.0', repository: { name: 'charts' } } });
      const missing = (await lookAt(ref)).object?.spec;
      assert.ok(missing?.kind === 'invalid');
      assert.deepEqual(missing.failure, {
        code: 'RepositoryNotFound',
        message: `there is no HelmRepository ${cluster.namespace}/charts`,
      });
      await cluster.apply({
        apiVersion: 'helm-operator.ketches.cn/v1alpha1',
        kind: 'HelmRepository',
        metadata: { namespace: cluster.namespace, name: 'charts' },
        spec: { url: 'oci://registry.example.com/charts' },
      });
      const found = (await lookAt(ref)).object?.spec;
      assert.ok(found?.kind === 'valid');
      assert.equal(found.desired.chart.url, 'oci://registry.example.com/charts/web');
    });

    it('sees the newest record, by number and not by name, and the newest deployed one', async () => {
      const { ref } = await apply();
      const owner = ownerHash('local', ref);
      for (const [revision, status] of [
        [2, 'superseded'],
        [9, 'deployed'],
        [10, 'failed'],
      ] as const) {
        const labels = {
          [RECORD_LABELS.owner]: owner,
          [RECORD_LABELS.digest]: 'd',
          [RECORD_LABELS.attempt]: `a${String(revision)}`,
        };
        await cluster.apply(helmRecord(ref, { revision, status, labels }));
      }
      assert.deepEqual((await lookAt(ref)).stored, {
        revision: 10,
        status: 'failed',
        owner,
        ownedByUs: true,
        otherOwner: null,
        digest: 'd',
        attempt: 'a10',
        deployedRevision: 9,
        rollbackRevision: 9,
        changedAt: 1_767_323_045_000,
      });
    });

    it('names the living owner of a record that is not ours', async () => {
      const [ours, theirs] = await Promise.all([apply(), apply()]);
      const labels = { [RECORD_LABELS.owner]: ownerHash('local', theirs.ref) };
      await cluster.apply(helmRecord(ours.ref, { revision: 1, status: 'deployed', labels }));
      const { stored } = await lookAt(ours.ref);
      assert.deepEqual([stored?.ownedByUs, stored?.otherOwner], [false, theirs.ref]);
      await remove(theirs.ref);
      assert.equal((await lookAt(ours.ref)).stored?.otherOwner, null);
    });
  });

  describe('finalizers', () => {
    it('are set once beside others, and only ours is removed', async () => {
      const { ref, uid } = await apply({}, { finalizers: ['example.com/other'] });
      await addFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
      await addFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
      const held = await read(ref);
      assert.deepEqual(held.metadata.finalizers, ['example.com/other', FINALIZER]);
      assert.equal((await lookAt(ref)).object?.held, true);
      assert.equal(held.metadata.generation, 1);
      await remove(ref);
      await assert.rejects(addFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid }), { code: 'ObjectGone' });
      await removeFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
      await removeFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
      assert.deepEqual((await read(ref)).metadata.finalizers, ['example.com/other']);
      await cluster.kube.request({
        method: 'PATCH',
        path: path(ref),
        contentType: 'application/merge-patch+json',
        body: { metadata: { finalizers: null } },
      });
      await removeFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
      await assert.rejects(addFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid }), { code: 'ObjectGone' });
    });

    it('survive an apply of the manifest, and are left alone on an object of the same name', async () => {
      const { ref, uid } = await apply();
      await addFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
      await cluster.apply(helmRelease(ref, { values: 'a: 1' }));
      assert.deepEqual((await read(ref)).metadata.finalizers, [FINALIZER]);
      await assert.rejects(addFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid: 'another' }), {
        code: 'ObjectGone',
      });
      await removeFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid: 'another' });
      assert.deepEqual((await read(ref)).metadata.finalizers, [FINALIZER]);
      await remove(ref);
      await removeFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
      await assert.rejects(read(ref), { status: 404 });
    });
  });

  describe('abandonment', () => {
    const held = ({ ref, uid }: Applied) => ({ kind: 'HelmRelease' as const, ref, uid });
    const seen = async ({ ref }: Applied) => (await lookAt(ref)).object;

    it('is written before the object is deleted, which waits for our finalizer', async () => {
      const one = await apply({}, { finalizers: [FINALIZER, 'example.com/other'] });
      await abandonObject(cluster.kube, held(one), { by: 'ada', reason: 'it "moves"' });
      const object = await seen(one);
      assert.deepEqual(object?.abandoned, { by: 'ada', reason: 'it "moves"' });
      assert.deepEqual([object.deleting, object.held, object.otherFinalizers], [true, true, ['example.com/other']]);
      await abandonObject(cluster.kube, held(one), { by: 'bob', reason: 'again' });
    });

    it('leaves an object of the same name alone, and one that is gone', async () => {
      const one = await apply({}, { finalizers: [FINALIZER] });
      const by = { by: 'ada', reason: '' };
      await assert.rejects(abandonObject(cluster.kube, { ...held(one), uid: 'another' }, by), { code: 'Conflict' });
      assert.equal((await seen(one))?.deleting, false);
      await abandonObject(cluster.kube, { ...held(one), ref: { ...one.ref, name: 'nothing' } }, by);
    });

    it('counts only while the object is deleted, and only for the uid that it names', async () => {
      const annotate = async (one: Applied, note: string): Promise<void> => {
        const annotations = { 'holdfast.dev/abandon': note };
        await cluster.apply(helmRelease(one.ref, {}, { finalizers: [FINALIZER], annotations }));
      };
      const [named, copied, word] = await Promise.all([apply(), apply(), apply()]);
      await annotate(named, `${named.uid} it moves`);
      assert.equal((await seen(named))?.abandoned, undefined);
      await annotate(copied, JSON.stringify({ uid: named.uid, by: 'ada', reason: '' }));
      await annotate(word, 'true');
      for (const one of [named, copied, word]) await remove(one.ref);
      const by = 'annotation holdfast.dev/abandon';
      assert.deepEqual((await seen(named))?.abandoned, { by, reason: 'it moves' });
      assert.deepEqual([(await seen(copied))?.abandoned, (await seen(word))?.abandoned], [undefined, undefined]);
    });
  });

  it('annotateSuspension suspends and resumes, without a new generation', async () => {
    const { ref } = await apply();
    await annotateSuspension(cluster.kube, ref, { by: 'ada', reason: 'a "freeze"' });
    const { object } = await lookAt(ref);
    assert.deepEqual(object?.suspension, { by: 'ada', reason: 'a "freeze"', inSpec: false });
    assert.equal(object.generation, 1);
    await annotateSuspension(cluster.kube, ref, null);
    assert.equal((await lookAt(ref)).object?.suspension, null);
    const nothing = { namespace: cluster.namespace, name: 'nothing' };
    await assert.rejects(annotateSuspension(cluster.kube, nothing, null), { name: 'KubeError', status: 404 });
  });
});
