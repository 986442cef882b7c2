import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { checkReadiness, type Wanted } from '../../../activities/kube/readiness.ts';
import type { Manifest } from '../../../activities/ports.ts';
import { uniqueName } from '../../support/harness.ts';
import { type TestCluster, useCluster } from './cluster.ts';

describe('checkReadiness', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await useCluster();
  });
  after(() => cluster.release());

  async function setStatus(manifest: Manifest, status: object): Promise<void> {
    const resource = await cluster.kube.resource(manifest.apiVersion, manifest.kind);
    await cluster.kube.request({
      method: 'PATCH',
      path: `${resource?.path(manifest.metadata) ?? ''}/status`,
      contentType: 'application/merge-patch+json',
      body: { status },
    });
  }

  /** A Job that no controller acts on, so that a test alone says how it is. */
  async function job(status: object): Promise<{ wanted: Wanted; labels: Record<string, string> }> {
    const name = uniqueName('job');
    const manifest = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { namespace: cluster.namespace, name },
      spec: {
        managedBy: 'example.com/nobody',
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'web', image: 'web' }] } },
      },
    };
    const applied = await cluster.apply<Manifest & { spec: { selector: { matchLabels: Record<string, string> } } }>(
      manifest,
    );
    await setStatus(manifest, status);
    const wanted = { apiVersion: 'batch/v1', kind: 'Job', namespace: cluster.namespace, name };
    return { wanted, labels: applied.spec.selector.matchLabels };
  }

  async function pod(labels: Record<string, string>, status: object): Promise<string> {
    const name = uniqueName('pod');
    const manifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: cluster.namespace, name, labels },
      // A scheduler of another name, so that nobody takes it.
      spec: {
        schedulerName: 'nobody',
        automountServiceAccountToken: false,
        containers: [{ name: 'web', image: 'web' }],
      },
    };
    await cluster.kube.request({
      method: 'POST',
      path: `/api/v1/namespaces/${cluster.namespace}/pods`,
      body: manifest,
    });
    await setStatus(manifest, status);
    return name;
  }

  const check = (...wanted: Wanted[]) => checkReadiness(cluster.kube, wanted, { waitForJobs: true });

  before(() =>
    // Pods want it; without a controller manager nobody makes it.
    cluster.apply({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: cluster.namespace, name: 'default' },
    }),
  );

  it('names what is missing, and not what is always ready', async () => {
    const missing = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: cluster.namespace, name: 'missing' };
    const config = { apiVersion: 'v1', kind: 'ConfigMap', namespace: cluster.namespace, name: 'missing' };
    const unknown = { apiVersion: 'example.com/v1', kind: 'Ship', namespace: null, name: 'titanic' };
    assert.deepEqual(await check(missing, config, unknown), [
      { object: `Deployment ${cluster.namespace}/missing`, reason: 'is missing' },
      { object: 'Ship titanic', reason: 'is missing' },
    ]);
  });

  it('names the trouble of the pods of a workload', async () => {
    const [image, unscheduled, silent] = await Promise.all([
      job({ active: 1 }),
      job({ active: 1 }),
      job({ active: 1 }),
    ]);
    const [pulling, pending] = await Promise.all([
      pod(image.labels, {
        phase: 'Pending',
        containerStatuses: [
          {
            name: 'web',
            image: 'web',
            imageID: '',
            ready: false,
            restartCount: 0,
            state: { waiting: { reason: 'ImagePullBackOff', message: 'canary' } },
          },
        ],
      }),
      pod(unscheduled.labels, {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' },
        ],
      }),
    ]);
    const found = await check(image.wanted, unscheduled.wanted, silent.wanted);
    assert.deepEqual(
      found.map(({ object }) => object),
      [image, unscheduled, silent].map(({ wanted }) => `Job ${cluster.namespace}/${wanted.name}`),
    );
    assert.ok(found[0]?.reason.endsWith(`pod ${pulling} has container web in ImagePullBackOff`), found[0]?.reason);
    assert.match(found[1]?.reason ?? '', new RegExp(`pod ${pending} .*(Unschedulable|0/1 nodes are available)`));
    assert.ok(!JSON.stringify(found).includes('canary'));
  });

  it('is silent when all are ready', async () => {
    const now = '2026-01-02T03:04:05Z';
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: now,
    }));
    const done = await job({ startTime: now, completionTime: now, succeeded: 1, conditions });
    assert.deepEqual(await check(done.wanted), []);
    const running = await job({ active: 1 });
    assert.deepEqual(await checkReadiness(cluster.kube, [running.wanted], { waitForJobs: false }), []);
  });
});
