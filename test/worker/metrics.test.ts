import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { MeteredObject } from '../../activities/meter.ts';
import { createWorkerMetrics, type WorkerMetrics } from '../../worker/metrics/index.ts';
import type { EntityKind } from '../../workflows/contract.ts';
import { watched } from '../activities/watch/watched-object.ts';

let metrics: WorkerMetrics;
beforeEach(() => {
  metrics = createWorkerMetrics();
});

async function lines(pattern: RegExp): Promise<readonly string[]> {
  return (await metrics.render()).split('\n').filter((line) => !line.startsWith('#') && pattern.test(line));
}

const { shown } = watched('any');
const release = (name: string, more: Partial<MeteredObject['shown']> = {}): MeteredObject =>
  watched(name, { shown: { ...shown, ...more } });

function watching(objects: Partial<Record<EntityKind, readonly MeteredObject[]>>): void {
  metrics.meter.watching((kind) => objects[kind] ?? []);
}

describe('metrics of objects', () => {
  it('are what objects say at the moment of the scrape, and vanish with them', async () => {
    const objects = { HelmRelease: [release('app', { reason: 'ChartNotFound', chartFails: true })] };
    watching(objects);
    assert.deepEqual(await lines(/^holdfast_(resource_(ready|reason)|chart_pull_failing)/), [
      'holdfast_resource_ready{kind="HelmRelease",namespace="default",name="app"} 0',
      'holdfast_resource_reason{kind="HelmRelease",namespace="default",name="app",reason="ChartNotFound"} 1',
      'holdfast_chart_pull_failing{namespace="default",name="app"} 1',
    ]);
    objects.HelmRelease[0] = release('app', { ready: true, reason: 'InstallSucceeded' });
    assert.deepEqual(await lines(/^holdfast_(resource_(ready|reason)|chart_pull_failing)/), [
      'holdfast_resource_ready{kind="HelmRelease",namespace="default",name="app"} 1',
      'holdfast_resource_reason{kind="HelmRelease",namespace="default",name="app",reason="InstallSucceeded"} 1',
      'holdfast_chart_pull_failing{namespace="default",name="app"} 0',
    ]);
    objects.HelmRelease.pop();
    assert.deepEqual(await lines(/name="app"/), []);
  });

  it('are served by the worker that watches, and by no other', async () => {
    assert.deepEqual(await lines(/^holdfast_watching/), ['holdfast_watching 0']);
    watching({ GitRepository: [release('apps')] });
    assert.deepEqual(await lines(/^holdfast_watching/), ['holdfast_watching 1']);
    assert.equal((await lines(/kind="GitRepository"/)).length, 4);
    metrics.meter.watching(null);
    assert.deepEqual(await lines(/^holdfast_watching|kind="GitRepository"/), ['holdfast_watching 0']);
  });

  it('say of a repository what is known of it', async () => {
    const acr = release('acr', { syncedAt: 1_800_000_000, expiresAt: 1_900_000_000, expiring: true, charts: 3 });
    watching({ HelmRepository: [acr, release('quiet')] });
    assert.deepEqual(await lines(/name="acr"|repository="acr"|name="quiet"/), [
      ...['ready', 'reason', 'stalled', 'suspended'].flatMap((what) =>
        ['acr', 'quiet'].map((name) => {
          const reason = what === 'reason' ? ',reason="Pending"' : '';
          const value = what === 'reason' ? 1 : 0;
          return `holdfast_resource_${what}{kind="HelmRepository",namespace="default",name="${name}"${reason}} ${value}`;
        }),
      ),
      'holdfast_repository_last_sync_timestamp_seconds{namespace="default",name="acr"} 1800000000',
      'holdfast_credential_expiry_timestamp_seconds{namespace="default",name="acr"} 1900000000',
      'holdfast_credential_expiring{namespace="default",name="acr"} 1',
      'helm_repository_charts_discovered{repository="acr",namespace="default"} 3',
    ]);
  });

  it('say what a release holds', async () => {
    watching({ HelmRelease: [release('app', { release: { chart: 'web', version: '1.2.0', status: 'deployed' } })] });
    assert.deepEqual(await lines(/^helm_release_info/), [
      'helm_release_info{release="app",namespace="default",chart="web",version="1.2.0",status="deployed"} 1',
    ]);
  });
});

describe('metrics of work', () => {
  it('begin at 0, so that the first failure is an increase', async () => {
    const zeros = [
      'helm_release_operation_total{operation="upgrade",status="failed"} 0',
      'helm_release_operation_duration_seconds_count{operation="install"} 0',
      'helm_release_rollbacks_total{status="succeeded"} 0',
      'helm_repository_sync_total{type="oci",status="failed"} 0',
      'helm_operator_reconcile_total{controller="helmrepository",result="failed"} 0',
      'holdfast_chart_pull_total{status="failed"} 0',
    ];
    const all = await lines(/./);
    assert.deepEqual(
      zeros.filter((line) => !all.includes(line)),
      [],
    );
  });

  it('count attempts by action and outcome, and why some failed', async () => {
    const { ended } = metrics.sinks.attempts;
    const workflow = {} as Parameters<typeof ended.fn>[0]; // it is not looked at
    await ended.fn(workflow, { action: 'rollback', outcome: 'succeeded', failure: null, seconds: 7 });
    await ended.fn(workflow, { action: 'upgrade', outcome: 'failedAfterWrite', failure: 'WaitTimedOut', seconds: 70 });
    assert.deepEqual(await lines(/^helm_release_(operation_(total|errors_total|duration_seconds_sum)|roll).* [1-9]/), [
      'helm_release_operation_total{operation="upgrade",status="failed"} 1',
      'helm_release_operation_total{operation="rollback",status="succeeded"} 1',
      'helm_release_operation_duration_seconds_sum{operation="upgrade"} 70',
      'helm_release_operation_duration_seconds_sum{operation="rollback"} 7',
      'helm_release_operation_errors_total{operation="upgrade",error_type="WaitTimedOut"} 1',
      'helm_release_rollbacks_total{status="succeeded"} 1',
    ]);
  });

  it('count looks, repositories that were asked, and charts', async () => {
    const { meter } = metrics;
    meter.looked('GitRepository')({ seconds: 1, failure: 'GitUnreachable' });
    meter.repositoryAsked('helm', { seconds: 1, failure: null });
    meter.chartPulled({ seconds: 1, failure: 'ChartNotFound' });
    assert.deepEqual(await lines(/^(helm_|holdfast_chart).*_total.* [1-9]/), [
      'helm_repository_sync_total{type="helm",status="succeeded"} 1',
      'helm_operator_reconcile_total{controller="gitrepository",result="failed"} 1',
      'helm_operator_reconcile_errors_total{controller="gitrepository",error_type="GitUnreachable"} 1',
      'holdfast_chart_pull_total{status="failed"} 1',
      'holdfast_chart_pull_errors_total{error_type="ChartNotFound"} 1',
    ]);
  });
});
