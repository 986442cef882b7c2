/** From a push to what runs: real Git server, Temporal, worker, control plane, registry and helm. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { entityId, outcome, sourceStatus, sync } from '../../workflows/contract.ts';
import { pushChart } from '../support/chart.ts';
import { startTestGit, type TestGit, type TestRepository } from '../support/git-repository.ts';
import { temporaryFolder, until } from '../support/harness.ts';
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
} from '../support/holdfast.ts';

const PASSWORD = 'canary-git-passw0rd';

let holdfast: Holdfast;
let git: TestGit;
let chart: { name: string; version: string; url: string };

before(async () => {
  holdfast = await startHoldfast();
  git = await startTestGit(temporaryFolder(), (name) => ({
    read: name === 'private' ? 'login' : 'anyone',
    logins: [{ user: 'reader', password: PASSWORD }],
  }));
  chart = { name: 'app', version: '1.0.0', url: await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' }) };
});
after(() => git.close());

/** A namespace with a GitRepository of the same name that fetches only when asked. */
async function declare(namespace: string, repository: TestRepository, spec: object = {}): Promise<void> {
  await holdfast.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...registryObjects(holdfast.stack, namespace),
    {
      apiVersion: 'holdfast.dev/v1alpha1',
      kind: 'GitRepository',
      metadata: { name: namespace, namespace },
      spec: { url: repository.url, interval: '1h', ...spec },
    },
  );
}

const handleOf = (name: string): ReturnType<Holdfast['client']['workflow']['getHandle']> =>
  holdfast.client.workflow.getHandle(entityId(holdfast.cluster, 'GitRepository', { namespace: name, name }));

/** Ask for a sync as the API does, and wait for what comes of it. */
async function syncNow(name: string): Promise<{ ready: boolean; message: string }> {
  const id = randomUUID();
  const handle = handleOf(name);
  const accepted = await handle.executeUpdate(sync, { args: [{ id, by: 'test', reason: 'a push' }] });
  assert.equal(accepted.request, id);
  const told = await until(
    () => handle.query(outcome, id),
    ({ kind }) => kind !== 'pending',
    `outcome of a sync of ${name}`,
  );
  assert.ok(told.kind === 'done', JSON.stringify(told));
  return told;
}

const gitRepository = (name: string, wanted: (live: Live) => boolean): Promise<Live> =>
  eventually(holdfast, ['gitrepository', name, name], wanted);
const releaseFile = (namespace: string, name: string, message: string): string =>
  JSON.stringify(helmRelease([namespace, name], chart, { values: `message: ${message}\n` }), null, 2);
const configFile = (name: string, value = '1'): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } });

async function valueOf(namespace: string, name: string): Promise<string> {
  const args = ['get', 'configmap', name, '-n', namespace, '--ignore-not-found', '-o', 'jsonpath={.data.value}'];
  return holdfast.kubectl(args);
}

describe('a repository', () => {
  let repository: TestRepository;
  let untouched: Live;

  before(async () => {
    repository = await git.create('apps');
    const head = await repository.commit({ 'web.yaml': releaseFile('apps', 'web', 'one'), 'a.yaml': configFile('a') });
    await declare('apps', repository);
    untouched = await eventually(holdfast, ['helmrelease', 'apps', 'web'], isReady);
    const ready = await gitRepository('apps', isReady);
    assert.equal(ready.status?.['revision'], `main@${head}`);
  });

  it('follows a push when it is asked to', async () => {
    const head = await repository.commit({ 'a.yaml': configFile('a', '2') });
    assert.deepEqual(await syncNow('apps'), {
      kind: 'done',
      ready: true,
      message: `applied main@${head}: 2 objects`,
      revision: null,
    });
    assert.equal(await valueOf('apps', 'a'), '2');
    const status = await handleOf('apps').query(sourceStatus);
    assert.deepEqual([status.ready, status.revision, status.objects], [true, `main@${head}`, 2]);
  });

  it('leaves a deployed release alone when its YAML breaks, applies all else, and makes no revision when it is mended', async () => {
    const good = releaseFile('apps', 'web', 'one');
    await repository.commit({ 'web.yaml': good.replace('"spec": {', '"spec": {{'), 'a.yaml': configFile('a', '3') });
    const told = await syncNow('apps');
    assert.equal(told.ready, false);
    assert.match(told.message, /web\.yaml:\d+: /);
    assert.equal(await valueOf('apps', 'a'), '3');
    const broken = await gitRepository('apps', (live) => conditionOf(live, 'Ready').status === 'False');
    assert.equal(conditionOf(broken, 'Ready').reason, 'ManifestInvalid');

    await repository.commit({ 'web.yaml': good.replace('"apiVersion"', '"apiversion"') });
    assert.match((await syncNow('apps')).message, /web\.yaml:1: looks like a manifest/);

    await repository.commit({ 'web.yaml': good });
    assert.equal((await syncNow('apps')).ready, true);
    const web = await eventually(holdfast, ['helmrelease', 'apps', 'web'], isReady);
    assert.equal(web.metadata.uid, untouched.metadata.uid);
    assert.equal(web.metadata.generation, untouched.metadata.generation);
    assert.deepEqual(await releaseHistory(holdfast, 'apps', 'web'), [{ revision: 1, status: 'deployed' }]);
  });

  it('does nothing while it is suspended, and goes on afterwards', async () => {
    const suspend = (value: boolean): Promise<string> =>
      holdfast.kubectl([
        'patch',
        'gitrepository',
        'apps',
        '-n',
        'apps',
        '--type=merge',
        '-p',
        `{"spec":{"suspend":${value}}}`,
      ]);
    await suspend(true);
    await gitRepository('apps', (live) => conditionOf(live, 'Ready').reason === 'Suspended');
    await repository.commit({ 'a.yaml': configFile('a', '4') });
    assert.match((await syncNow('apps')).message, /^suspended; main@/);
    assert.equal(await valueOf('apps', 'a'), '3');
    await suspend(false);
    await until(
      () => valueOf('apps', 'a'),
      (value) => value === '4',
      'the value of a',
    );
    await repository.commit({ 'a.yaml': configFile('a', '3') });
    await syncNow('apps');
  });

  it('answers every request, whichever run of its workflow takes it', async () => {
    const { runId: before } = await handleOf('apps').describe();
    for (let n = 0; n < 22; n += 1) assert.equal((await syncNow('apps')).ready, true);
    assert.notEqual((await handleOf('apps').describe()).runId, before);
  });

  it('tells of new revisions and problems in Events, once each, and who asked', async () => {
    await syncNow('apps');
    const path = 'jsonpath={range .items[*]}{.reason} {.count} {.message}{"\\n"}{end}';
    const field = 'involvedObject.kind=GitRepository';
    const lines = (
      await holdfast.kubectl(['get', 'events', '-n', 'apps', '--field-selector', field, '-o', path])
    ).split('\n');
    assert.ok(lines.some((line) => /^Applied 1 applied main@/.test(line)));
    // Two different problems, each told at one pass only.
    assert.equal(lines.filter((line) => line.startsWith('ManifestInvalid 1 ')).length, 2);
    assert.ok(lines.some((line) => /^SyncRequested \d+ sync asked for by test \(a push\)$/.test(line)));
  });

  it('refuses an object of another repository and names that one', async () => {
    const other = await git.create('other');
    await other.commit({
      'a.yaml': JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', namespace: 'apps' },
        data: { value: 'stolen' },
      }),
      'own.yaml': configFile('own'),
    });
    await declare('other', other);
    const refused = await gitRepository('other', (live) => conditionOf(live, 'Ready').status === 'False');
    assert.equal(conditionOf(refused, 'Ready').reason, 'OwnedByAnother');
    assert.match(
      conditionOf(refused, 'Ready').message,
      /a\.yaml:1: ConfigMap apps\/a belongs to GitRepository apps\/apps/,
    );
    assert.equal(await valueOf('apps', 'a'), '3');
    assert.equal(await valueOf('other', 'own'), '1');
    // It goes on asking, and would get the object once its owner is gone.
    await holdfast.kubectl(['delete', 'gitrepository', 'other', '-n', 'other', '--timeout=60s']);
  });

  it('uninstalls a release that is gone from Git, and what it used after it', async () => {
    await repository.commit({ 'web.yaml': null, 'b.yaml': configFile('b') });
    assert.equal((await syncNow('apps')).ready, true);
    assert.deepEqual(await releaseHistory(holdfast, 'apps', 'web'), []);
    const left = await holdfast.kubectl(['get', 'helmrelease,deployment', '-n', 'apps', '-o', 'name']);
    assert.equal(left, '');
  });

  it('asks before it deletes more than half', async () => {
    await repository.commit({ 'c.yaml': configFile('c'), 'd.yaml': configFile('d') });
    await syncNow('apps');
    const head = await repository.commit({ 'b.yaml': null, 'c.yaml': null, 'd.yaml': null });
    const held = await syncNow('apps');
    assert.equal(held.ready, false);
    assert.match(held.message, /would delete 3 of 4 objects/);
    const stalled = await gitRepository('apps', (live) => conditionOf(live, 'Stalled').status === 'True');
    assert.equal(conditionOf(stalled, 'Stalled').reason, 'PruneConfirmationRequired');
    assert.equal(await valueOf('apps', 'd'), '1');

    const word = `holdfast.dev/confirmPrune=main@${head}`;
    await holdfast.kubectl(['annotate', 'gitrepository', 'apps', '-n', 'apps', word]);
    await gitRepository('apps', isReady);
    assert.equal(await valueOf('apps', 'd'), '');
    assert.equal(await valueOf('apps', 'a'), '3');
  });

  it('leaves what it applied when it is deleted, and its workflow ends', async () => {
    await holdfast.kubectl(['delete', 'gitrepository', 'apps', '-n', 'apps', '--timeout=60s']);
    assert.equal(await valueOf('apps', 'a'), '3');
    await handleOf('apps').result();
  });
});

describe('a private repository', () => {
  it('is read with the Secret of its namespace, and the password is found nowhere else', async () => {
    const repository = await git.create('private');
    await repository.commit({ 'a.yaml': configFile('a') });
    await declare('private', repository, { secretRef: { name: 'git' } });
    const waiting = await gitRepository('private', (live) => conditionOf(live, 'Ready').status === 'False');
    assert.equal(conditionOf(waiting, 'Ready').reason, 'SecretNotFound');

    await holdfast.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'git', namespace: 'private' },
      stringData: { username: 'reader', password: PASSWORD },
    });
    const live = await gitRepository('private', isReady);
    assert.equal(await valueOf('private', 'a'), '1');
    const told = [JSON.stringify(live), await holdfast.kubectl(['get', 'events', '-n', 'private', '-o', 'json'])];
    for await (const { workflowId, runId } of holdfast.client.workflow.list()) {
      const { events } = await holdfast.client.workflow.getHandle(workflowId, runId).fetchHistory();
      told.push(
        JSON.stringify(events, (_key, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
        ),
      );
    }
    assert.match(told.join('\n'), /SecretNotFound/, 'what is searched holds what was said');
    assert.doesNotMatch(
      told.join('\n'),
      new RegExp(`${PASSWORD}|${Buffer.from(`reader:${PASSWORD}`).toString('base64')}`),
    );
  });
});
