/** Releases that are abandoned: the object goes, the release stays, whatever stands in the way of an uninstall. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { entityId } from '../../workflows/contract.ts';
import { startApi, type Body, type RunningApi } from '../support/api.ts';
import { pushChart } from '../support/chart.ts';
import { FAREWELL } from '../support/farewell-hook.ts';
import { until } from '../support/harness.ts';
import { askedOf } from '../support/histories.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  reasonIs,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';

let holdfast: Holdfast;
let api: RunningApi;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, {
    name: 'app',
    version: '1.0.0',
    files: { 'templates/farewell.yaml': FAREWELL },
  });
  api = await startApi({
    HOLDFAST_CLUSTER: holdfast.cluster,
    HOLDFAST_TEMPORAL_ADDRESS: holdfast.stack.temporalAddress,
  });
});
after(() => api.stop());

const seen = (ns: string, wanted: (live: Live) => boolean) => eventually(holdfast, ['helmrelease', ns, 'app'], wanted);

async function declared(ns: string, spec: Readonly<Record<string, unknown>>, metadata: object = {}): Promise<string> {
  await namespaceWithRegistry(holdfast, ns);
  const release = helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec);
  await holdfast.apply({ ...release, metadata: { name: 'app', namespace: ns, ...metadata } });
  return ns;
}

async function installed(ns: string, spec: Readonly<Record<string, unknown>> = {}, metadata = {}): Promise<string> {
  await declared(ns, spec, metadata);
  await seen(ns, isReady);
  return ns;
}

const remove = (ns: string) => holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--wait=false']);
const gone = (ns: string) => holdfast.kubectl(['wait', 'helmrelease/app', '-n', ns, '--for=delete', '--timeout=100s']);

/** As docs/failures.md says. */
async function annotate(ns: string, why: string): Promise<void> {
  const { uid } = (await holdfast.get('helmrelease', ns, 'app')).metadata;
  await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, `holdfast.dev/abandon=${uid} ${why}`]);
}

async function assertStays(ns: string, status: string): Promise<void> {
  assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), [{ revision: 1, status }]);
  const left = await holdfast.kubectl(['get', 'configmap/app', 'deployment/app', '-n', ns, '-o', 'name']);
  assert.deepEqual(left.trim().split('\n'), ['configmap/app', 'deployment.apps/app']);
}

const eventsOf = (ns: string) =>
  holdfast.kubectl(['get', 'events', '-n', ns, '-o', 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}']);

const idOf = (ns: string) => entityId(holdfast.cluster, 'HelmRelease', { namespace: ns, name: 'app' });

describe('an abandoned release', { concurrency: 4 }, () => {
  it('by the API: ends an uninstall that is stuck in its hook, and tells who wanted that', async () => {
    const ns = await installed('stuck', { values: 'farewell: { job: farewell, holdfast.dev/test-ready: never }\n' });
    await remove(ns);
    await until(
      () => holdfast.kubectl(['get', 'pods', '-n', ns, '-l', 'job=farewell', '-o', 'name']),
      (names) => names !== '',
      'the pod of the hook',
    );
    const body = { reason: 'another cluster takes over' };
    const reply = await api.call(`POST /v1/helmreleases/${ns}/app/abandon?wait=true`, { body });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    assert.equal((reply.body['outcome'] as Body)['kind'], 'done');
    await gone(ns);
    // The attempt ends when its helm has ended. From here on nobody deletes anything, also when the hook is over.
    assert.deepEqual(await holdfast.client.workflow.getHandle(`${idOf(ns)}/uninstall/2`).result(), {
      kind: 'interrupted',
      reason: 'the release was abandoned',
      written: null,
    });
    await holdfast.kubectl(['label', 'pods', '-n', ns, '-l', 'job=farewell', 'holdfast.dev/test-ready-']);
    await holdfast.kubectl(['wait', 'job/farewell', '-n', ns, '--for=condition=complete', '--timeout=60s']);
    await assertStays(ns, 'uninstalling');
    assert.match(
      await eventsOf(ns),
      /^Abandoned: abandoned by writer: another cluster takes over; revision 1 \(uninstalling\) stays as it is$/m,
    );
    const [asked] = askedOf(await holdfast.client.workflow.getHandle(idOf(ns)).fetchHistory());
    assert.match(asked ?? '', /"by":"writer","reason":"another cluster takes over"/);
    assert.equal((await api.call(`GET /v1/helmreleases/${ns}/app`)).status, 404);
  });

  it('by the API, in the middle of a wait: nothing is deleted', async () => {
    const ns = await declared('waiting', { values: NEVER });
    await until(
      () => releaseHistory(holdfast, ns, 'app'),
      ([first]) => first?.status === 'deployed',
      'the first revision',
    );
    const reply = await api.call(`POST /v1/helmreleases/${ns}/app/abandon`, { body: { reason: 'never ready' } });
    assert.equal(reply.status, 202);
    await gone(ns);
    await assertStays(ns, 'deployed');
  });

  it('by the annotation: ends the tries of an uninstall whose hook fails', async () => {
    const values = 'farewell: { holdfast.dev/test-exit: failed }\n';
    const ns = await installed('failing', { values, uninstall: { timeout: '20s' } });
    await remove(ns);
    const { message } = conditionOf(await seen(ns, reasonIs('UninstallFailed')), 'Ready');
    assert.match(message, /farewell.*spec\.uninstall\.disableHooks/);
    await annotate(ns, 'its hook fails');
    await gone(ns);
    await assertStays(ns, 'uninstalling');
    assert.match(await eventsOf(ns), /^Abandoned: abandoned by annotation holdfast\.dev\/abandon: its hook fails; /m);
  });

  it('by the annotation, before it is deleted, with a spec that cannot be used', async () => {
    const ns = await installed('invalid');
    await holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, { values: '- a list\n' }));
    await seen(ns, reasonIs('ValuesInvalid'));
    await annotate(ns, 'it moves');
    await remove(ns);
    await gone(ns);
    await assertStays(ns, 'deployed');
  });

  it('is taken up again by a HelmRelease of its name, which uninstalls it when it is deleted', async () => {
    const ns = await installed('again');
    await api.call(`POST /v1/helmreleases/${ns}/app/abandon`, { body: { reason: 'for a moment' } });
    await gone(ns);
    await holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }));
    await seen(ns, isReady);
    await assertStays(ns, 'deployed');
    await remove(ns);
    await gone(ns);
    assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), []);
  });

  it('that others hold is not uninstalled either, and says what it waits for', async () => {
    const ns = await installed('held', {}, { finalizers: ['example.com/backup'] });
    await api.call(`POST /v1/helmreleases/${ns}/app/abandon`, { body: { reason: 'it moves' } });
    const live = await seen(ns, reasonIs('FinalizersRemain'));
    assert.match(conditionOf(live, 'Ready').message, /until its finalizers are removed: example\.com\/backup$/);
    await assertStays(ns, 'deployed');
    const without = JSON.stringify({ metadata: { finalizers: null } });
    await holdfast.kubectl(['patch', 'helmrelease', 'app', '-n', ns, '--type=merge', '-p', without]);
    await gone(ns);
    await assertStays(ns, 'deployed');
  });

  it('is none without the uid of its object: a cancelled workflow uninstalls nothing, a deletion does', async () => {
    const ns = await installed('copied', {}, { annotations: { 'holdfast.dev/abandon': 'true' } });
    const { runId } = await holdfast.client.workflow.getHandle(idOf(ns)).describe();
    const run = holdfast.client.workflow.getHandle(idOf(ns), runId);
    await run.cancel();
    await assert.rejects(run.result(), { message: 'Workflow execution cancelled' });
    await assertStays(ns, 'deployed');
    assert.equal((await holdfast.get('helmrelease', ns, 'app')).metadata['deletionTimestamp'], undefined);
    await remove(ns);
    await gone(ns);
    assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), []);
  });
});
