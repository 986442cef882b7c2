import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { reportStatus } from '../../../activities/kube/release-status.ts';
import { SILENT } from '../../../activities/meter.ts';
import type { Entities, Manifest } from '../../../activities/ports.ts';
import { identifyCluster, watchCluster } from '../../../activities/watch/watch-cluster.ts';
import type { Changed } from '../../../workflows/contract.ts';
import { entityId, type EntityKind, type ObjectRef } from '../../../workflows/core/ids.ts';
import { uniqueName } from '../../support/harness.ts';
import { type TestCluster, useCluster } from '../kube/cluster.ts';
import { helmRelease, report } from '../kube/release-fixtures.ts';

const KETCHES = 'helm-operator.ketches.cn/v1alpha1';

describe('watchCluster', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await useCluster();
  });
  after(() => cluster.release());

  /** Entities that run, and what they were told: only of one namespace, for other tests use the same API server. */
  class Told implements Entities {
    readonly messages: string[] = [];
    readonly ids = new Set<string>();
    readonly namespace: string;
    constructor(namespace: string) {
      this.namespace = namespace;
    }

    wake(kind: EntityKind, ref: ObjectRef, change: Changed): Promise<void> {
      this.note(`wake ${kind}`, ref, change);
      this.ids.add(entityId('local', kind, ref));
      return Promise.resolve();
    }

    tell(kind: EntityKind, ref: ObjectRef, change: Changed): Promise<void> {
      this.note(`tell ${kind}`, ref, change);
      return Promise.resolve();
    }

    async *running(): AsyncGenerator<string, void, undefined> {
      await sleep(0);
      yield* this.ids;
    }

    note(what: string, { namespace, name }: ObjectRef, { because }: Changed): void {
      if (namespace === this.namespace) this.messages.push(`${what} ${name}: ${because}`);
    }

    /** Waits until the watch of this namespace has begun. */
    async begun(): Promise<void> {
      await this.until('wake HelmRelease first: not running');
    }

    /** Waits for a message and forgets all that came so far. */
    async until(message: string): Promise<void> {
      for (let tries = 0; tries < 500 && !this.messages.includes(message); tries += 1) await sleep(20);
      assert.ok(this.messages.includes(message), `${message} among ${this.messages.join('; ')}`);
      this.messages.length = 0;
    }
  }

  async function watching(told: Told, use: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    let beats = 0;
    const heartbeat = (): void => {
      beats += 1;
    };
    const watch = watchCluster({ kube: cluster.kube, entities: told, cluster: 'local', meter: SILENT }, null, {
      signal: stop.signal,
      heartbeat,
    });
    const ended = assert.rejects(watch, { code: 'Interrupted' });
    try {
      await use();
    } finally {
      stop.abort();
      await ended;
    }
    assert.ok(beats > 0);
  }

  const path = (plural: string, { namespace, name }: ObjectRef): string =>
    `/apis/${KETCHES}/namespaces/${namespace}/${plural}/${name}`;
  const annotate = (ref: ObjectRef, annotations: Record<string, string>): Promise<unknown> =>
    cluster.kube.request({
      method: 'PATCH',
      path: path('helmreleases', ref),
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations } },
    });
  const secret = (namespace: string, password: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'login' },
    stringData: { username: 'me', password },
  });

  it('starts what does not run and wakes what nobody has looked at, and leaves the rest alone', async () => {
    const namespace = await cluster.addNamespace();
    const refs = ['missing', 'stale', 'settled'].map((name) => ({ namespace, name }));
    const told = new Told(namespace);
    for (const ref of refs) {
      const { metadata } = await cluster.apply(helmRelease(ref));
      if (ref.name === 'settled') await reportStatus(cluster.kube, report(ref, metadata.uid ?? ''));
      if (ref.name !== 'missing') told.ids.add(entityId('local', 'HelmRelease', ref));
    }
    told.ids.add(entityId('local', 'HelmRelease', { namespace, name: 'orphan' }));
    const last = 'tell HelmRelease orphan: its object is gone';
    await watching(told, async () => {
      for (let tries = 0; tries < 500 && told.messages.length < 3; tries += 1) await sleep(20);
      assert.deepEqual(told.messages.toSorted(), [
        last,
        'wake HelmRelease missing: not running',
        'wake HelmRelease stale: not observed yet',
      ]);
    });
  });

  it('tells of every change that concerns an object, and of no other', async () => {
    const namespace = await cluster.addNamespace();
    const told = new Told(namespace);
    const ref = { namespace, name: 'web' };
    await cluster.apply(helmRelease({ namespace, name: 'first' }));
    const host = `${uniqueName('registry')}.example.com`;
    const chart = { name: 'web', version: '1.0.0', ociRepository: `oci://${host}/web` };
    await watching(told, async () => {
      await told.begun();
      const { metadata } = await cluster.apply(helmRelease(ref, { chart }));
      await told.until('wake HelmRelease web: created');
      await reportStatus(cluster.kube, report(ref, metadata.uid ?? ''));
      await annotate(ref, { 'example.com/other': 'a' });
      await annotate(ref, { 'holdfast.dev/requestedAt': 'a' });
      // Status and foreign annotations came before this, and said nothing.
      for (let tries = 0; tries < 500 && told.messages.length === 0; tries += 1) await sleep(20);
      assert.deepEqual(told.messages, ['wake HelmRelease web: annotation changed']);
      told.messages.length = 0;

      await cluster.apply(helmRelease(ref, { chart, values: 'a: 1' }));
      await told.until('wake HelmRelease web: spec changed');

      await cluster.apply(secret(namespace, 'one'));
      await cluster.apply({
        apiVersion: KETCHES,
        kind: 'HelmRepository',
        metadata: { namespace, name: 'charts' },
        spec: {
          url: `oci://${host}`,
          auth: { basic: { secretRef: { name: 'login' } }, tls: { secretRef: { name: 'tls' } } },
          proxySecretRef: { name: 'proxy' },
        },
      });
      await told.until(`wake HelmRelease web: HelmRepository ${namespace}/charts changed`);
      await cluster.apply(secret(namespace, 'two'));
      await told.until(`wake HelmRelease web: Secret ${namespace}/login changed`);
      for (const name of ['tls', 'proxy']) {
        await cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name } });
        await told.until(`wake HelmRelease web: Secret ${namespace}/${name} changed`);
      }

      const valuesFrom = [{ kind: 'ConfigMap', name: 'common' }];
      await cluster.apply(helmRelease(ref, { chart, valuesFrom }));
      await told.until('wake HelmRelease web: spec changed');
      const metadataOf = { namespace, name: 'common' };
      await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadataOf, data: {} });
      await told.until(`wake HelmRelease web: ConfigMap ${namespace}/common changed`);

      await cluster.kube.request({ method: 'DELETE', path: path('helmreleases', ref) });
      await told.until('tell HelmRelease web: deleted');
    });
  });

  it('refuses another cluster of the same name, and says the way out', async () => {
    const { uid } = await identifyCluster(cluster.kube);
    const { metadata } = await cluster.kube.request<Manifest>({
      method: 'GET',
      path: '/api/v1/namespaces/kube-system',
    });
    assert.equal(uid, metadata.uid);
    const deps = { kube: cluster.kube, entities: new Told(''), cluster: 'local', meter: SILENT };
    const context = { signal: AbortSignal.timeout(10_000), heartbeat: () => undefined };
    await assert.rejects(watchCluster(deps, 'another', context), {
      code: 'ClusterMismatch',
      message:
        `the API server is another cluster than the one known as local (uid of kube-system ${uid}, known another): ` +
        'give this cluster a name of its own with HOLDFAST_CLUSTER',
    });
  });
});
