/** What the real oras says of registries that refuse, break off or are silent, and whether they are left alone. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { HoldfastError } from '../../../activities/failures.ts';
import { createHostGates } from '../../../activities/http/host-gates.ts';
import { PLAIN_TRANSPORT } from '../../../activities/http/transport.ts';
import { parseOciName } from '../../../activities/oci/name.ts';
import { createOras, type ChartRequest, type Oras } from '../../../activities/oci/oras.ts';
import { temporaryFolder, toolsFolder } from '../../support/harness.ts';
import { serveWeb, type Web } from '../../support/web.ts';

let oras: Oras;

before(async () => {
  const file = join(await toolsFolder(), 'oras');
  oras = createOras({ oras: file, tmp: temporaryFolder(), plainHttp: [], gates: createHostGates() });
});

const ask = ({ origin }: Web, transport = PLAIN_TRANSPORT): ChartRequest => ({
  name: parseOciName(`oci://${new URL(origin).host}/charts/app`),
  chart: 'app',
  version: '1.2.0',
  transport,
});

describe('a registry that does not want to answer', { concurrency: 4 }, () => {
  const CASES: readonly {
    readonly name: string;
    readonly answer: (response: ServerResponse) => void;
    readonly code: string;
    readonly message: RegExp;
    /** Whether it wants to be left alone, and is. */
    readonly leftAlone: boolean;
  }[] = [
    {
      name: '429 with seconds',
      answer: (response) => response.writeHead(429, { 'retry-after': '600' }).end(),
      code: 'RateLimited',
      message: /answers "too many requests"; with credentials its limit may be higher$/,
      leftAlone: true,
    },
    {
      name: '429 with a duration in its sentence, as GHCR says it',
      answer: (response) => {
        const message = 'retry-after: 10m0.5s, allowed: 44000/minute';
        response.writeHead(429, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message }] }));
      },
      code: 'RateLimited',
      message: /answers "too many requests"/,
      leftAlone: true,
    },
    {
      name: '429 that says nothing of time',
      answer: (response) => response.writeHead(429).end(),
      code: 'RateLimited',
      message: /answers "too many requests"/,
      leftAlone: false,
    },
    {
      name: '503 with a date',
      answer: (response) =>
        response.writeHead(503, { 'retry-after': new Date(Date.now() + 600_000).toUTCString() }).end('busy'),
      code: 'RegistryUnreachable',
      message: /: it answers with a server error$/,
      leftAlone: true,
    },
    {
      name: '403',
      answer: (response) => response.writeHead(403, { 'retry-after': '600' }).end(),
      code: 'AuthRequired',
      message: /wants credentials for chart app 1\.2\.0/,
      leftAlone: false,
    },
    {
      name: '404',
      answer: (response) => response.writeHead(404, { 'retry-after': '600' }).end(),
      code: 'ChartNotFound',
      message: /^chart app 1\.2\.0 is not at /,
      leftAlone: false,
    },
    {
      name: 'half an answer',
      answer: (response) => {
        response.writeHead(200, {
          'content-type': 'application/vnd.oci.image.manifest.v1+json',
          'content-length': 100,
        });
        response.write('{"schemaVersion":2', () => response.destroy());
      },
      code: 'RegistryUnreachable',
      message: /: it closed the connection$/,
      leftAlone: false,
    },
  ];
  for (const { name, answer, code, message, leftAlone } of CASES) {
    it(`says ${name}`, async () => {
      const web = await serveWeb((_request, response) => {
        answer(response);
      });
      const request = ask(web);
      const failed = async (): Promise<unknown> => oras.announce(request).catch((error: unknown) => error);
      const first = await failed();
      assert.ok(first instanceof HoldfastError);
      assert.deepEqual([first.code, first.retryAfterMs !== null], [code, leftAlone], first.message);
      assert.match(first.message, message);
      if (first.retryAfterMs !== null) assert.ok(first.retryAfterMs > 300_000, String(first.retryAfterMs));
      const before = web.requests.length;
      const second = await failed();
      assert.ok(second instanceof HoldfastError);
      assert.deepEqual([second.code, second.message], [code, first.message]);
      assert.equal(web.requests.length > before, !leftAlone, 'asked again');
    });
  }

  it('is silent, and is given up on in the time of its HelmRepository', async () => {
    const web = await serveWeb(() => undefined);
    await assert.rejects(oras.announce(ask(web, { ...PLAIN_TRANSPORT, timeoutMs: 300 })), {
      code: 'RegistryUnreachable',
      message: `cannot reach registry ${new URL(web.origin).host}: no answer within 0.3 s`,
    });
  });
});
