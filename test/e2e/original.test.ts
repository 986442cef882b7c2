/** What goes wrong in the operator whose objects these are, and must not here. docs/differences.md has the same subjects. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  registryObjects,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
  namespaceWithRegistry,
} from '../support/holdfast.ts';

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
  await pushChart(holdfast.stack, { name: 'app', version: '1.1.0-rc.1' });
});

const apply = (ns: string, spec: Readonly<Record<string, unknown>> = {}, version = '1.0.0'): Promise<void> =>
  holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version, url }, spec));
const seen = (ns: string, wanted: (live: Live) => boolean): Promise<Live> =>
  eventually(holdfast, ['helmrelease', ns, 'app'], wanted);
const revisionsOf = async (ns: string): Promise<readonly string[]> =>
  (await releaseHistory(holdfast, ns, 'app')).map(({ revision, status }) => `${revision} ${status}`);

let tokens = 0;

/** A look of its own, to its end: what a status write or a restart of the operator brings about as well. */
async function lookAgain(ns: string): Promise<Live> {
  tokens += 1;
  const token = `token-${tokens}`;
  await holdfast.kubectl([
    'annotate',
    'helmrelease',
    'app',
    '-n',
    ns,
    '--overwrite',
    `holdfast.dev/requestedAt=${token}`,
  ]);
  return seen(ns, ({ status }) => status?.['lastHandledRequestedAt'] === token);
}

describe('where the original goes wrong', { concurrency: 4 }, () => {
  it('Ready after a failure: a failed install is not Ready, also at the next look', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'failed');
    await apply(ns, { values: NEVER, install: { timeout: '4s' }, upgrade: { timeout: '4s' } });
    await seen(ns, (live) => conditionOf(live, 'Ready').reason === 'WaitTimedOut');
    assert.notEqual(conditionOf(await lookAgain(ns), 'Ready').status, 'True');
  });

  it('Ready after a failure: a record that was kept of an uninstalled release is not one that runs', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'kept');
    await apply(ns, { uninstall: { keepHistory: true } });
    await seen(ns, isReady);
    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--timeout=60s']);
    assert.deepEqual(await revisionsOf(ns), ['1 uninstalled']);
    await apply(ns);
    await seen(ns, isReady);
    assert.equal((await revisionsOf(ns)).at(-1), '2 deployed');
    await holdfast.kubectl(['get', 'deployment', 'app', '-n', ns]);
  });

  it('Conditions: what a failure set is gone after the next success', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'conditions');
    await apply(ns, { values: '- a list\n' });
    const stalled = await seen(ns, (live) => conditionOf(live, 'Ready').reason === 'ValuesInvalid');
    assert.equal(conditionOf(stalled, 'Stalled').status, 'True');
    await apply(ns);
    const ready = await seen(ns, isReady);
    for (const type of ['Stalled', 'Reconciling']) assert.equal(conditionOf(ready, type).status, 'False', type);
    assert.ok((ready.status?.conditions ?? []).every(({ type }) => !['Failed', 'Progressing'].includes(type)));
  });

  it('What counts as a change: inputs that upgrade in a loop there are one revision here', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'loops');
    await apply(ns, { values: 'message: "1"\nlarge: 1000000\nfloat: 1.0\n' }, '1.1.0-rc.1');
    await seen(ns, isReady);
    await lookAgain(ns);
    assert.deepEqual(await revisionsOf(ns), ['1 deployed'], 'a pre-release, a large integer, a float');
    await apply(ns, { values: '' }, '1.1.0-rc.1');
    await seen(ns, isReady);
    const message = ['get', 'configmap', 'app', '-n', ns, '-o', 'jsonpath={.data.message}'];
    assert.equal(await holdfast.kubectl(message), 'hello', 'cleared values are cleared');
    for (const values of ['{}', '# only a comment\n']) {
      await apply(ns, { values }, '1.1.0-rc.1');
      await seen(ns, isReady);
      await lookAgain(ns);
    }
    assert.deepEqual(await revisionsOf(ns), ['1 superseded', '2 deployed']);
  });

  it('What counts as a change: reuseValues with a key removed is one revision', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'reuse');
    const upgrade = { reuseValues: true };
    await apply(ns, { values: 'message: one\nreplicas: 2\n', upgrade });
    await seen(ns, isReady);
    await apply(ns, { values: 'message: two\n', upgrade });
    await seen(ns, isReady);
    await lookAgain(ns);
    assert.deepEqual(await revisionsOf(ns), ['1 superseded', '2 deployed']);
  });

  it('Booleans: an explicit false stays, and counts', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'booleans');
    const no = { wait: false, waitForJobs: false };
    await apply(ns, { values: NEVER, install: no, upgrade: { ...no, cleanupOnFail: false } });
    const { spec } = await seen(ns, isReady);
    assert.deepEqual([spec['install'], spec['upgrade']], [no, { ...no, cleanupOnFail: false }]);
  });

  it('repositoryURL: a chart from a repository without an object', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'by-url');
    const chart = { name: 'app', version: '1.0.0', repositoryURL: url.slice(0, url.lastIndexOf('/')) };
    await apply(ns, { chart });
    assert.equal((await seen(ns, isReady)).status?.helmRelease?.['chart'], 'app-1.0.0');
  });

  it('Two HelmRepositories of one name are two: each release has the login of its own', async () => {
    const [right, wrong] = [
      await namespaceWithRegistry(holdfast, 'tenant-a'),
      await namespaceWithRegistry(holdfast, 'tenant-b'),
    ];
    const [login] = registryObjects(holdfast.stack, wrong) as readonly [{ readonly metadata: object }];
    await holdfast.apply({ ...login, stringData: { username: 'nobody', password: 'wrong' } });
    const chart = { name: 'app', version: '1.0.0', repository: { name: 'charts' } };
    await apply(wrong, { chart });
    await apply(right, { chart });
    await seen(right, isReady);
    await seen(wrong, (live) => conditionOf(live, 'Ready').reason === 'AuthRejected');
  });

  it('status holds no values', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'no-values');
    await apply(ns, { values: 'message: canary-0123456789\n', valuesObject: { other: 'canary-9876543210' } });
    const { status } = await seen(ns, isReady);
    assert.ok(!/canary/.test(JSON.stringify(status)));
    assert.deepEqual([status?.['lastAppliedConfiguration'], status?.['originalValues']], [undefined, undefined]);
  });
});
