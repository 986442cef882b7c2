import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { assertProblem, startApi } from '../support/api.ts';
import { temporaryFolder } from '../support/harness.ts';

// How the process starts and ends. Nothing listens on port 9.

const run = promisify(execFile);

describe('without Temporal', () => {
  it('starts, says so, and stops', async () => {
    const lonely = await startApi({ HOLDFAST_TEMPORAL_ADDRESS: '127.0.0.1:9' });
    try {
      assertProblem(await lonely.call('GET /v1/helmreleases'), 503, 'temporal-unavailable');
      assert.deepEqual((await lonely.call('GET /readyz')).body, {
        status: 'not ready',
        temporal: false,
        worker: false,
      });
      assert.equal((await lonely.call('GET /healthz')).status, 200);
      const metrics = await lonely.call('GET /metrics');
      assert.equal(metrics.status, 200);
      assert.doesNotMatch(String(metrics.body['text']), /^holdfast_releases\{/m);
      const again = await lonely.call('GET /metrics');
      assert.match(String(again.body['text']), /^holdfast_releases_scrape_errors_total [1-9]/m);
    } finally {
      assert.equal(await lonely.stop(), 0);
    }
  });
});

describe('a broken tokens file', () => {
  it('lets nobody in, and everybody again when it is mended', async () => {
    const api = await startApi({ HOLDFAST_TEMPORAL_ADDRESS: '127.0.0.1:9' });
    try {
      const whole = readFileSync(api.tokensFile);
      writeFileSync(api.tokensFile, '{');
      assertProblem(await api.call('GET /metrics'), 503, 'tokens-unavailable');
      writeFileSync(api.tokensFile, whole);
      assert.equal((await api.call('GET /metrics')).status, 200);
      assert.match(api.output(), /not a tokens file/);
    } finally {
      await api.stop();
    }
  });
});

describe('beyond loopback', () => {
  it('refuses to start in the clear', async () => {
    await assert.rejects(
      startApi({ HOLDFAST_API_HOST: '0.0.0.0' }),
      /beyond loopback tokens must not travel in the clear/,
    );
  });

  it('speaks TLS with the files it is given', async () => {
    const folder = temporaryFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    await run('openssl', [...request, '-keyout', key, '-out', cert, ...subject]);
    const secure = await startApi({
      HOLDFAST_API_HOST: '0.0.0.0',
      HOLDFAST_API_TLS_CERT_FILE: cert,
      HOLDFAST_API_TLS_KEY_FILE: key,
    });
    try {
      const url = secure.url.replace('0.0.0.0', '127.0.0.1');
      const get = `fetch('${url}/healthz').then((r) => r.text()).then((t) => process.stdout.write(t))`;
      const { stdout } = await run(process.execPath, ['-e', get], { env: { NODE_EXTRA_CA_CERTS: cert } });
      assert.equal(stdout, '{"status":"ok"}');
    } finally {
      await secure.stop();
    }
  });
});

describe('a stop', () => {
  it('ends connections that say nothing and answers exit code 0', async () => {
    const stopping = await startApi({ HOLDFAST_TEMPORAL_ADDRESS: '127.0.0.1:9' });
    const socket = connect(Number(new URL(stopping.url).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    assert.equal(await stopping.stop(), 0);
    socket.destroy();
    assert.match(stopping.output(), /"signal":"SIGTERM","msg":"API stopped"/);
  });
});
