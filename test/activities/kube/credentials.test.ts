import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  findRepository,
  readCredentials,
  readRepository,
  type Repository,
} from '../../../activities/kube/credentials.ts';
import { uniqueName } from '../../support/harness.ts';
import { type TestCluster, useCluster } from './cluster.ts';

const KETCHES = 'helm-operator.ketches.cn/v1alpha1';

describe('credentials of a chart', () => {
  let cluster: TestCluster;
  let other: string;
  before(async () => {
    cluster = await useCluster();
    other = await cluster.addNamespace();
  });
  after(() => cluster.release());

  async function repository(auth: object, place: { namespace?: string; url?: string } = {}): Promise<Repository> {
    const ref = { namespace: place.namespace ?? cluster.namespace, name: uniqueName('repo') };
    const url = place.url ?? 'oci://registry.example.com/charts';
    await cluster.apply({ apiVersion: KETCHES, kind: 'HelmRepository', metadata: ref, spec: { url, auth } });
    const read = await readRepository(cluster.kube, ref);
    assert.ok(read);
    return read;
  }

  async function secret(stringData: Record<string, string>): Promise<string> {
    const name = uniqueName('secret');
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: cluster.namespace, name },
      stringData,
    });
    return name;
  }

  const KEY = '{\n  "type": "service_account"\n}\n';
  const rows: { name: string; data: Record<string, string>; username: string; password: string }[] = [
    {
      name: 'as they are',
      data: { username: 'robot$team+ci', password: 'pa ss' },
      username: 'robot$team+ci',
      password: 'pa ss',
    },
    {
      name: 'without the newline of echo',
      data: { username: 'me\n', password: 'secret\r\n' },
      username: 'me',
      password: 'secret',
    },
    {
      name: 'without one newline only',
      data: { username: 'me', password: 'secret\n\n' },
      username: 'me',
      password: 'secret\n',
    },
    {
      name: 'a JSON key to the byte',
      data: { username: '_json_key', password: KEY },
      username: '_json_key',
      password: KEY,
    },
    {
      name: 'as docker login writes it',
      data: {
        '.dockerconfigjson': JSON.stringify({
          auths: { 'registry.example.com': { username: 'me', password: 'pass' } },
        }),
      },
      username: 'me',
      password: 'pass',
    },
  ];
  for (const { name, data, username, password } of rows) {
    it(`come from a Secret, ${name}`, async () => {
      const repo = await repository({ basic: { secretRef: { name: await secret(data) } } });
      assert.deepEqual(await readCredentials(cluster.kube, repo), { username, password });
    });
  }

  it('come from the HelmRepository itself, or are none', async () => {
    const inline = await repository({ basic: { username: 'me', password: 'secret' } });
    assert.deepEqual(await readCredentials(cluster.kube, inline), { username: 'me', password: 'secret' });
    assert.equal(await readCredentials(cluster.kube, await repository({})), null);
  });

  it('may lie in another namespace unless that is turned off', async () => {
    const name = await secret({ username: 'me', password: 'secret' });
    const repo = await repository(
      { basic: { secretRef: { name, namespace: cluster.namespace } } },
      { namespace: other },
    );
    assert.deepEqual(await readCredentials(cluster.kube, repo), { username: 'me', password: 'secret' });
    await assert.rejects(readCredentials(cluster.kube, repo, 'denied'), { code: 'CrossNamespaceDenied' });
  });

  it('say which Secret is missing or wrong, without its values', async () => {
    const missing = await repository({ basic: { secretRef: { name: 'nowhere' } } });
    await assert.rejects(readCredentials(cluster.kube, missing), {
      code: 'SecretNotFound',
      message: `there is no Secret ${cluster.namespace}/nowhere`,
    });
    const name = await secret({ user: 'canary', password: 'canary' });
    const wrong = await repository({ basic: { secretRef: { name } } });
    await assert.rejects(readCredentials(cluster.kube, wrong), {
      code: 'SecretInvalid',
      message: `Secret ${cluster.namespace}/${name} has no key username; its keys are: password, user`,
    });
  });

  it('belong to the HelmRepository that is named, or to the one above the chart', async () => {
    const host = `${uniqueName('registry')}.example.com`;
    const url = `oci://${host}/team`;
    const chart = { name: 'app', version: '1.0.0', url: `${url}/app`, repository: null };
    const options = { namespace: cluster.namespace, crossNamespace: 'allowed' } as const;
    assert.equal(await findRepository(cluster.kube, chart, options), null);
    const first = await repository({}, { namespace: other, url });
    assert.equal((await findRepository(cluster.kube, chart, options))?.name, first.name);
    const second = await repository({}, { namespace: other, url: `${url}/` });
    const [a, b] = [first.name, second.name].sort();
    await assert.rejects(findRepository(cluster.kube, chart, options), {
      code: 'RepositoryAmbiguous',
      message: `the HelmRepositories ${other}/${a ?? ''} and ${other}/${b ?? ''} both serve ${url}/app; keep one of them or add one to namespace ${cluster.namespace}`,
    });
    const own = await repository({}, { url: `oci://${host}` });
    assert.equal((await findRepository(cluster.kube, chart, options))?.name, own.name);
    const named = { ...chart, repository: { namespace: other, name: second.name } };
    assert.equal((await findRepository(cluster.kube, named, options))?.name, second.name);
  });
});
