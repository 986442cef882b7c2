import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { checkHelmRepository } from '../../activities/check-helm-repository.ts';
import { callOf, useReleases, type Releases } from './helm/releases.ts';

let releases: Releases;
let namespace: string;

before(async () => {
  releases = await useReleases();
  namespace = await releases.addNamespace('repository');
});
after(() => releases.release());

const API = 'helm-operator.ketches.cn/v1alpha1';

interface Status {
  readonly conditions?: readonly { type: string; status: string; reason: string; observedGeneration: number }[];
  readonly observedGeneration?: number;
  readonly lastSyncTime?: string;
}

async function check(name: string, spec: object): Promise<{ failure: unknown; status: Status; events: string[] }> {
  const ref = { namespace, name };
  await releases.apply({ apiVersion: API, kind: 'HelmRepository', metadata: ref, spec });
  const input = { cluster: releases.cluster, ref, workflowId: `local/helmrepository/${namespace}/${name}` };
  const seen = await checkHelmRepository(releases.tools, input, callOf());
  const object = await releases.get(API, 'HelmRepository', ref);
  const events = (await releases.events(ref)).map(({ reason }) => reason);
  // the CRD's schema says what status is
  return { failure: seen?.failure, status: object?.['status'] ?? {}, events };
}

async function secret(name: string, data: Record<string, string>): Promise<object> {
  await releases.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData: data });
  return { basic: { secretRef: { name, namespace } } };
}

const ready = ({ conditions = [] }: Status): unknown[] =>
  conditions
    .filter(({ type }) => type === 'Ready')
    .map(({ status, reason, observedGeneration }) => [status, reason, observedGeneration]);

describe('checkHelmRepository', () => {
  it('makes a private registry Ready that takes the credentials, and says so once', async () => {
    const { user: username, password } = releases.stack.registryLogin;
    const auth = await secret('good', { username, password: `${password}\n` });
    const spec = { url: `oci://${releases.stack.registry}/charts`, type: 'oci', auth };
    const first = await check('good', spec);
    assert.equal(first.failure, null);
    assert.deepEqual(ready(first.status), [['True', 'Succeeded', 1]]);
    assert.equal(first.status.observedGeneration, 1);
    assert.equal(typeof first.status.lastSyncTime, 'string');
    assert.deepEqual((await check('good', spec)).events, ['Succeeded']);
  });

  it('names the Secret that is rejected, and nothing of what is in it', async () => {
    const auth = await secret('bad', { username: 'somebody', password: 'canary-password' });
    const { failure, status, events } = await check('bad', {
      url: `oci://${releases.stack.registry}`,
      type: 'oci',
      auth,
    });
    assert.partialDeepStrictEqual(failure, { code: 'AuthRejected' });
    assert.match(JSON.stringify(failure), new RegExp(`rejected the credentials of Secret ${namespace}/bad`));
    assert.doesNotMatch(JSON.stringify([failure, status]), /canary|somebody/);
    assert.deepEqual(ready(status), [['False', 'AuthRejected', 1]]);
    assert.deepEqual(events, ['AuthRejected']);
  });

  it('asks for credentials where the registry wants Basic ones', async () => {
    const { failure } = await check('anonymous', { url: `oci://${releases.stack.registry}`, type: 'oci' });
    assert.partialDeepStrictEqual(failure, { code: 'AuthRequired' });
  });

  it('says what is not supported yet', async () => {
    const http = await check('http', { url: 'https://charts.example.com', type: 'helm' });
    assert.partialDeepStrictEqual(http.failure, { code: 'FieldNotSupported' });
    assert.deepEqual(ready(http.status), [['False', 'FieldNotSupported', 1]]);
    const spec = { url: 'oci://127.0.0.1:1/x', type: 'oci', auth: { tls: { caFile: '/ca.crt' } }, timeout: '5s' };
    assert.deepEqual((await check('tls', spec)).events.toSorted(), ['FieldNotSupported', 'RegistryUnreachable']);
  });

  it('misses a Secret by name', async () => {
    const auth = { basic: { secretRef: { name: 'nobody', namespace } } };
    const { failure } = await check('missing', { url: `oci://${releases.stack.registry}`, type: 'oci', auth });
    assert.partialDeepStrictEqual(failure, {
      code: 'SecretNotFound',
      message: `there is no Secret ${namespace}/nobody`,
    });
  });

  it('leaves a suspended one alone', async () => {
    const { failure, status } = await check('suspended', { url: 'oci://127.0.0.1:1', type: 'oci', suspend: true });
    assert.deepEqual([failure, status], [null, {}]);
  });

  it('has nothing to say of one that is gone', async () => {
    const input = { cluster: 'x', ref: { namespace, name: 'gone' }, workflowId: 'x' };
    assert.equal(await checkHelmRepository(releases.tools, input, callOf()), null);
  });
});
