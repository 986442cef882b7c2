import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { connectClient, readTemporalSettings } from '../../runtime/temporal.ts';
import { entityId, taskQueue, WORKFLOW_TYPES } from '../../workflows/contract.ts';
import { assertProblem, startApi, type RunningApi } from '../support/api.ts';
import { sharedStack, uniqueName } from '../support/harness.ts';

// What the API reads from Temporal's lists, and what it says when nobody works: no worker runs.

const cluster = uniqueName('api');
let api: RunningApi;
let client: Client;
let connection: Connection;

before(async () => {
  const { temporalAddress } = await sharedStack('temporal');
  ({ client, connection } = connectClient(readTemporalSettings({ HOLDFAST_TEMPORAL_ADDRESS: temporalAddress })));
  api = await startApi({
    HOLDFAST_CLUSTER: cluster,
    HOLDFAST_TEMPORAL_ADDRESS: temporalAddress,
    HOLDFAST_TEMPORAL_UI: 'http://ui.example.com',
  });
});
after(async () => {
  await api.stop();
  await connection.close();
});

describe('lists', () => {
  /** A workflow that no worker ever takes up: what the watcher starts, as visibility shows it. */
  const seed = async (kind: 'HelmRelease' | 'GitRepository', ref: [string, string], phase: string): Promise<void> => {
    const [namespace, name] = ref;
    const keyword = (key: string, value: string) => ({ key: defineSearchAttributeKey(key, 'KEYWORD'), value });
    await client.workflow.start(WORKFLOW_TYPES[kind === 'HelmRelease' ? 'helmRelease' : 'gitRepository'], {
      workflowId: entityId(cluster, kind, { namespace, name }),
      taskQueue: taskQueue(cluster),
      args: [{ cluster, ref: { namespace, name }, history: null, searchAttributes: true }],
      typedSearchAttributes: [
        keyword('HelmCluster', cluster),
        keyword('HelmNamespace', namespace),
        keyword('HelmRelease', name),
        keyword('HelmPhase', phase),
        keyword('HelmChart', 'app 1.2.0'),
        { key: defineSearchAttributeKey('HelmFailures', 'INT'), value: 2 },
        { key: defineSearchAttributeKey('HelmSuspended', 'BOOL'), value: false },
      ],
    });
  };
  const long = `${'l'.repeat(200)}.${'m'.repeat(40)}`;
  const seeded: readonly (readonly ['HelmRelease' | 'GitRepository', string, string, string])[] = [
    ['HelmRelease', 'shop', 'cart', 'Ready'],
    ['HelmRelease', 'shop', 'search', 'Failed'],
    ['HelmRelease', 'shop', long, 'Ready'],
    ['HelmRelease', 'shop-eu', 'cart', 'Ready'],
    ['GitRepository', 'shop', 'config', 'Ready'],
  ];
  before(async () => {
    for (const [kind, namespace, name, phase] of seeded) await seed(kind, [namespace, name], phase);
    // Visibility is written a moment later.
    const deadline = Date.now() + 10_000;
    while ((await names('/v1/helmreleases')).length < 4 && Date.now() < deadline) continue;
  });
  after(async () => {
    for (const [kind, namespace, name] of seeded) {
      await client.workflow.getHandle(entityId(cluster, kind, { namespace, name })).terminate();
    }
  });

  const items = async (path: string): Promise<readonly Record<string, unknown>[]> =>
    // the schema of the list
    (await api.call(`GET ${path}`)).body['items'] as Record<string, unknown>[];
  const names = async (path: string): Promise<readonly string[]> =>
    (await items(path)).map(({ namespace, name }) => `${String(namespace)}/${String(name)}`).sort();

  for (const { path, expected } of [
    { path: '/v1/helmreleases', expected: ['shop-eu/cart', 'shop/cart', `shop/${long}`, 'shop/search'] },
    { path: '/v1/helmreleases?namespace=shop', expected: ['shop/cart', `shop/${long}`, 'shop/search'] },
    { path: '/v1/helmreleases?phase=Failed', expected: ['shop/search'] },
    { path: '/v1/helmreleases?namespace=shop-eu&phase=Failed', expected: [] },
    { path: '/v1/gitrepositories', expected: ['shop/config'] },
    { path: '/v1/gitrepositories?namespace=none', expected: [] },
  ]) {
    it(path, async () => {
      assert.deepEqual(await names(path), expected);
    });
  }

  it('shows what visibility holds, with a link', async () => {
    const [item] = await items('/v1/helmreleases?phase=Failed');
    const { runId, url, ...workflow } = item?.['workflow'] as Record<string, unknown>;
    const id = entityId(cluster, 'HelmRelease', { namespace: 'shop', name: 'search' });
    assert.deepEqual(
      { ...item, workflow },
      {
        namespace: 'shop',
        name: 'search',
        phase: 'Failed',
        chart: 'app 1.2.0',
        sourceRevision: null,
        failures: 2,
        suspended: false,
        workflow: { id },
      },
    );
    assert.equal(
      url,
      `http://ui.example.com/namespaces/default/workflows/${encodeURIComponent(id)}/${String(runId)}/history`,
    );
  });

  it('pages', async () => {
    const seen: string[] = [];
    let next = '';
    for (let page = 0; page < 4; page += 1) {
      const { body } = await api.call(`GET /v1/helmreleases?limit=2${next === '' ? '' : `&cursor=${next}`}`);
      for (const { namespace, name } of body['items'] as Record<string, string>[]) seen.push(`${namespace}/${name}`);
      if (body['next'] === null) break;
      next = body['next'] as string; // or null, which was the end
    }
    assert.deepEqual(seen.sort(), ['shop-eu/cart', 'shop/cart', `shop/${long}`, 'shop/search']);
  });

  it('counts releases by phase for Prometheus', async () => {
    const { body } = await api.call('GET /metrics');
    const text = String(body['text']);
    assert.match(text, /^holdfast_releases\{phase="Ready"\} \d+$/m);
    assert.match(
      text,
      /^holdfast_api_request_seconds_count\{method="GET",route="\/v1\/helmreleases",status="200"\} \d+$/m,
    );
    assert.match(text, /^holdfast_api_temporal_call_seconds_count\{operation="list",result="ok"\} \d+$/m);
    assert.match(text, /^process_resident_memory_bytes \d+/m);
  });

  describe('without a worker', () => {
    it('answers 503, and says when to try again', async () => {
      const requests = ['GET /v1/helmreleases/shop/cart', 'POST /v1/helmreleases/shop/cart/suspend'];
      for (const reply of await Promise.all(requests.map((request) => api.call(request)))) {
        assertProblem(reply, 503, 'worker-unavailable');
        assert.equal(reply.headers.get('retry-after'), '5');
      }
    });

    it('is alive but not ready', async () => {
      const reply = await api.call('GET /readyz', { token: null });
      assert.equal(reply.status, 503);
      assert.deepEqual(reply.body, { status: 'not ready', temporal: true, worker: false });
    });
  });
});
