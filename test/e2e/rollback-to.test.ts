/** A person asks for an older revision, by API and by annotation: the release goes there and stays there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startApi, type Body, type RunningApi } from '../support/api.ts';
import { pushChart } from '../support/chart.ts';
import {
  attemptsOf,
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  reasonIs,
  releaseHistory,
  rowsOf,
  startHoldfast,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';

let holdfast: Holdfast;
let api: RunningApi;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
  await pushChart(holdfast.stack, { name: 'app', version: '1.1.0' });
  api = await startApi({
    HOLDFAST_CLUSTER: holdfast.cluster,
    HOLDFAST_TEMPORAL_ADDRESS: holdfast.stack.temporalAddress,
  });
});
after(() => api.stop());

const seen = (ns: string, wanted: (live: Live) => boolean) => eventually(holdfast, ['helmrelease', ns, 'app'], wanted);
const declare = (ns: string, version: string, values: string) =>
  holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version, url }, { values }));
const statuses = async (ns: string) => (await releaseHistory(holdfast, ns, 'app')).map(({ status }) => status);
const messageOf = (ns: string) =>
  holdfast.kubectl(['get', 'configmap', 'app', '-n', ns, '-o', 'jsonpath={.data.message}']);
const eventsOf = (ns: string) =>
  holdfast.kubectl(['get', 'events', '-n', ns, '-o', 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}']);
const revisionOf = ({ status }: Live) => status?.helmRelease?.['revision'];

/** Revision 1 from version 1.0.0, revision 2 from 1.1.0, both of them good. */
async function upgraded(name: string): Promise<string> {
  const ns = await namespaceWithRegistry(holdfast, name);
  await declare(ns, '1.0.0', 'message: one\n');
  await seen(ns, isReady);
  await declare(ns, '1.1.0', 'message: two\n');
  await seen(ns, (live) => isReady(live) && revisionOf(live) === 2);
  return ns;
}

/** Ask, and wait for what came of it. */
async function ask(ns: string, what: string, { key, ...body }: Body = {}): Promise<Body> {
  const headers = typeof key === 'string' ? { 'idempotency-key': key } : {};
  const reply = await api.call(`POST /v1/helmreleases/${ns}/app/${what}?wait=true`, { body, headers });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['outcome'] as Body; // by the schema of the API
}

const HELD =
  'rolled back to revision 1 as revision 3, version 1.0.0, asked for by writer: it loses orders; it stays until another state is declared, or the release is resumed';

describe('a rollback that a person asks for', { concurrency: 4 }, () => {
  it('goes to that revision, says who asked and why, and stays there until it is resumed', async () => {
    const ns = await upgraded('asked');
    const asked = { revision: 1, reason: 'it loses orders', key: 'once' };
    assert.deepEqual(await ask(ns, 'rollback', asked), {
      kind: 'done',
      ready: false,
      message: HELD,
      revision: 3,
    });
    const held = await seen(ns, reasonIs('RolledBack'));
    assert.deepEqual(
      ['Ready', 'Released', 'Stalled'].map((type) => `${type} ${conditionOf(held, type).status}`),
      ['Ready False', 'Released True', 'Stalled True'],
    );
    assert.equal(conditionOf(held, 'Remediated').status, 'absent', 'nothing had failed');
    assert.equal(await messageOf(ns), 'one');
    const [, , row] = rowsOf(held);
    assert.deepEqual(
      [row?.action, row?.outcome, row?.because],
      ['rollback', 'succeeded', 'asked for by writer: it loses orders'],
    );
    const events = await eventsOf(ns);
    assert.match(events, /^RollbackRequested: rollback to revision 1 requested by writer: it loses orders$/m);
    assert.match(
      events,
      /^RollbackStarted: .*revision 2 back to 1, version 1\.0\.0, because asked for by writer: it loses orders$/m,
    );

    assert.equal((await ask(ns, 'rollback', asked))['revision'], 3, 'the same request again does nothing more');
    assert.equal((await ask(ns, 'sync'))['message'], HELD, 'a sync changes nothing');
    assert.deepEqual(await statuses(ns), ['superseded', 'superseded', 'deployed']);

    await ask(ns, 'resume');
    const live = await seen(ns, isReady);
    assert.equal(revisionOf(live), 4);
    assert.equal(await messageOf(ns), 'two');
  });

  it('is over when another state is declared', async () => {
    const ns = await upgraded('declared');
    await ask(ns, 'rollback', { revision: 1 });
    await seen(ns, reasonIs('RolledBack'));
    await declare(ns, '1.1.0', 'message: three\n');
    const live = await seen(ns, isReady);
    assert.equal(revisionOf(live), 4);
    assert.equal(await messageOf(ns), 'three');
  });

  it('is refused where nothing can come of it, with the reason', async () => {
    const ns = await upgraded('refused');
    const refused = async (revision: number) => {
      const { kind, message } = await ask(ns, 'rollback', { revision });
      return [kind, message];
    };
    assert.deepEqual(await refused(7), ['refused', 'release refused/app has no revision 7; it has 1, 2']);
    assert.deepEqual(await refused(2), [
      'refused',
      'revision 2 is the newest one; to keep it whatever is declared, suspend the release',
    ]);
    assert.match(
      await eventsOf(ns),
      /RollbackRefused: .*rollback to revision 7 requested by writer: .*has no revision 7/,
    );
    await ask(ns, 'suspend', { reason: 'freeze' });
    assert.deepEqual(await refused(1), ['refused', 'suspended by writer; resume it first']);
    assert.deepEqual(await statuses(ns), ['superseded', 'deployed']);
  });

  it('by annotation does not wait for what it goes back from, and is asked for once', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'annotated');
    await declare(ns, '1.0.0', 'message: one\n');
    await seen(ns, isReady);
    await declare(ns, '1.1.0', 'message: two\npodLabels: { holdfast.dev/test-ready: never }\n');
    await seen(ns, reasonIs('NotReady'));
    const annotate = (...notes: readonly string[]) =>
      holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, '--overwrite', ...notes]);
    await annotate('holdfast.dev/requestedAt=back', 'holdfast.dev/rollbackTo=1@back');
    const held = await seen(ns, reasonIs('RolledBack'));
    assert.deepEqual(attemptsOf(held), ['install succeeded', 'upgrade interrupted', 'rollback succeeded']);
    assert.match(conditionOf(held, 'Ready').message, /, asked for by annotation; it stays until/);
    assert.equal(await messageOf(ns), 'one');
    await annotate('holdfast.dev/requestedAt=later');
    await seen(ns, ({ status }) => status?.['lastHandledRequestedAt'] === 'later');
    assert.deepEqual(await statuses(ns), ['superseded', 'superseded', 'deployed']);
  });
});
