/** The way to registries with TLS: the real registry behind TLS of an authority that only a Secret names. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { checkHelmRepository } from '../../../activities/check-helm-repository.ts';
import { HoldfastError } from '../../../activities/failures.ts';
import { readHelmRelease } from '../../../activities/kube/helm-release.ts';
import { prepareChart } from '../../../activities/prepare-chart.ts';
import { pushChart } from '../../support/chart.ts';
import { createAuthority, serveTls, type Authority, type Certificate } from '../../support/tls.ts';
import { callOf, useReleases, type Releases } from '../helm/releases.ts';

const API = 'helm-operator.ketches.cn/v1alpha1';

let releases: Releases;
let namespace: string;
let authority: Authority;
let client: Certificate;
/** The registry behind TLS; and the same, for those with a client certificate. */
let open: string;
let guarded: string;

before(async () => {
  releases = await useReleases();
  namespace = await releases.addNamespace('registry-tls');
  await pushChart(releases.stack, { name: 'app', version: '1.0.0' }, 'tls');
  authority = createAuthority();
  client = authority.issue('client');
  const server = authority.issue('server');
  open = await serveTls(releases.stack.registry, server);
  guarded = await serveTls(releases.stack.registry, { ...server, clients: authority.ca });
  const { user: username, password } = releases.stack.registryLogin;
  await secret('login', { username, password });
  await secret('ca', { 'ca.crt': authority.ca });
  await secret('all', { 'ca.crt': authority.ca, 'tls.crt': client.cert, 'tls.key': client.key });
});
after(() => releases.release());

async function secret(name: string, stringData: Record<string, string>): Promise<void> {
  await releases.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData });
}

const WITH_LOGIN = { basic: { secretRef: { name: 'login' } } };

/** What the check of a HelmRepository finds, and what the pull of a chart by it comes to. */
async function reach(name: string, host: string, spec: { auth?: object; insecure?: boolean }): Promise<unknown[]> {
  const ref = { namespace, name };
  await releases.apply({
    apiVersion: API,
    kind: 'HelmRepository',
    metadata: ref,
    spec: { url: `oci://${host}/tls`, type: 'oci', ...spec },
  });
  const input = { cluster: releases.cluster, ref, workflowId: `local/helmrepository/${namespace}/${name}` };
  const seen = await checkHelmRepository(releases.tools, input, callOf());
  const chart = { name: 'app', version: '1.0.0', repository: { name } };
  await releases.apply({ apiVersion: API, kind: 'HelmRelease', metadata: ref, spec: { chart } });
  const read = await readHelmRelease(releases.kube, ref);
  assert.ok(read?.spec);
  const pulled = await prepareChart(releases.tools, read.spec, { namespace, call: callOf() }).then(
    ({ about }) => about.version,
    toFailure,
  );
  return [seen?.failure, pulled];
}

function toFailure(error: unknown): unknown {
  assert.ok(error instanceof HoldfastError);
  return { code: error.code, message: error.message };
}

/** Both fail, for the same reason. */
const both = (failure: { code: string; message: string }): unknown[] => [failure, failure];
const rejected = (host: string, why: string): unknown[] =>
  both({ code: 'RegistryTlsRejected', message: `cannot reach registry ${host}: ${why}` });

describe('a registry behind TLS of a private authority', () => {
  it('is trusted by the ca.crt of a Secret, and read with the login of another', async () => {
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'ca' } } };
    assert.deepEqual(await reach('trusted', open, { auth }), [null, '1.0.0']);
  });

  it('is not trusted without it, and the way out is named', async () => {
    await secret('client-only', { 'tls.crt': client.cert, 'tls.key': client.key });
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'client-only' } } };
    const why =
      'its TLS certificate is signed by nobody who is trusted; put the certificate of its authority into the Secret of auth.tls.secretRef as ca.crt';
    assert.deepEqual(await reach('untrusted', open, { auth }), rejected(open, why));
  });

  it('is read without a look at its certificate where that is asked for', async () => {
    const auth = { ...WITH_LOGIN, tls: { insecureSkipVerify: true } };
    assert.deepEqual(await reach('unverified', open, { auth }), [null, '1.0.0']);
  });

  it('is not believed under another name', async () => {
    const other = await serveTls(releases.stack.registry, authority.issue('elsewhere', 'DNS:elsewhere.example'));
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'ca' } } };
    assert.deepEqual(
      await reach('renamed', other, { auth }),
      rejected(other, 'its TLS certificate is for another name'),
    );
  });

  it('takes the client certificate of a Secret, and says when one is missing', async () => {
    const auth = { ...WITH_LOGIN, tls: { secretRef: { name: 'all' } } };
    assert.deepEqual(await reach('client', guarded, { auth }), [null, '1.0.0']);
    const without = { ...WITH_LOGIN, tls: { secretRef: { name: 'ca' } } };
    const why =
      'it does not take our client certificate, or wants one; see tls.crt and tls.key in the Secret of auth.tls.secretRef';
    assert.deepEqual(await reach('no-client', guarded, { auth: without }), rejected(guarded, why));
  });

  it('wants a login also from who has a client certificate', async () => {
    const [check, pull] = await reach('no-login', guarded, { auth: { tls: { secretRef: { name: 'all' } } } });
    assert.partialDeepStrictEqual([check, pull], [{ code: 'AuthRequired' }, { code: 'AuthRequired' }]);
  });

  it('is never spoken to without TLS instead', async () => {
    const plain = releases.stack.registry;
    const auth = { ...WITH_LOGIN, tls: { insecureSkipVerify: true } };
    const message = `registry ${plain} speaks plain HTTP; if that is meant, set spec.insecure: true on its HelmRepository, or name it in HOLDFAST_PLAIN_HTTP_REGISTRIES`;
    assert.deepEqual(await reach('downgrade', plain, { auth }), both({ code: 'RegistryUnreachable', message }));
  });

  it('says that a Secret of it is missing or wrong', async () => {
    const missing = { code: 'SecretNotFound', message: `there is no Secret ${namespace}/nowhere` };
    assert.deepEqual(await reach('lost', open, { auth: { tls: { secretRef: { name: 'nowhere' } } } }), both(missing));
    await secret('broken', { 'ca.crt': 'canary' });
    const message = `Secret ${namespace}/broken cannot be used: its ca.crt is no certificate in PEM`;
    const broken = both({ code: 'SecretInvalid', message });
    assert.deepEqual(await reach('broken', open, { auth: { tls: { secretRef: { name: 'broken' } } } }), broken);
  });

  it('leaves no key behind', () => {
    assert.deepEqual(readdirSync(releases.tools.folders.tmp), []);
  });
});

describe('a registry without TLS', () => {
  it('beyond loopback is spoken to without it only where that is said', async () => {
    // Leads to this machine, but is no address on loopback.
    const host = releases.stack.registry.replace('127.0.0.1', '0.0.0.0');
    const message = `registry ${host} speaks plain HTTP; if that is meant, set spec.insecure: true on its HelmRepository, or name it in HOLDFAST_PLAIN_HTTP_REGISTRIES`;
    const refused = both({ code: 'RegistryUnreachable', message });
    assert.deepEqual(await reach('silent', host, { auth: WITH_LOGIN }), refused);
    assert.deepEqual(await reach('secure', host, { auth: WITH_LOGIN, insecure: false }), refused);
    assert.deepEqual(await reach('insecure', host, { auth: WITH_LOGIN, insecure: true }), [null, '1.0.0']);
  });
});
