import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { checkHelmRepository } from '../../activities/check-helm-repository.ts';
import { chartRepository } from '../support/chart-repository.ts';
import { jwt } from '../support/credentials.ts';
import { serveWeb } from '../support/web.ts';
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
  readonly conditions?: readonly {
    type: string;
    status: string;
    reason: string;
    message: string;
    observedGeneration: number;
  }[];
  readonly observedGeneration?: number;
  readonly lastSyncTime?: string;
  readonly charts?: readonly { name: string; versions: readonly { version: string }[] }[];
  readonly stats?: object;
  readonly credentials?: { readonly expiresAt: string };
}

interface Checked {
  readonly failure: unknown;
  readonly status: Status;
  readonly events: readonly string[];
  readonly intervalMs: number | undefined;
}

async function check(name: string, spec: object): Promise<Checked> {
  const ref = { namespace, name };
  await releases.apply({ apiVersion: API, kind: 'HelmRepository', metadata: ref, spec });
  const input = { cluster: releases.cluster, ref, workflowId: `local/helmrepository/${namespace}/${name}` };
  const seen = await checkHelmRepository(releases.tools, input, callOf());
  const object = await releases.get(API, 'HelmRepository', ref);
  const events = (await releases.events(ref)).map(({ reason }) => reason);
  // the CRD's schema says what status is
  return { failure: seen?.failure, status: object?.['status'] ?? {}, events, intervalMs: seen?.intervalMs };
}

async function secret(name: string, data: Record<string, string>): Promise<object> {
  await releases.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData: data });
  return { basic: { secretRef: { name, namespace } } };
}

function conditionIn({ conditions = [] }: Status, wanted: string): readonly string[] {
  const found = conditions.find(({ type }) => type === wanted);
  return found === undefined ? [] : [found.status, found.reason, found.message];
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
    const spec = { url: 'oci://127.0.0.1:1/x', type: 'oci', auth: { tls: { caFile: '/ca.crt' } }, timeout: '5s' };
    assert.deepEqual((await check('tls', spec)).events.toSorted(), ['FieldNotSupported', 'RegistryUnreachable']);
  });

  it('reads an index over HTTP, and shows what it holds', async () => {
    const charts = await chartRepository(releases.stack.bin);
    await charts.publish({ name: 'app', version: '1.0.0' }, { name: 'app', version: '1.1.0' });
    await charts.publish({ name: 'web', version: '0.1.0' });
    const { failure, status } = await check('index', { url: charts.url, type: 'helm' });
    assert.equal(failure, null);
    assert.deepEqual(ready(status), [['True', 'Succeeded', 1]]);
    const message = status.conditions?.find(({ type }) => type === 'Ready')?.message;
    assert.equal(message, 'the index has 2 charts in 3 versions');
    assert.deepEqual(
      status.charts?.map(({ name, versions }) => [name, versions.map(({ version }) => version)]),
      [
        ['app', ['1.1.0', '1.0.0']],
        ['web', ['0.1.0']],
      ],
    );
    assert.partialDeepStrictEqual(status.stats, { totalCharts: 2, totalVersions: 3 });
  });

  it('says why an index over HTTP cannot be read', async () => {
    const page = await serveWeb((_request, response) => response.end('<html></html>'));
    const none = await serveWeb((_request, response) => response.writeHead(404).end());
    const closed = await serveWeb((_request, response) => response.writeHead(401).end());
    const failures = await Promise.all(
      [page, none, closed].map(
        async ({ origin }, i) => (await check(`no-index-${i}`, { url: origin, type: 'helm' })).failure,
      ),
    );
    const host = ({ origin }: { origin: string }): string => new URL(origin).host;
    assert.partialDeepStrictEqual(failures, [
      { code: 'IndexInvalid', message: `the index of ${page.origin} is no index of a chart repository` },
      { code: 'IndexInvalid', message: `${host(none)} does not have the index of ${none.origin}` },
      { code: 'AuthRequired' },
    ]);
    const away = await check('away', { url: 'http://127.0.0.1:1', type: 'helm' });
    assert.deepEqual(away.failure, {
      code: 'RegistryUnreachable',
      message: 'cannot reach 127.0.0.1:1: connection refused',
    });
  });

  it('asks no other machine in the clear unless that is wanted', async () => {
    const url = 'http://charts.example.invalid';
    const auth = await secret('clear', { username: 'u', password: 'p' });
    const refused = {
      code: 'SpecInvalid',
      message: `the url of HelmRepository ${namespace}/clear has http://; whoever is on the way could read credentials, and change charts: write https://, or set insecure: true`,
    };
    for (const more of [{}, { auth }]) {
      assert.deepEqual((await check('clear', { url, type: 'helm', ...more })).failure, refused);
    }
    const { failure } = await check('wanted', { url, type: 'helm', insecure: true });
    assert.partialDeepStrictEqual(failure, { code: 'RegistryUnreachable' });
  });

  it('misses a Secret by name', async () => {
    const auth = { basic: { secretRef: { name: 'nobody', namespace } } };
    const { failure } = await check('missing', { url: `oci://${releases.stack.registry}`, type: 'oci', auth });
    assert.partialDeepStrictEqual(failure, {
      code: 'SecretNotFound',
      message: `there is no Secret ${namespace}/nobody`,
    });
  });

  it('warns of credentials that end soon, once, in Ready and in a condition of its own', async () => {
    const expiresAt = Math.floor(Date.now() / 60_000) * 60_000 + 3 * 3_600_000;
    const login = { username: 'robot', password: jwt({ expiresAt }) };
    const charts = await chartRepository(releases.stack.bin, { login });
    await charts.publish({ name: 'app', version: '1.0.0' });
    const auth = await secret('token', login);
    const first = await check('token', { url: charts.url, type: 'helm', auth });
    const time = new Date(expiresAt).toISOString().replace('.000Z', 'Z');
    const message = `the password of Secret ${namespace}/token expires at ${time}; renew it before`;
    assert.equal(first.failure, null);
    assert.deepEqual(first.status.credentials, { expiresAt: time });
    assert.deepEqual(conditionIn(first.status, 'CredentialExpiring'), ['True', 'ExpiresSoon', message]);
    const shown = `the index has 1 chart in 1 version; ${message}`;
    assert.deepEqual(conditionIn(first.status, 'Ready'), ['True', 'Succeeded', shown]);
    assert.deepEqual((await check('token', { url: charts.url, type: 'helm', auth })).events.toSorted(), [
      'CredentialExpiring',
      'Succeeded',
    ]);
    assert.ok(!JSON.stringify(first).includes(login.password));
  });

  it('says when credentials end, looks again when they do, and forgets those that are gone', async () => {
    const charts = await chartRepository(releases.stack.bin);
    await charts.publish({ name: 'app', version: '1.0.0' });
    const day = 24 * 3_600_000;
    const expiresAt = Date.now() + day + 10 * 60_000;
    const auth = await secret('later', { username: 'robot', password: jwt({ expiresAt }) });
    const spec = { url: charts.url, type: 'helm', interval: '1h' };
    const first = await check('later', { ...spec, auth });
    assert.deepEqual(conditionIn(first.status, 'CredentialExpiring').slice(0, 2), ['False', 'Valid']);
    assert.deepEqual(first.events, ['Succeeded']);
    assert.ok((first.intervalMs ?? Infinity) <= 10 * 60_000, 'the next look is when there is something to say');

    await secret('later', { username: 'robot', password: jwt({ expiresAt: Date.now() - day }) });
    const expired = await check('later', { ...spec, auth });
    assert.deepEqual(conditionIn(expired.status, 'CredentialExpiring').slice(0, 2), ['True', 'Expired']);
    assert.deepEqual([...new Set(expired.events)].toSorted(), ['CredentialExpiring', 'Succeeded']);

    await releases.kube.request({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}/secrets/later` });
    const unread = await check('later', { ...spec, auth });
    assert.partialDeepStrictEqual(unread.failure, { code: 'SecretNotFound' });
    assert.deepEqual(conditionIn(unread.status, 'CredentialExpiring').slice(0, 2), ['True', 'Expired']);
    assert.notEqual(unread.status.credentials, undefined);

    const { status, intervalMs } = await check('later', spec);
    assert.deepEqual(conditionIn(status, 'CredentialExpiring'), []);
    assert.equal(status.credentials, undefined);
    assert.equal(intervalMs, 3_600_000);
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
