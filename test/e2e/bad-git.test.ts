/** What is wrong in Git and on the way to it, to the API and to the cluster: each is told, and stops nothing else. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type Body, type Reply } from '../support/api.ts';
import { pushChart } from '../support/chart.ts';
import { detourTo } from '../support/detour.ts';
import { forwardTcp, type Link } from '../support/forwarder.ts';
import { startTestGit, type TestGit, type TestRepository } from '../support/git-repository.ts';
import { temporaryFolder, until } from '../support/harness.ts';
import { conditionOf, eventually, isReady, releaseHistory, type Holdfast, type Live } from '../support/holdfast.ts';
import { endHook, SLOW_HOOK } from '../support/slow-hook.ts';
import { configFile, GIT_ROWS } from './bad-git-rows.ts';
import { CANARY, describeAftermath, HEALTHY, NAMESPACE, openStage, type Stage } from './bad-stage.ts';

const LOGIN = { user: 'reader', password: `${CANARY}-right` };

let stage: Stage;
let holdfast: Holdfast;
let git: TestGit;
let cluster: Link;

before(async () => {
  stage = await openStage(async (stack) => {
    const { through, kubeconfig } = await detourTo(stack, forwardTcp);
    cluster = through;
    return { HOLDFAST_KUBECONFIG: kubeconfig };
  });
  holdfast = stage.holdfast;
  git = await startTestGit(temporaryFolder(), (name) => ({
    read: name.startsWith('private') ? 'login' : 'anyone',
    logins: [LOGIN],
  }));
});
after(() => git.close());
after(() => stage.api.stop());

/** A GitRepository that fetches when it changes or is asked to. */
async function declare(name: string, url: string, spec: object = {}): Promise<void> {
  const metadata = { name, namespace: NAMESPACE };
  const header = { apiVersion: 'holdfast.dev/v1alpha1', kind: 'GitRepository', metadata };
  await holdfast.apply({ ...header, spec: { url, interval: '1h', ...spec } });
}

/** A Git repository with one ConfigMap, named as itself. */
async function withConfig(name: string): Promise<TestRepository> {
  const repository = await git.create(name);
  await repository.commit({ 'good.yaml': configFile(name) });
  return repository;
}

const gitRepository = (name: string, wanted: (live: Live) => boolean = isReady): Promise<Live> =>
  eventually(holdfast, ['gitrepository', NAMESPACE, name], wanted);
const valueOf = (name: string): Promise<string> =>
  holdfast.kubectl(['get', 'configmap', name, '-n', NAMESPACE, '--ignore-not-found', '-o', 'jsonpath={.data.value}']);

/** Ask the API for a sync, and for what came of it. */
async function sync(name: string): Promise<{ readonly ready: unknown; readonly message: string }> {
  const { status, body } = await stage.api.call(`POST /v1/gitrepositories/${NAMESPACE}/${name}/sync?wait=true`);
  assert.equal(status, 200, JSON.stringify(body));
  const { ready, message } = body['outcome'] as Body;
  return { ready, message: String(message) };
}

describe('a Git repository with', { concurrency: 2 }, () => {
  Object.entries(GIT_ROWS).forEach(([what, { spoil, spec, others, ...told }], index) => {
    it(`${what} says so, on the object and in the answer, and goes on when it is mended`, async () => {
      const name = `row-${index}`;
      const outside = temporaryFolder();
      writeFileSync(join(outside, 'outside.yaml'), configFile('outside'));
      const repository = await withConfig(name);
      const good = await repository.git('rev-parse', 'HEAD');
      await spoil(repository, outside);
      await declare(name, repository.url, spec);
      const live = await stage.tells('gitrepository', name, told);
      assert.deepEqual(await sync(name), { ready: false, message: conditionOf(live, 'Ready').message });
      assert.equal(await valueOf(name), others === 'applied' ? '1' : '');
      assert.equal(await valueOf('outside'), '');

      await repository.git('push', '-q', '--force', 'origin', `${good}:refs/heads/main`);
      await declare(name, repository.url, { path: '' });
      await sync(name);
      await gitRepository(name);
      assert.equal(await valueOf(name), '1');
    });
  });

  it('a path that leaves the repository is refused by the API server', () =>
    assert.rejects(declare('refused', 'https://git.example.com/a.git', { path: '../clusters' }), {
      message: /spec\.path: Invalid value: "\.\.\/clusters": must be a folder inside the repository/,
    }));

  it('a field that another manager took gets it back with the next sync', async () => {
    const repository = await withConfig('fields');
    await declare('fields', repository.url);
    await gitRepository('fields');
    const other = configFile('fields', 'stolen', { namespace: NAMESPACE });
    await holdfast.kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=other', '-f', '-'], other);
    assert.equal(await valueOf('fields'), 'stolen');
    assert.equal((await sync('fields')).ready, true);
    assert.equal(await valueOf('fields'), '1');
  });
});

describe('a private Git repository with', () => {
  const rows: Readonly<Record<string, readonly [object, string, RegExp]>> = {
    'wrong credentials': [
      { username: LOGIN.user, password: `${CANARY}-wrong` },
      'GitAuthRejected',
      /^http:\S+\/private-0\.git wants other credentials; check Secret bad\/private-0 of spec\.secretRef$/,
    ],
    'a Secret without the expected keys': [
      { user: LOGIN.user, passwort: LOGIN.password },
      'SecretInvalid',
      /^Secret bad\/private-1 has no key username and password; Git wants username and password, or token, or bearerToken$/,
    ],
  };
  Object.entries(rows).forEach(([what, [stringData, reason, message]], index) => {
    it(`${what} says so, and goes on by itself when they are right`, async () => {
      const name = `private-${index}`;
      const { url } = await withConfig(name);
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE } };
      await holdfast.apply({ ...secret, stringData });
      await declare(name, url, { secretRef: { name } });
      const live = await stage.tells('gitrepository', name, { reason, message });
      assert.deepEqual(await sync(name), { ready: false, message: conditionOf(live, 'Ready').message });
      await holdfast.apply({ ...secret, stringData: { username: LOGIN.user, password: LOGIN.password } });
      await gitRepository(name);
      assert.equal(await valueOf(name), '1');
    });
  });
});

describe('a Git server that is away', () => {
  it('is told, leaves what was applied, and is followed when it is back', async () => {
    const cable = await forwardTcp(new URL(git.server.url).host);
    const repository = await withConfig('cabled');
    await declare('cabled', repository.url.replace(new URL(git.server.url).host, cable.address));
    await gitRepository('cabled');

    await cable.cut();
    const head = await repository.commit({ 'good.yaml': configFile('cabled', '2') });
    const message = /^http:\S+\/cabled\.git cannot be reached: connection refused or no answer$/;
    const answer = await sync('cabled');
    const live = await stage.tells('gitrepository', 'cabled', { reason: 'GitUnreachable', message, status: 'Unknown' });
    assert.deepEqual(answer, { ready: false, message: conditionOf(live, 'Ready').message });
    assert.match(String(live.status?.['revision']), /^main@/);
    assert.equal(await valueOf('cabled'), '1');

    await cable.mend();
    await gitRepository('cabled', (seen) => isReady(seen) && seen.status?.['revision'] === `main@${head}`);
    assert.equal(await valueOf('cabled'), '2');
    await cable.cut();
  });
});

describe('the API', () => {
  const request = `POST /v1/helmreleases/${HEALTHY}/app/sync`;

  it('refuses a body of 60 MB, and says how much it takes', async () => {
    const reply = await stage.api.call(request, { body: { reason: CANARY + 'x'.repeat(60_000_000) } });
    assertProblem(reply, 413, 'body-too-large');
    assert.equal(reply.body['detail'], 'the body is larger than 65536 bytes');
    assert.equal(reply.body['instance'], `/v1/helmreleases/${HEALTHY}/app/sync`);
  });

  it('refuses a wrong token, without a word about it', async () => {
    const reply = await stage.api.call(request, { token: `hf_${CANARY}` });
    assertProblem(reply, 401, 'token-rejected');
    assert.equal(reply.body['detail'], 'the token is not, or no longer, among those of this API');
    assert.equal(JSON.stringify([reply.body, [...reply.headers]]).includes(CANARY), false);
  });

  it('goes on answering, and nobody was asked to do anything', async () => {
    const { status, body } = await stage.api.call(`GET /v1/helmreleases/${HEALTHY}/app`);
    assert.equal(status, 200);
    assert.equal((body['attempts'] as Body[]).length, 1);
    const of = 'involvedObject.name=app,reason=SyncRequested';
    assert.equal(await holdfast.kubectl(['get', 'events', '-n', HEALTHY, '--field-selector', of, '-o', 'name']), '');
  });
});

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';

describe('an API server that is away', () => {
  const unreachable = /^cannot reach the API server at 127\.0\.0\.1:\d+: \w+$/;
  const statuses = async (name: string): Promise<readonly string[]> =>
    (await releaseHistory(holdfast, NAMESPACE, name)).map(({ status }) => status);
  const reached = (name: string, status: string): Promise<unknown> =>
    until(
      () => statuses(name),
      (seen) => seen.at(-1) === status,
      `${name} to be ${status}`,
    );
  let repository: TestRepository;
  let pushed: string;

  before(async () => {
    await pushChart(holdfast.stack, { name: 'hooked', version: '1.0.0', files: { 'templates/hook.yaml': SLOW_HOOK } });
    repository = await withConfig('away');
    await declare('away', repository.url);
    await holdfast.apply(stage.release('hooked', { chart: 'hooked' }), stage.release('waiting', { values: NEVER }));
    await gitRepository('away');
    await reached('hooked', 'pending-install');
    await reached('waiting', 'deployed');
    await cluster.cut();
    // Past the cable: the world goes on while the worker sees nothing of it.
    pushed = await repository.commit({ 'good.yaml': configFile('away', '2') });
    await holdfast.apply(stage.release('late'));
  });

  it('is told of a release in the answer of the API, beside what was known last', async () => {
    const address = `/v1/helmreleases/${HEALTHY}/app`;
    assert.equal((await stage.api.call(`POST ${address}/sync?source=false`)).status, 202);
    const { body } = await until<Reply>(
      () => stage.api.call(`GET ${address}`),
      (reply) => reply.body['reason'] === 'ClusterUnreachable',
      'the answer',
    );
    assert.match(String(body['message']), unreachable);
    assert.equal(body['ready'], false);
    assert.deepEqual([body['phase'], body['version'], body['revision']], ['Ready', '1.0.0', 1]);
  });

  it('is told of a Git repository in the answer of the API', async () => {
    const { ready, message } = await sync('away');
    assert.equal(ready, false);
    assert.match(message, unreachable);
    assert.equal(await valueOf('away'), '1');
  });

  it('is told in the log of a worker that lives', () => {
    assert.match(readFileSync(stage.log, 'utf8'), /cannot reach the API server at 127\.0\.0\.1:\d+: \w+/);
    assert.doesNotThrow(() => process.kill(holdfast.worker().pid, 0));
  });

  it('is forgotten when it is back: all that was under way and all that came meanwhile is done', async () => {
    await cluster.mend();
    await stage.ready('late');
    const path = '/spec/template/metadata/labels/holdfast.dev~1test-ready';
    const patch = JSON.stringify([{ op: 'remove', path }]);
    await holdfast.kubectl(['patch', 'deployment', 'waiting', '-n', NAMESPACE, '--type=json', '-p', patch]);
    await endHook(holdfast, NAMESPACE, 'hooked');
    await stage.ready('waiting');
    await stage.ready('hooked');
    // Nobody could tell the object that it was not, so it still says Ready of the commit before.
    await gitRepository('away', (seen) => isReady(seen) && seen.status?.['revision'] === `main@${pushed}`);
    assert.equal(await valueOf('away'), '2');
    assert.deepEqual(await statuses('waiting'), ['deployed']);
    const revisions = await statuses('hooked');
    assert.deepEqual([revisions.at(-1), revisions.filter((status) => status === 'deployed').length], ['deployed', 1]);
  });
});

describeAftermath(() => stage);
