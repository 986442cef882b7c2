import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { addToken, removeToken } from '../../api/tokens.ts';
import { assertProblem, startApi, type RunningApi } from '../support/api.ts';
import { sharedStack, uniqueName } from '../support/harness.ts';

// What the API does by itself: no worker runs.

let api: RunningApi;
before(async () => {
  const { temporalAddress } = await sharedStack('temporal');
  api = await startApi({
    HOLDFAST_CLUSTER: uniqueName('api'),
    HOLDFAST_TEMPORAL_ADDRESS: temporalAddress,
    HOLDFAST_LOG_LEVEL: 'debug',
  });
});
after(async () => {
  await api.stop();
});

const SYNC = 'POST /v1/helmreleases/default/app/sync';
const ROLLBACK = 'POST /v1/helmreleases/default/app/rollback';
const ABANDON = 'POST /v1/helmreleases/default/app/abandon';

describe('who may do what', () => {
  const rows = [
    { name: 'no token', request: 'GET /v1/helmreleases', token: null, status: 401, kind: 'token-required' },
    { name: 'no token for metrics', request: 'GET /metrics', token: null, status: 401, kind: 'token-required' },
    { name: 'a wrong token', request: 'GET /v1/helmreleases', token: 'hf_no', status: 401, kind: 'token-rejected' },
    { name: 'nonsense', request: 'GET /v1/helmreleases', token: '"><', status: 401, kind: 'token-rejected' },
  ];
  for (const { name, request, token, status, kind } of rows) {
    it(`answers ${name} with ${status}`, async () => {
      const reply = await api.call(request, { token });
      assertProblem(reply, status, kind);
      assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer realm="holdfast"/);
    });
  }

  for (const request of [
    SYNC,
    'POST /v1/helmreleases/default/app/suspend',
    'POST /v1/helmreleases/default/app/resume',
    'POST /v1/helmreleases/default/app/rollback',
    'POST /v1/helmreleases/default/app/abandon',
    'POST /v1/gitrepositories/default/app/sync',
  ]) {
    it(`answers ${request} with 403 for a read token`, async () => {
      const reply = await api.call(request, { token: api.tokens.read });
      assertProblem(reply, 403, 'role-missing');
      assert.match(reply.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/);
      assert.match(String(reply.body['detail']), /"reader" may only read/);
    });
  }

  it('lets a read token read', async () => {
    for (const request of ['GET /v1/helmreleases', 'GET /v1/gitrepositories', 'GET /metrics']) {
      assert.equal((await api.call(request, { token: api.tokens.read })).status, 200, request);
    }
  });

  it('follows the tokens file without a restart', async () => {
    const token = addToken(api.tokensFile, 'late', 'read');
    assert.equal((await api.call('GET /v1/helmreleases', { token })).status, 200);
    removeToken(api.tokensFile, 'late');
    assertProblem(await api.call('GET /v1/helmreleases', { token }), 401, 'token-rejected');
  });

  it('is open where machines look', async () => {
    for (const request of ['GET /healthz', 'GET /readyz', 'GET /openapi.json']) {
      const { status } = await api.call(request, { token: null });
      assert.ok(status === 200 || status === 503, request);
    }
    assert.deepEqual((await api.call('GET /healthz', { token: null })).body, { status: 'ok' });
  });

  it('writes no token into its log', () => {
    for (const token of Object.values(api.tokens)) assert.equal(api.output().includes(token), false);
    assert.match(api.output(), /"route":"\/v1\/helmreleases"/);
  });
});

describe('what a request may say', () => {
  const rows = [
    { name: 'an unknown address', request: 'GET /v2/things', status: 404, kind: 'route-not-found' },
    { name: 'an unknown method', request: 'DELETE /v1/helmreleases', status: 404, kind: 'route-not-found' },
    {
      name: 'a namespace that is none',
      request: 'GET /v1/helmreleases/De_fault/app',
      status: 422,
      kind: 'request-invalid',
    },
    { name: 'a name that is none', request: "GET /v1/helmreleases/default/a'b", status: 422, kind: 'request-invalid' },
    { name: 'a slash in a name', request: 'GET /v1/helmreleases/default/a%2Fb', status: 422, kind: 'request-invalid' },
    {
      name: 'broken percent-encoding',
      request: 'GET /v1/helmreleases/default/%zz',
      status: 400,
      kind: 'malformed-request',
    },
    { name: 'an unknown phase', request: 'GET /v1/helmreleases?phase=Fine', status: 422, kind: 'request-invalid' },
    { name: 'an unknown filter', request: 'GET /v1/helmreleases?fase=Ready', status: 422, kind: 'request-invalid' },
    { name: 'a huge page', request: 'GET /v1/helmreleases?limit=5000', status: 422, kind: 'request-invalid' },
    { name: 'a made-up cursor', request: 'GET /v1/helmreleases?cursor=abcd', status: 422, kind: 'request-invalid' },
    { name: 'a long wait', request: `${SYNC}?wait=true&timeout=61s`, status: 422, kind: 'request-invalid' },
    { name: 'wait=1', request: `${SYNC}?wait=1`, status: 422, kind: 'request-invalid' },
    { name: 'an unknown field', request: SYNC, body: { reasn: 'x' }, status: 422, kind: 'request-invalid' },
    { name: 'a reason of many lines', request: SYNC, body: { reason: 'a\nb' }, status: 422, kind: 'request-invalid' },
    { name: 'a long reason', request: SYNC, body: { reason: 'x'.repeat(501) }, status: 422, kind: 'request-invalid' },
    { name: 'a body that is no object', request: SYNC, body: '[]', status: 422, kind: 'request-invalid' },
    { name: 'a rollback to nowhere', request: ROLLBACK, body: {}, status: 422, kind: 'request-invalid' },
    {
      name: 'a rollback to revision 0',
      request: ROLLBACK,
      body: { revision: 0 },
      status: 422,
      kind: 'request-invalid',
    },
    {
      name: 'a rollback to half a revision',
      request: ROLLBACK,
      body: { revision: 1.5 },
      status: 422,
      kind: 'request-invalid',
    },
    { name: 'an abandonment without a body', request: ABANDON, status: 422, kind: 'request-invalid' },
    {
      name: 'an abandonment without a reason',
      request: ABANDON,
      body: { reason: '' },
      status: 422,
      kind: 'request-invalid',
    },
    { name: 'broken JSON', request: SYNC, body: '{', status: 400, kind: 'malformed-request' },
    {
      name: 'a form',
      request: SYNC,
      body: 'reason=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      status: 415,
      kind: 'media-type-not-supported',
    },
    {
      name: 'an idempotency key with spaces',
      request: SYNC,
      headers: { 'idempotency-key': 'a b' },
      status: 422,
      kind: 'request-invalid',
    },
  ];
  for (const { name, request, body, headers = {}, status, kind } of rows) {
    it(`answers ${name} with ${status}`, async () => {
      assertProblem(await api.call(request, { body, headers }), status, kind);
    });
  }

  it('answers 60 MB without keeping them, and goes on', async () => {
    const reply = await api.call(SYNC, { body: { reason: 'x'.repeat(60_000_000) } });
    assertProblem(reply, 413, 'body-too-large');
    assert.equal(reply.body['detail'], 'the body is larger than 65536 bytes');
    assert.equal((await api.call('GET /healthz')).status, 200);
  });

  it('names every wrong part', async () => {
    const { body } = await api.call('GET /v1/helmreleases?phase=Fine&limit=0');
    assert.deepEqual(body['errors'], [
      {
        field: 'query.phase',
        message:
          'expected one of Pending, Installing, Upgrading, RollingBack, Waiting, Testing, Ready, Failed, Stalled, Suspended, Uninstalling',
      },
      { field: 'query.limit', message: 'expected a whole number from 1 to 1000' },
    ]);
    assert.equal(body['instance'], '/v1/helmreleases');
  });
});

describe('what is not there', () => {
  for (const request of [
    'GET /v1/helmreleases/default/none',
    'POST /v1/helmreleases/default/none/sync',
    'POST /v1/helmreleases/default/none/sync?source=false',
    'POST /v1/helmreleases/default/none/suspend',
    'POST /v1/gitrepositories/default/none/sync',
    'GET /v1/helmreleases/default/none/requests/a',
    `GET /v1/helmreleases/default/${'n'.repeat(63)}.${'n'.repeat(63)}.${'n'.repeat(63)}`,
  ]) {
    it(`${request} is 404 and says where to look`, async () => {
      const reply = await api.call(request);
      assertProblem(reply, 404, 'object-not-found');
      assert.match(String(reply.body['detail']), /look with: kubectl -n default get (helmreleases|gitrepositories) n/);
    });
  }
});
