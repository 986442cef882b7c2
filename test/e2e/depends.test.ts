/** Releases that depend on each other, on real parts: who comes first, who waits and says for whom, who goes last. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { releaseStatus } from '../../workflows/contract.ts';
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

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';
const LATER = 'podLabels: { holdfast.dev/test-ready-after: 2s }\n';
/** No pods, so that many cost little. */
const EMPTY = 'replicas: 0\n';

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
});

/** A release `name` behind others of its namespace. */
function release([ns, name]: readonly [string, string], after: readonly string[] = [], values = EMPTY): object {
  const dependsOn = after.length === 0 ? {} : { dependsOn: after.map((one) => ({ name: one })) };
  return helmRelease([ns, name], { name: 'app', version: '1.0.0', url }, { values, ...dependsOn });
}

const ready = (ns: string, name: string) => eventually(holdfast, ['helmrelease', ns, name], isReady);
const says = (ns: string, name: string, [reason, message]: readonly [string, string]) =>
  eventually(holdfast, ['helmrelease', ns, name], (live) => {
    const condition = conditionOf(live, 'Ready');
    return condition.reason === reason && condition.message === message;
  });
const remove = (ns: string, ...names: readonly string[]) =>
  holdfast.kubectl(['delete', 'helmrelease', ...names, '-n', ns, '--wait=false']);
const gone = (ns: string, name: string) =>
  until(
    () => holdfast.kubectl(['get', 'helmrelease', name, '-n', ns, '--ignore-not-found', '-o', 'name']),
    (found) => found === '',
    `the end of ${name}`,
  );

interface Row {
  readonly startedAt: string;
  readonly endedAt: string;
}
/** The first attempt, as status lists it. */
function firstAttempt({ status }: Live): Row {
  // By the schema of the CRD.
  const [first] = status?.['history'] as readonly Row[];
  assert.ok(first !== undefined);
  return first;
}

/** When the run of an attempt began and ended. */
async function attemptOf(ns: string, name: string, attempt: string): Promise<{ began: Date; ended: Date | undefined }> {
  const id = `${holdfast.cluster}/helmrelease/${ns}/${name}/${attempt}`;
  const { startTime, closeTime } = await holdfast.client.workflow.getHandle(id).describe();
  return { began: startTime, ended: closeTime };
}

/** Why the workflow of a release was woken, every time. */
async function wakesOf(ns: string, name: string): Promise<readonly string[]> {
  const { events } = await holdfast.client.workflow
    .getHandle(`${holdfast.cluster}/helmrelease/${ns}/${name}`)
    .fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    const data = signal?.input?.payloads?.[0]?.data;
    // By the contract of the signal `changed`.
    return data == null ? [] : [(JSON.parse(Buffer.from(data).toString('utf8')) as { because: string }).because];
  });
}

describe('dependencies', { concurrency: 3 }, () => {
  it('a chain becomes Ready link by link, in whatever order it is applied', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'chain');
    const names = ['a', 'b', 'c', 'd'];
    const chain = names.map((name, at) => release([ns, name], names.slice(Math.max(0, at - 1), at), LATER));
    await holdfast.apply(...chain.toReversed());
    const lives = await Promise.all(names.map((name) => ready(ns, name)));
    const rows = lives.map(firstAttempt);
    rows.slice(1).forEach(({ startedAt }, at) => {
      assert.ok(
        startedAt >= (rows[at]?.endedAt ?? ''),
        `${names[at + 1] ?? ''} began after ${names[at] ?? ''} was Ready`,
      );
    });
    for (const name of names)
      assert.deepEqual(await releaseHistory(holdfast, ns, name), [{ revision: 1, status: 'deployed' }]);
  });

  it('one that is missing is named, and its coming is noticed', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'absent');
    await holdfast.apply(release([ns, 'web'], ['db']));
    const live = await says(ns, 'web', [
      'DependencyMissing',
      'there is no HelmRelease absent/db, which spec.dependsOn names; create it, or remove it from spec.dependsOn',
    ]);
    assert.equal(conditionOf(live, 'Ready').status, 'False');
    const events = await holdfast.kubectl(['get', 'events', '-n', ns]);
    assert.match(events, /Warning +DependencyMissing .*there is no HelmRelease absent\/db/);
    await holdfast.apply(release([ns, 'db'], [], NEVER));
    const waits = 'waits for HelmRelease absent/db to become Ready in generation 1';
    const waiting = await says(ns, 'web', ['DependencyNotReady', waits]);
    assert.equal(conditionOf(waiting, 'Reconciling').status, 'True');
    assert.match(await holdfast.kubectl(['get', 'helmrelease', 'web', '-n', ns]), new RegExp(waits));
    const status = await holdfast.client.workflow
      .getHandle(`${holdfast.cluster}/helmrelease/${ns}/web`)
      .query(releaseStatus);
    assert.deepEqual(
      [status.phase, status.reason, status.dependencies],
      ['Waiting', 'DependencyNotReady', [{ ref: { namespace: ns, name: 'db' }, state: 'notReady', generation: 1 }]],
    );
    assert.deepEqual(await releaseHistory(holdfast, ns, 'web'), []);
    await holdfast.apply(release([ns, 'db']));
    await ready(ns, 'web');
  });

  it('a circle is named in full by each of its members, and those outside wait', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'circle');
    await holdfast.apply(
      release([ns, 'a'], ['b']),
      release([ns, 'b'], ['c']),
      release([ns, 'c'], ['a']),
      release([ns, 'd'], ['a']),
    );
    const way = (...names: readonly string[]): readonly [string, string] => [
      'DependencyCycle',
      `spec.dependsOn leads in a circle: ${names.map((name) => `${ns}/${name}`).join(' → ')}; remove one of these dependencies`,
    ];
    await says(ns, 'a', way('a', 'b', 'c', 'a'));
    await says(ns, 'b', way('b', 'c', 'a', 'b'));
    await says(ns, 'c', way('c', 'a', 'b', 'c'));
    await says(ns, 'd', ['DependencyNotReady', `waits for HelmRelease ${ns}/a to become Ready in generation 1`]);
    await holdfast.apply(release([ns, 'c']));
    for (const name of ['a', 'b', 'c', 'd']) await ready(ns, name);
  });

  it('a change waits until what comes first is Ready in its new generation, not in its old one', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'newer');
    await holdfast.apply(release([ns, 'db']), release([ns, 'web'], ['db']), release([ns, 'cron'], ['db']));
    for (const name of ['db', 'web', 'cron']) await ready(ns, name);
    await holdfast.apply(release([ns, 'db'], [], NEVER), release([ns, 'web'], ['db'], `${EMPTY}message: new\n`));
    await says(ns, 'web', ['DependencyNotReady', `waits for HelmRelease ${ns}/db to become Ready in generation 2`]);
    assert.deepEqual(await releaseHistory(holdfast, ns, 'web'), [{ revision: 1, status: 'deployed' }]);
    assert.ok(isReady(await holdfast.get('helmrelease', ns, 'cron')), 'one without a change runs on');
    await holdfast.apply(release([ns, 'db'], [], `${EMPTY}message: mended\n`));
    await ready(ns, 'web');
    assert.equal((await releaseHistory(holdfast, ns, 'web')).length, 2);
    assert.equal((await releaseHistory(holdfast, ns, 'cron')).length, 1);
  });

  it('one that is being deleted is named, and then one that is missing', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'deleted');
    await holdfast.apply(release([ns, 'db']));
    await ready(ns, 'db');
    const patch = (finalizers: readonly string[]) => JSON.stringify({ metadata: { finalizers } });
    const kept = ['helm-operator.ketches.cn/release-finalizer', 'example.com/kept'];
    await holdfast.kubectl(['patch', 'helmrelease', 'db', '-n', ns, '--type=merge', '-p', patch(kept)]);
    await remove(ns, 'db');
    await until(
      () => releaseHistory(holdfast, ns, 'db'),
      (rows) => rows.length === 0,
      'the uninstall',
    );
    await holdfast.apply(release([ns, 'web'], ['db']));
    await says(ns, 'web', [
      'DependencyDeleted',
      'HelmRelease deleted/db, which spec.dependsOn names, is being deleted; create it anew, or remove it from spec.dependsOn',
    ]);
    await holdfast.kubectl(['patch', 'helmrelease', 'db', '-n', ns, '--type=merge', '-p', patch([])]);
    await eventually(
      holdfast,
      ['helmrelease', ns, 'web'],
      (live) => conditionOf(live, 'Ready').reason === 'DependencyMissing',
    );
    await holdfast.apply(release([ns, 'web']));
    await ready(ns, 'web');
  });
});

describe('the deletion of releases that depend on each other', { concurrency: 3 }, () => {
  it('as a set goes in reverse order', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'set');
    await holdfast.apply(
      release([ns, 'a']),
      release([ns, 'b'], ['a']),
      release([ns, 'c'], ['b']),
      release([ns, 'd'], ['a']),
    );
    for (const name of ['a', 'b', 'c', 'd']) await ready(ns, name);
    await remove(ns, 'a', 'b', 'c', 'd');
    for (const name of ['a', 'b', 'c', 'd']) await gone(ns, name);
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((name) => attemptOf(ns, name, 'uninstall/2')));
    assert.ok(a !== undefined && b?.ended !== undefined && c?.ended !== undefined && d?.ended !== undefined);
    assert.ok(b.began >= c.ended, 'b after c');
    assert.ok(a.began >= b.ended, 'a after b');
    assert.ok(a.began >= d.ended, 'a after d');
    for (const name of ['a', 'b', 'c', 'd']) assert.deepEqual(await releaseHistory(holdfast, ns, name), []);
  });

  it('of one alone says what depends on it, and is not kept by that', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'alone');
    await holdfast.apply(release([ns, 'db']), release([ns, 'web'], ['db']));
    await ready(ns, 'web');
    await remove(ns, 'db');
    await says(ns, 'db', [
      'DependantsRemain',
      'waits 10 s whether HelmRelease alone/web, dependent on it, is deleted too',
    ]);
    await gone(ns, 'db');
    assert.ok(isReady(await holdfast.get('helmrelease', ns, 'web')), 'what runs is left alone');
    assert.deepEqual(await releaseHistory(holdfast, ns, 'db'), []);
  });

  it('in a circle comes to an end', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'round');
    await holdfast.apply(release([ns, 'a']), release([ns, 'b']));
    for (const name of ['a', 'b']) await ready(ns, name);
    // Both run as they should, so that the circle keeps nobody.
    await holdfast.apply(release([ns, 'a'], ['b']), release([ns, 'b'], ['a']), release([ns, 'c'], ['a']));
    for (const name of ['a', 'b', 'c']) await ready(ns, name);
    await remove(ns, 'a', 'b', 'c');
    for (const name of ['a', 'b', 'c']) await gone(ns, name);
    const [a, c] = await Promise.all([attemptOf(ns, 'a', 'uninstall/2'), attemptOf(ns, 'c', 'uninstall/2')]);
    assert.ok(c.ended !== undefined && a.began >= c.ended, 'first the one outside');
  });
});

describe('many dependants of one release', () => {
  const MANY = 50;
  const names = Array.from({ length: MANY }, (_, at) => `web-${at}`);

  it('wait for it, are woken once, and not by what does not concern them', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'many');
    await holdfast.apply(release([ns, 'db'], [], NEVER), ...names.map((name) => release([ns, name], ['db'])));
    const waits = `waits for HelmRelease ${ns}/db to become Ready in generation 1`;
    for (const name of names) await says(ns, name, ['DependencyNotReady', waits]);
    await holdfast.apply(release([ns, 'db']));
    await ready(ns, 'db');
    for (const name of names) await ready(ns, name);
    // Every one of them runs as it should: a change of the release that they depend on is none of their business.
    await holdfast.apply(release([ns, 'db'], [], `${EMPTY}message: new\n`));
    await ready(ns, 'db');
    for (const name of names) {
      const wakes = await wakesOf(ns, name);
      const byDb = wakes.filter((because) => because === `HelmRelease ${ns}/db is Ready`);
      assert.equal(byDb.length, 1, `${name}: ${wakes.join('; ')}`);
    }
  });
});
