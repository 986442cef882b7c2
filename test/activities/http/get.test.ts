import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isRefusedAddress } from '../../../activities/http/addresses.ts';
import { get, type GetRequest } from '../../../activities/http/get.ts';
import { PLAIN_TRANSPORT, type Login } from '../../../activities/http/transport.ts';
import { basicAuth, serveWeb } from '../../support/web.ts';

const login: Login = { username: 'reader', password: 'canary:pass', secret: 'apps/charts-login' };

const ask = (url: string, more: Partial<GetRequest> = {}): Promise<string | null> => {
  const request: GetRequest = {
    url: new URL(url),
    transport: { ...PLAIN_TRANSPORT, login },
    loginFor: new URL(url).origin,
    what: 'the index of the test',
    absent: 'IndexInvalid',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    ...more,
  };
  return get(request, ({ status, body }) => (status === 304 ? Promise.resolve(null) : text(body)));
};

const redirectTo =
  (location: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(302, { location }).end();
const status =
  (code: number): RequestListener =>
  (_request, response) =>
    void response.writeHead(code).end('canary body');

describe('get', () => {
  it('sends the credentials where they belong, also after a redirect there', async () => {
    const web = await serveWeb((request, response) => {
      if (request.url === '/a') response.writeHead(301, { location: '/b' }).end();
      else response.end('here');
    });
    assert.equal(await ask(`${web.origin}/a`), 'here');
    assert.deepEqual(
      web.requests.map(({ url, headers }) => [url, headers.authorization]),
      [
        ['/a', basicAuth(login)],
        ['/b', basicAuth(login)],
      ],
    );
  });

  it('keeps them from another port, which is another origin', async () => {
    const other = await serveWeb((_request, response) => response.end('elsewhere'));
    const web = await serveWeb(redirectTo(`${other.origin}/x`));
    assert.equal(await ask(`${web.origin}/a`), 'elsewhere');
    assert.deepEqual(
      other.requests.map(({ url, headers }) => [url, headers.authorization, headers.cookie]),
      [['/x', undefined, undefined]],
    );
  });

  it('says of another host that it did not get them', async () => {
    const other = await serveWeb(status(401));
    const web = await serveWeb(redirectTo(`${other.origin}/x`));
    const { host } = new URL(other.origin);
    await assert.rejects(ask(web.origin), {
      code: 'AuthRequired',
      message: `${host} wants credentials for the index of the test; those of Secret apps/charts-login were not sent, because it is another host than the repository's`,
    });
  });

  it('unzips, and does not on a condition that still holds', async () => {
    const web = await serveWeb((request, response) => {
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('zipped'));
    });
    assert.equal(await ask(web.origin), 'zipped');
    assert.equal(await ask(web.origin, { headers: { 'if-none-match': '"1"' } }), null);
    assert.deepEqual(
      web.requests.map(({ headers }) => headers['accept-encoding']),
      ['gzip', 'gzip'],
    );
  });

  for (const [code, expected, message] of [
    [401, 'AuthRejected', /rejected the credentials of Secret apps\/charts-login for the index of the test/],
    [403, 'AuthRejected', /rejected the credentials/],
    [404, 'IndexInvalid', /does not have the index of the test$/],
    [429, 'RateLimited', /answers "too many requests" to the request for the index of the test$/],
    [503, 'RegistryUnreachable', /answers status 503/],
    [206, 'RegistryUnreachable', /answers status 206/],
  ] as const) {
    it(`makes ${expected} of status ${code}, without a word of the body or the credentials`, async () => {
      const web = await serveWeb(status(code));
      await assert.rejects(ask(web.origin), (error: Error & { code?: string }) => {
        assert.equal(error.code, expected);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /canary|reader/);
        return true;
      });
    });
  }

  for (const [code, retryAfter, expected] of [
    [429, '120', 120_000],
    [503, '90s', 90_000],
    [429, 'soon', null],
    [429, undefined, null],
    [403, '120', null],
  ] as const) {
    it(`leaves a server alone that answers ${code} with Retry-After ${retryAfter ?? 'missing'}`, async () => {
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      const web = await serveWeb((_request, response) => void response.writeHead(code, headers).end());
      await assert.rejects(ask(web.origin), { retryAfterMs: expected });
    });
  }

  it('asks for credentials where there are none', async () => {
    const web = await serveWeb(status(401));
    await assert.rejects(ask(web.origin, { transport: PLAIN_TRANSPORT }), {
      code: 'AuthRequired',
      message: /name a Secret in auth\.basic\.secretRef of a HelmRepository whose url leads there$/,
    });
  });

  it('follows no redirect without end, none out of the web, and none to a metadata service', async () => {
    const web = await serveWeb((request, response) => {
      redirectTo(request.url ?? '')(request, response);
    });
    await assert.rejects(ask(web.origin), { code: 'RegistryUnreachable', message: /more than 5 redirects$/ });
    assert.equal(web.requests.length, 6);
    const file = await serveWeb(redirectTo('file:///etc/passwd'));
    await assert.rejects(ask(file.origin), { code: 'RegistryUnreachable', message: /no address of the web$/ });
    const metadata = await serveWeb(redirectTo('http://169.254.169.254/latest/meta-data/'));
    await assert.rejects(ask(metadata.origin), {
      code: 'RegistryUnreachable',
      message: 'the index of the test would be asked for at 169.254.169.254, where no charts lie',
    });
  });

  it('does not take half an answer for one', async () => {
    const web = await serveWeb((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.destroy());
    });
    await assert.rejects(ask(web.origin), { code: 'RegistryUnreachable', message: /: it closed the connection$/ });
  });

  it('says who refuses a connection', async () => {
    await assert.rejects(ask('http://127.0.0.1:1/index.yaml'), {
      code: 'RegistryUnreachable',
      message: 'cannot reach 127.0.0.1:1: connection refused',
    });
  });

  it('gives up in time, also in the middle of an answer', async () => {
    const web = await serveWeb((_request, response) => void response.writeHead(200).write('and then nothing'));
    await assert.rejects(ask(web.origin, { timeoutMs: 300 }), {
      code: 'RegistryUnreachable',
      message: /: no answer for the index of the test within 0\.3 s$/,
    });
  });

  it('ends at once when it is told so, with the reason that was given', async () => {
    const told = new AbortController();
    const web = await serveWeb((_request, response) => {
      response.writeHead(200).write('x');
      told.abort(new RangeError('enough'));
    });
    await assert.rejects(ask(web.origin, { signal: told.signal }), { name: 'RangeError', message: 'enough' });
  });
});

describe('isRefusedAddress', () => {
  for (const host of ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', '[::ffff:169.254.169.254]', '100.100.100.200'])
    it(`refuses ${host}`, () => {
      assert.equal(isRefusedAddress(host), true);
    });
  for (const host of ['127.0.0.1', '10.0.0.1', '[::1]', 'charts.example.com', '169.253.1.1'])
    it(`lets ${host} through`, () => {
      assert.equal(isRefusedAddress(host), false);
    });
});
