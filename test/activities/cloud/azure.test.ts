/** Tokens for Azure registries by the real SDK: metadata service and exchange are stand-ins, behind TLS and a proxy. */
import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { serveAzure, serveExchange } from '../../support/clouds.ts';
import { jwt } from '../../support/credentials.ts';
import { serveProxy } from '../../support/proxy.ts';
import { createAuthority, serveTls } from '../../support/tls.ts';
import { loginAt, setVariables } from './scene.ts';

const HOST = 'acme.azurecr.io';
const NOBODY = '00000000-0000-0000-0000-000000000000';

const entra = await serveAzure();
const exchange = await serveExchange(entra);
let proxy: string;

before(async () => {
  const authority = createAuthority();
  setDefaultCACertificates([...getCACertificates('default'), authority.ca]);
  const front = await serveTls(new URL(exchange.origin).host, authority.issue('server', `DNS:${HOST}`));
  proxy = (await serveProxy(() => front, null)).origin;
  const none = Object.fromEntries(
    Object.keys(process.env).flatMap((name) => (/^(AZURE|IDENTITY|MSI)_/.test(name) ? [[name, undefined]] : [])),
  );
  setVariables({ ...none, AZURE_POD_IDENTITY_AUTHORITY_HOST: entra.origin, AZURE_TOKEN_CREDENTIALS: 'prod' });
});
beforeEach(() => {
  entra.instead = null;
  exchange.instead = null;
});

describe('provider azure', () => {
  it('says that there is no identity, and how to have one', async () => {
    setVariables({ AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' });
    assert.deepEqual(await loginAt('azure', HOST, proxy), [
      'CloudIdentityMissing',
      `provider azure finds no identity of the worker for registry ${HOST}: CredentialUnavailable: there is none; set up Workload Identity for its pod, or give its machine a managed identity`,
    ]);
    setVariables({ AZURE_TOKEN_CREDENTIALS: 'prod' });
  });

  it('exchanges the token of the identity for one of the registry, which says itself when it ends', async () => {
    exchange.tokens.push(jwt({ expiresAt: Date.now() + 3 * 3_600_000 }));
    const [username, password] = (await loginAt('azure', HOST, proxy)) as string[];
    assert.equal(username, NOBODY);
    assert.equal(password, exchange.tokens.at(-1));
    const { url = '' } = entra.requests.find(({ url: asked }) => asked?.includes('oauth2/token')) ?? {};
    assert.equal(new URL(url, entra.origin).searchParams.get('resource'), 'https://containerregistry.azure.net');
    assert.deepEqual(
      exchange.requests.map(({ method, url: asked }) => `${method} ${asked}`),
      ['POST /oauth2/exchange'],
    );
  });

  it('says what the registry says, and what the identity needs', async () => {
    exchange.instead = {
      status: 401,
      body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
    };
    assert.deepEqual(await loginAt('azure', HOST, proxy), [
      'CloudRejected',
      `provider azure gives the worker no token for registry ${HOST}: {"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}; assign its identity the role AcrPull at that registry; docs/configuration.md says what the worker looks at`,
    ]);
  });

  it('follows no redirect with the token of the identity', async () => {
    exchange.instead = { status: 307, body: '', headers: { location: `https://${HOST}/elsewhere` } };
    const [code] = (await loginAt('azure', HOST, proxy)) as string[];
    assert.equal(code, 'CloudRejected');
    assert.ok(!exchange.requests.some(({ url }) => url === '/elsewhere'));
  });

  it('takes no other answer for a token, and repeats nothing of it', async () => {
    exchange.instead = { status: 200, body: jwt({ expiresAt: 0 }) };
    assert.deepEqual(await loginAt('azure', HOST, proxy), [
      'CloudRejected',
      `provider azure: ${HOST} answers without a token`,
    ]);
  });

  it('tries again when the registry has a fault, and when nobody answers', async () => {
    const away = `cannot reach provider azure for a token for registry ${HOST}: `;
    const way = '; check the way from the worker to it';
    exchange.instead = { status: 502, body: 'canary' };
    assert.deepEqual(await loginAt('azure', HOST, proxy), ['CloudUnreachable', `${away}it answers status 502${way}`]);
    const refused = 'connect ECONNREFUSED 127.0.0.1:1';
    assert.deepEqual(await loginAt('azure', HOST, 'http://127.0.0.1:1'), [
      'CloudUnreachable',
      `${away}${refused}${way}`,
    ]);
  });
});
