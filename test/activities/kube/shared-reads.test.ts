import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readCredentials, readRepository } from '../../../activities/kube/credentials.ts';
import { shareReads } from '../../../activities/kube/shared-reads.ts';
import { KubeError } from '../../../activities/ports.ts';
import { createSharing } from '../../../activities/sharing.ts';
import { uniqueName } from '../../support/harness.ts';
import { counted, type TestCluster, useCluster } from './cluster.ts';

const never = new AbortController().signal;

describe('reads of many releases at the same time', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await useCluster();
  });
  after(() => cluster.release());

  async function putSecret(name: string, password: string): Promise<void> {
    const metadata = { namespace: cluster.namespace, name };
    await cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { username: 'me', password } });
  }

  it('are one, and whoever comes after a rotation gets the new Secret', async () => {
    const ref = { namespace: cluster.namespace, name: uniqueName('repo') };
    const auth = { basic: { secretRef: { name: ref.name } } };
    const spec = { url: 'oci://registry.example.com/charts', auth };
    await putSecret(ref.name, 'old');
    await cluster.apply({
      apiVersion: 'helm-operator.ketches.cn/v1alpha1',
      kind: 'HelmRepository',
      metadata: ref,
      spec,
    });
    const { kube, asked } = counted(cluster.kube);
    const sharing = createSharing();
    const password = async (since: number): Promise<string | undefined> => {
      const shared = shareReads(kube, sharing, { since, signal: never });
      const repository = await readRepository(shared, ref);
      assert.ok(repository);
      return (await readCredentials(shared, repository))?.password;
    };
    const since = Date.now();
    assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => password(since))), Array(20).fill('old'));
    assert.deepEqual(
      asked.map(({ path }) => path.replace(/.*\//, '')),
      [ref.name, ref.name],
    );
    await putSecret(ref.name, 'new');
    assert.equal(await password(since), 'old');
    assert.equal(await password(Date.now()), 'new');
  });

  it('that fail fail for all, and are made again by the next', async () => {
    const { kube, asked } = counted(cluster.kube);
    const shared = shareReads(kube, createSharing(), { since: Date.now(), signal: never });
    const name = uniqueName('later');
    const path = `/api/v1/namespaces/${cluster.namespace}/secrets/${name}`;
    const get = (): Promise<unknown> => shared.request({ method: 'GET', path });
    const settled = await Promise.allSettled([get(), get()]);
    assert.deepEqual(
      settled.map((one) => one.status === 'rejected' && one.reason instanceof KubeError && one.reason.status),
      [404, 404],
    );
    assert.equal(asked.length, 1);
    await putSecret(name, 'there');
    await get();
    assert.equal(asked.length, 2);
  });

  it('are told apart by what is asked, how, and in whose name; writes are never shared', async () => {
    const { kube, asked } = counted(cluster.kube);
    const shared = shareReads(kube, createSharing(), { since: Date.now(), signal: never });
    const path = `/api/v1/namespaces/${cluster.namespace}/configmaps`;
    await shared.request({ method: 'GET', path });
    await shared.request({ method: 'GET', path, query: { limit: 1 } });
    await shared.request({
      method: 'GET',
      path,
      accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    });
    const as = { namespace: cluster.namespace, name: 'default' };
    await assert.rejects(shared.request({ method: 'GET', path, as }), { status: 403 });
    for (const name of ['one', 'two']) await shared.request({ method: 'POST', path, body: { metadata: { name } } });
    assert.equal(asked.length, 6);
  });
});
