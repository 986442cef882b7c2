import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readChartArchive } from '../../../activities/charts/archive.ts';
import { createHostGates } from '../../../activities/http/host-gates.ts';
import { PLAIN_TRANSPORT, type Login, type Transport } from '../../../activities/http/transport.ts';
import { parseOciName } from '../../../activities/oci/name.ts';
import { createOras, type ChartRequest, type Oras } from '../../../activities/oci/oras.ts';
import { pingRegistry } from '../../../activities/oci/ping.ts';
import { sharedStack, temporaryFolder, uniqueName, type SharedStack } from '../../support/harness.ts';

let stack: SharedStack;
let tmp: string;
let oras: Oras;
let login: Login;
let transport: Transport;
/** Folder of charts in the registry, ours alone. */
let folder: string;
const servers: Server[] = [];

before(async () => {
  stack = await sharedStack('registry');
  tmp = temporaryFolder();
  folder = uniqueName('oras-test');
  oras = createOras({ oras: join(stack.bin, 'oras'), tmp, plainHttp: [], gates: createHostGates() });
  login = { username: stack.registryLogin.user, password: stack.registryLogin.password, secret: 'default/acr-auth' };
  transport = { ...PLAIN_TRANSPORT, login };
  pushCharts('1.2.0', '1.3.0+build.1');
});

after(() => {
  for (const server of servers) server.close().closeAllConnections();
});

function pushCharts(...versions: readonly string[]): void {
  const work = temporaryFolder();
  const env = { PATH: process.env['PATH'] ?? '', HOME: work };
  const helm = (...args: readonly string[]): string =>
    execFileSync(join(stack.bin, 'helm'), args, {
      cwd: work,
      env,
      input: login.password,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  helm('registry', 'login', stack.registry, '-u', login.username, '--password-stdin', '--plain-http');
  helm('create', 'app');
  for (const version of versions) {
    helm('package', 'app', '--version', version);
    helm('push', `app-${version}.tgz`, `oci://${stack.registry}/${folder}`, '--plain-http');
  }
}

const ask = (more: Partial<ChartRequest> & { host?: string } = {}): ChartRequest => ({
  name: parseOciName(`oci://${more.host ?? stack.registry}/${folder}/app`),
  chart: 'app',
  version: '1.2.0',
  transport,
  ...more,
});

/** Serve with one function, on a port of its own. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Passes everything on to the registry, and lets `alter` change bodies. */
function forwarder(alter: (path: string, body: Buffer) => Buffer): Promise<string> {
  return serve((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    const forwarded = request(
      { host: '127.0.0.1', port: stack.registry.split(':')[1], method, path: url, headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          outgoing.end(alter(url, Buffer.concat(chunks)));
        });
      },
    );
    forwarded.end();
  });
}

describe('a chart in a private registry', () => {
  it('is announced by digest and fetched by it', async () => {
    const announced = await oras.announce(ask());
    assert.match(announced.manifestDigest, /^sha256:[0-9a-f]{64}$/);
    const archive = await oras.fetchLayer(ask(), announced.layer);
    assert.equal((await readChartArchive(archive, { name: 'app', version: '1.2.0' })).version, '1.2.0');
  });

  it('is found by a version with build metadata', async () => {
    const { layer } = await oras.announce(ask({ version: '1.3.0+build.1' }));
    const archive = await oras.fetchLayer(ask({ version: '1.3.0+build.1' }), layer);
    assert.equal((await readChartArchive(archive, { name: 'app', version: '1.3.0+build.1' })).version, '1.3.0+build.1');
  });

  it('needs credentials', () =>
    assert.rejects(oras.announce(ask({ transport: PLAIN_TRANSPORT })), { code: 'AuthRequired' }));

  it('names the Secret whose credentials were rejected', () =>
    assert.rejects(oras.announce(ask({ transport: { ...PLAIN_TRANSPORT, login: { ...login, password: 'wrong' } } })), {
      code: 'AuthRejected',
      message: /Secret default\/acr-auth/,
    }));

  it('that is not there is named', () =>
    assert.rejects(oras.announce(ask({ version: '9.9.9' })), {
      code: 'ChartNotFound',
      message: /^chart app 9\.9\.9 is not at/,
    }));

  it('tells all of its tags', async () => {
    assert.deepEqual((await oras.listTags(ask({ version: '' }))).toSorted(), ['1.2.0', '1.3.0_build.1']);
  });

  it('can be taken by its digest', async () => {
    const { manifestDigest, layer } = await oras.announce(ask());
    const pinned = await oras.announce(ask({ version: '9.9.9', digest: manifestDigest }));
    assert.deepEqual(pinned, { manifestDigest, layer });
  });

  it('leaves no login behind', async () => {
    await oras.announce(ask());
    assert.deepEqual(readdirSync(tmp), []);
  });
});

describe('a registry that is not to be trusted', () => {
  const flip = (body: Buffer): Buffer => {
    const changed = Buffer.from(body);
    changed[body.length - 9] = (changed[body.length - 9] ?? 0) === 1 ? 2 : 1;
    return changed;
  };

  it('cannot slip in another archive of the same size', async () => {
    const host = await forwarder((path, body) => (path.includes('/blobs/') ? flip(body) : body));
    const { layer } = await oras.announce(ask({ host }));
    await assert.rejects(oras.fetchLayer(ask({ host }), layer), {
      code: 'DigestMismatch',
      message: /chart app 1\.2\.0/,
    });
  });

  it('cannot send a manifest that is another than it says', async () => {
    const host = await forwarder((path, body) => (path.includes('/manifests/') && body.length > 0 ? flip(body) : body));
    await assert.rejects(oras.announce(ask({ host })), { code: 'DigestMismatch' });
  });
});

describe('a registry with many tags', () => {
  const PAGE = 1000;
  /** Pages of tags, with a link from each to the next as the specification has it. */
  const paged = (total: number): Promise<string> =>
    serve((incoming, outgoing) => {
      const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://x');
      const from = Number(searchParams.get('last') ?? 0);
      const tags = Array.from({ length: Math.min(PAGE, total - from) }, (_, i) => `1.0.${from + i}`);
      if (from + PAGE < total) outgoing.setHeader('link', `<${pathname}?n=${PAGE}&last=${from + PAGE}>; rel="next"`);
      outgoing.setHeader('content-type', 'application/json').end(JSON.stringify({ name: `${folder}/app`, tags }));
    });

  it('is read to its last page', async () => {
    const tags = await oras.listTags(ask({ host: await paged(4_321), transport: PLAIN_TRANSPORT, version: '' }));
    assert.equal(tags.length, 4_321);
    assert.equal(tags.at(-1), '1.0.4320');
  });

  it('is not read without end', async () => {
    const host = await paged(2_000_000);
    await assert.rejects(oras.listTags(ask({ host, transport: PLAIN_TRANSPORT, version: '' })), {
      code: 'ChartInvalid',
      message: /tags of more than 4194304 bytes, too many/,
    });
  });
});

describe('a login', () => {
  const check = (as: Login): Promise<void> =>
    oras.checkLogin({ host: stack.registry, transport: { ...PLAIN_TRANSPORT, login: as }, timeoutMs: 30_000 });
  it('is accepted', () => check(login));
  it('is rejected by name', () =>
    assert.rejects(check({ ...login, password: 'x' }), {
      code: 'AuthRejected',
      message: /Secret default\/acr-auth/,
    }));
});

describe('pingRegistry', () => {
  const ping = (host: string): Promise<void> =>
    pingRegistry({ host, transport: PLAIN_TRANSPORT, plainHttp: [], gates: createHostGates(), timeoutMs: 30_000 });
  const answering = (status: number, headers: Record<string, string> = {}): Promise<string> =>
    serve((_request, response) => {
      response.writeHead(status, headers).end();
    });

  it('is content with 200', async () => ping(await answering(200)));
  it('is content with an offer of tokens', async () =>
    ping(await answering(401, { 'www-authenticate': 'Bearer realm="https://auth.example/token",service="x"' })));
  it('needs credentials where Basic is asked for', () =>
    assert.rejects(ping(stack.registry), { code: 'AuthRequired', message: /name a Secret/ }));
  it('sees that it is no registry', async () =>
    assert.rejects(ping(await answering(404)), { code: 'RegistryUnreachable', message: /is no OCI registry/ }));
  it('sees a limit', async () => assert.rejects(ping(await answering(429)), { code: 'RateLimited' }));
  it('sees that nobody listens', () =>
    assert.rejects(ping('127.0.0.1:1'), { code: 'RegistryUnreachable', message: /connection refused/ }));
  it('leaves a registry alone that wants it', async () => {
    let asked = 0;
    const host = await serve((_request, response) => {
      asked += 1;
      response.writeHead(503, { 'retry-after': '600' }).end();
    });
    const options = { host, transport: PLAIN_TRANSPORT, plainHttp: [], gates: createHostGates(), timeoutMs: 30_000 };
    await assert.rejects(pingRegistry(options), { code: 'RegistryUnreachable', retryAfterMs: 600_000 });
    await assert.rejects(pingRegistry(options), { code: 'RegistryUnreachable' });
    assert.equal(asked, 1);
  });
  it('gives up on silence', async () => {
    const host = await serve(() => undefined);
    await assert.rejects(
      pingRegistry({ host, transport: PLAIN_TRANSPORT, plainHttp: [], gates: createHostGates(), timeoutMs: 200 }),
      {
        code: 'RegistryUnreachable',
        message: /no answer within 0\.2 s/,
      },
    );
  });
});
