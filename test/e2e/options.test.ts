/** Options of a release that only show in what really runs: time limits, kept revisions, ways to apply and to wait. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
  namespaceWithRegistry,
  reasonIs,
} from '../support/holdfast.ts';

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
});

const apply = (ns: string, spec: Readonly<Record<string, unknown>>): Promise<void> =>
  holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec));
const seen = (ns: string, wanted: (live: Live) => boolean): Promise<Live> =>
  eventually(holdfast, ['helmrelease', ns, 'app'], wanted);
const revisionIs = (revision: number) => (live: Live) =>
  isReady(live) && live.status?.helmRelease?.['revision'] === revision;

/** How Helm last wrote the ConfigMap of the chart: `Apply` on the server, `Update` by itself. */
async function operationsOf(ns: string): Promise<readonly string[]> {
  const path = 'jsonpath={.metadata.managedFields[*].operation}';
  const text = await holdfast.kubectl(['get', 'configmap', 'app', '-n', ns, '--show-managed-fields', '-o', path]);
  return text.split(' ');
}

describe('options of a release', { concurrency: 4 }, () => {
  it('timeout counts for actions that name none, and maxHistory bounds what Helm keeps', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'general');
    await apply(ns, { timeout: '4s', maxHistory: 2, values: NEVER });
    const failed = await seen(ns, reasonIs('WaitTimedOut'));
    assert.match(conditionOf(failed, 'Ready').message, /not ready within 4 s/);
    for (const revision of [2, 3, 4]) {
      await apply(ns, { maxHistory: 2, values: `message: number ${revision}\n` });
      await seen(ns, revisionIs(revision));
    }
    assert.deepEqual(
      (await releaseHistory(holdfast, ns, 'app')).map(({ revision }) => revision),
      [3, 4],
    );
  });

  it('serverSideApply decides who merges: Helm, the server, or the same as before', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'method');
    await apply(ns, { install: { serverSideApply: false } });
    await seen(ns, revisionIs(1));
    assert.deepEqual(await operationsOf(ns), ['Update']);
    await apply(ns, { values: 'message: two\n', upgrade: { serverSideApply: 'auto' } });
    await seen(ns, revisionIs(2));
    assert.deepEqual(await operationsOf(ns), ['Update'], 'as the revision before');
    await apply(ns, { values: 'message: three\n' });
    await seen(ns, revisionIs(3));
    assert.ok((await operationsOf(ns)).includes('Apply'));
    await apply(ns, { values: 'message: four\n', upgrade: { serverSideApply: 'disabled' } });
    await seen(ns, revisionIs(4));
    assert.ok((await operationsOf(ns)).includes('Update'));
  });

  it('waitStrategy legacy lets Helm wait, and its failure is that of the write', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'legacy');
    const waitStrategy = { name: 'legacy' };
    await apply(ns, { waitStrategy });
    await seen(ns, revisionIs(1));
    await apply(ns, { waitStrategy, values: NEVER, upgrade: { timeout: '4s' } });
    const failed = await seen(ns, reasonIs('UpgradeFailed'));
    assert.match(conditionOf(failed, 'Ready').message, /deadline/);
    assert.deepEqual(
      (await releaseHistory(holdfast, ns, 'app')).map(({ status }) => status),
      ['deployed', 'failed'],
    );
  });
});
