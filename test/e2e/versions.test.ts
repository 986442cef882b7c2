/** Ranges of versions on real parts: found, followed, waited for. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { until } from '../support/harness.ts';
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
} from '../support/holdfast.ts';

let holdfast: Holdfast;

before(async () => {
  holdfast = await startHoldfast();
});

const push = (folder: string, version: string, files: Readonly<Record<string, string>> = {}): Promise<string> =>
  pushChart(holdfast.stack, { name: 'app', version, files }, `charts/${folder}`);
const seen = (namespace: string, wanted: (live: Live) => boolean): Promise<Live> =>
  eventually(holdfast, ['helmrelease', namespace, 'app'], wanted);
const has = (version: string) => (live: Live) =>
  isReady(live) && live.status?.helmRelease?.['chart'] === `app-${version}`;
const events = (namespace: string): Promise<string> =>
  holdfast.kubectl(['get', 'events', '-n', namespace, '-o', 'jsonpath={range .items[*]}{.reason} {.message}\n{end}']);
const interval = '10s';

describe('a range', { concurrency: 4 }, () => {
  it('is followed: a newer version in it is installed by itself, one outside of it is not', async () => {
    await namespaceWithRegistry(holdfast, 'range');
    await push('range', 'v1.0.0');
    const url = await push('range', '1.1.0+up.1');
    await push('range', '1.2.0-rc.1');
    await push('range', '2.0.0');
    await holdfast.apply(helmRelease(['range', 'app'], { name: 'app', version: '^1.0.0', url }, { interval }));
    const live = await seen('range', has('1.1.0+up.1'));
    const { range, version, digest } = live.status?.['resolved'] as Record<string, string>; // of our CRD
    assert.deepEqual([range, version], ['^1.0.0', '1.1.0+up.1']);
    assert.match(digest ?? '', /^sha256:[0-9a-f]{64}$/);
    const [row] = live.status?.['history'] as { version: string; chartDigest: string }[]; // of our CRD
    assert.deepEqual([row?.version, row?.chartDigest], ['1.1.0+up.1', digest]);
    await push('range', '1.3.0');
    await seen('range', has('1.3.0'));
    assert.equal((await releaseHistory(holdfast, 'range', 'app')).length, 2, 'one upgrade, and nothing beside it');
  });

  it('is not needed for build metadata: an exact version finds the tag that has some, and stays with it', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'built');
    const url = await push('built', '1.2.3+b.1');
    await holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.2.3', url }, { interval }));
    await seen(ns, has('1.2.3+b.1'));
    await holdfast.apply(
      helmRelease([ns, 'app'], { name: 'app', version: '1.2.3', url }, { interval, values: 'message: two\n' }),
    );
    await seen(ns, (live) => has('1.2.3+b.1')(live) && live.status?.helmRelease?.['revision'] === 2);
    assert.equal((await releaseHistory(holdfast, ns, 'app')).length, 2, 'one upgrade, and nothing beside it');
  });

  it('that nothing fits waits, says what there is, and recovers when a version is published', async () => {
    await namespaceWithRegistry(holdfast, 'nomatch');
    const url = await push('nomatch', '1.0.0');
    await holdfast.apply(helmRelease(['nomatch', 'app'], { name: 'app', version: '~3.1', url }));
    const waiting = await seen('nomatch', (live) => conditionOf(live, 'Ready').reason === 'ChartNotFound');
    const { message, status } = conditionOf(waiting, 'Ready');
    assert.match(
      message,
      /^no version of chart app at oci:\S+ is in the range "~3\.1": the newest of all there is 1\.0\.0;/,
    );
    assert.equal(status, 'False');
    assert.notEqual(conditionOf(waiting, 'Stalled').status, 'True', 'it heals without a change of the object');
    await push('nomatch', '3.1.4');
    await seen('nomatch', has('3.1.4'));
    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', 'nomatch', '--timeout=60s']);
    assert.deepEqual(await releaseHistory(holdfast, 'nomatch', 'app'), []);
  });

  it('that is empty is the newest stable version', async () => {
    await namespaceWithRegistry(holdfast, 'empty');
    await push('empty', '1.0.0');
    const url = await push('empty', '1.1.0-rc.1');
    await holdfast.apply(helmRelease(['empty', 'app'], { name: 'app', version: '', url }));
    await seen('empty', has('1.0.0'));
  });

  it('made exact at the version that runs changes nothing', async () => {
    await namespaceWithRegistry(holdfast, 'exact');
    const url = await push('exact', '1.0.0');
    await holdfast.apply(helmRelease(['exact', 'app'], { name: 'app', version: '1.x', url }));
    await seen('exact', has('1.0.0'));
    await holdfast.apply(helmRelease(['exact', 'app'], { name: 'app', version: '1.0.0', url }));
    const live = await seen('exact', (now) => has('1.0.0')(now) && now.status?.['resolved'] === undefined);
    assert.equal(live.status?.helmRelease?.['revision'], 1);
  });

  it('sees that a tag was moved, tells it, and leaves what is installed', async () => {
    await namespaceWithRegistry(holdfast, 'moved');
    const url = await push('moved', '1.0.0');
    await holdfast.apply(helmRelease(['moved', 'app'], { name: 'app', version: '^1', url }, { interval }));
    await seen('moved', has('1.0.0'));
    await push('moved', '1.0.0', { 'templates/more.yaml': '# other contents\n' });
    await until(
      () => events('moved'),
      (text) => /^TagMoved .*version 1\.0\.0 of the chart is another one/m.test(text),
      'the Event',
    );
    assert.equal((await releaseHistory(holdfast, 'moved', 'app')).length, 1);
  });
});

describe('a version', () => {
  it('that is pinned by digest stays, whatever becomes of the tag', async () => {
    await namespaceWithRegistry(holdfast, 'pinned');
    const url = await push('pinned', '1.0.0');
    await holdfast.apply(helmRelease(['pinned', 'app'], { name: 'app', version: '1.0.0', url }));
    const [row] = (await seen('pinned', has('1.0.0'))).status?.['history'] as { chartDigest: string }[]; // of our CRD
    const digest = row?.chartDigest ?? '';
    await push('pinned', '1.0.0', { 'templates/more.yaml': '# other contents\n' });
    await holdfast.apply(helmRelease(['pinned', 'app'], { name: 'app', version: `1.0.0@${digest}`, url }));
    const live = await seen('pinned', (now) => isReady(now) && now.status?.helmRelease?.['revision'] === 2);
    const rows = live.status?.['history'] as { chartDigest: string }[]; // of our CRD
    assert.equal(rows.at(-1)?.chartDigest, digest);
  });

  it('called latest is refused, and told what to write', async () => {
    await namespaceWithRegistry(holdfast, 'latest');
    await holdfast.apply(
      helmRelease(['latest', 'app'], { name: 'app', version: 'latest', url: 'oci://127.0.0.1:1/app' }),
    );
    const live = await seen('latest', (now) => conditionOf(now, 'Stalled').status === 'True');
    assert.match(conditionOf(live, 'Ready').message, /write \* for the newest stable version/);
  });
});
