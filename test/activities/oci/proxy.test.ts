/** The way to a registry through a proxy: one that is named for it, and those of the environment. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { pushChart } from '../../support/chart.ts';
import { serveProxy, type TestProxy } from '../../support/proxy.ts';
import { createAuthority, serveTls } from '../../support/tls.ts';
import { both, useRegistryScene, WITH_LOGIN, type RegistryScene } from './scene.ts';

/** A name that only the proxy knows. */
const HOST = 'registry.holdfast.test';

let scene: RegistryScene;
let proxy: TestProxy;

before(async () => {
  scene = await useRegistryScene('proxy');
  const { registry } = scene.releases.stack;
  await pushChart(scene.releases.stack, { name: 'app', version: '1.0.0' }, 'proxy');
  const authority = createAuthority();
  const front = await serveTls(registry, authority.issue('server', `DNS:${HOST}`));
  proxy = await serveProxy((host) => (host === `${HOST}:443` ? front : registry), 'me:p@ss word');
  await scene.secret('ca', { 'ca.crt': authority.ca });
  await scene.secret('proxy', { address: proxy.origin, username: 'me', password: 'p@ss word\n' });
});
after(() => scene.releases.release());

const TLS = { tls: { secretRef: { name: 'ca' } } };
const proxySecretRef = { name: 'proxy' };

describe('a proxy that is named for a repository', () => {
  it('leads to a registry with TLS, which it does not see into', async () => {
    const auth = { ...WITH_LOGIN, ...TLS };
    assert.deepEqual(await scene.reach('tunnel', HOST, { auth, proxySecretRef }), [null, '1.0.0']);
    assert.deepEqual([...new Set(proxy.asked)], [`${HOST}:443`]);
  });

  it('leads there also who has no login, who is told by the registry', async () => {
    const failures = await scene.reach('anonymous', HOST, { auth: TLS, proxySecretRef });
    assert.partialDeepStrictEqual(failures, [{ code: 'AuthRequired' }, { code: 'AuthRequired' }]);
  });

  it('leads to a registry without TLS', async () => {
    const spec = { auth: WITH_LOGIN, insecure: true, proxySecretRef };
    assert.deepEqual(await scene.reach('clear', `${HOST}:5000`, spec), [null, '1.0.0']);
    assert.ok(proxy.asked.includes(`${HOST}:5000`));
  });

  it('says that its login is wrong', async () => {
    await scene.secret('stranger', { address: proxy.origin, username: 'canary', password: 'canary' });
    const why =
      'the proxy wants a user name and password, or others; see the Secret of spec.proxySecretRef, or HTTPS_PROXY of the worker';
    const spec = { proxySecretRef: { name: 'stranger' } };
    for (const [name, host, more] of [
      ['strange-tunnel', HOST, { auth: TLS }],
      ['strange-login', HOST, { auth: { ...TLS, ...WITH_LOGIN } }],
      ['strange-clear', `${HOST}:5000`, { insecure: true }],
    ] as const) {
      const expected = both({ code: 'AuthRejected', message: `cannot reach registry ${host}: ${why}` });
      assert.deepEqual(await scene.reach(name, host, { ...spec, ...more }), expected);
    }
  });

  it('says that nobody answers there', async () => {
    await scene.secret('nobody', { address: 'http://127.0.0.1:1' });
    const why = 'the proxy does not answer; see the Secret of spec.proxySecretRef, or HTTPS_PROXY of the worker';
    const expected = both({ code: 'RegistryUnreachable', message: `cannot reach registry ${HOST}: ${why}` });
    const auth = { ...TLS };
    assert.deepEqual(await scene.reach('nobody', HOST, { auth, proxySecretRef: { name: 'nobody' } }), expected);
  });

  for (const [name, address] of Object.entries({ none: '', socks: 'socks5://x', login: 'http://me:canary@x' })) {
    it(`is not taken from a Secret with a wrong address: ${name}`, async () => {
      await scene.secret(`wrong-${name}`, { address });
      const why = 'must hold the URL of a proxy, http:// or https://, without credentials, which are keys of their own';
      const message = `Secret ${scene.namespace}/wrong-${name} cannot be used: its key address ${why}`;
      const spec = { proxySecretRef: { name: `wrong-${name}` } };
      assert.deepEqual(await scene.reach(`wrong-${name}`, HOST, spec), both({ code: 'SecretInvalid', message }));
    });
  }
});

describe('a proxy of the environment', () => {
  const variables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  after(() => {
    for (const name of variables) Reflect.deleteProperty(process.env, name);
  });

  it('leads to every registry but those that are excluded', async () => {
    const named = proxy.origin.replace('//', '//me:p%40ss%20word@');
    Object.assign(process.env, { HTTP_PROXY: named, HTTPS_PROXY: named, NO_PROXY: '0.0.0.0' });
    assert.deepEqual(await scene.reach('all', HOST, { auth: { ...WITH_LOGIN, ...TLS } }), [null, '1.0.0']);
    const before = proxy.asked.length;
    const host = scene.releases.stack.registry.replace('127.0.0.1', '0.0.0.0');
    assert.deepEqual(await scene.reach('excluded', host, { auth: WITH_LOGIN, insecure: true }), [null, '1.0.0']);
    assert.equal(proxy.asked.length, before);
  });
});
