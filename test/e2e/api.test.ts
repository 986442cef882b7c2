/** The API over everything real: Git, Temporal, worker, control plane, registry, helm. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { entityId } from '../../workflows/contract.ts';
import { startApi, type Body, type Reply, type RunningApi } from '../support/api.ts';
import { pushChart } from '../support/chart.ts';
import { startTestGit, type TestGit, type TestRepository } from '../support/git-repository.ts';
import { temporaryFolder, until } from '../support/harness.ts';
import { askedOf } from '../support/histories.ts';
import {
  namespaceWithRegistry,
  eventually,
  helmRelease,
  isReady,
  startHoldfast,
  type Holdfast,
} from '../support/holdfast.ts';

const NAMESPACE = 'api';
const RELEASE = `/v1/helmreleases/${NAMESPACE}/app`;
const SOURCE = `/v1/gitrepositories/${NAMESPACE}/config`;

let holdfast: Holdfast;
let git: TestGit;
let repository: TestRepository;
let api: RunningApi;
let chart: { name: string; version: string; url: string };

before(async () => {
  holdfast = await startHoldfast();
  git = await startTestGit(temporaryFolder());
  repository = await git.create('config');
  const url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
  chart = { name: 'app', version: '1.0.0', url };
  await namespaceWithRegistry(holdfast, NAMESPACE);
  await push('one');
  await holdfast.apply({
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'GitRepository',
    metadata: { name: 'config', namespace: NAMESPACE },
    // Only the API makes it fetch again.
    spec: { url: repository.url, interval: '1h' },
  });
  await eventually(holdfast, ['helmrelease', NAMESPACE, 'app'], isReady);
  api = await startApi({
    HOLDFAST_CLUSTER: holdfast.cluster,
    HOLDFAST_TEMPORAL_ADDRESS: holdfast.stack.temporalAddress,
    HOLDFAST_TEMPORAL_UI: 'http://ui.example.com',
  });
});
after(() => git.close());
after(() => api.stop());

/** Declare the release with a message; answers the commit. */
function push(message: string, spec: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const release = helmRelease([NAMESPACE, 'app'], chart, { values: `message: ${message}\n`, ...spec });
  return repository.commit({ 'app.yaml': JSON.stringify(release) });
}

async function deployedMessage(): Promise<string> {
  return holdfast.kubectl(['get', 'configmap', 'app', '-n', NAMESPACE, '-o', 'jsonpath={.data.message}']);
}

async function events(): Promise<string> {
  const path = 'jsonpath={range .items[*]}{.involvedObject.kind}: {.reason}: {.message}{"\\n"}{end}';
  return holdfast.kubectl(['get', 'events', '-n', NAMESPACE, '-o', path]);
}

/** The histories of the runs of the release's workflow, as text. */
async function history(): Promise<string> {
  const workflowId = entityId(holdfast.cluster, 'HelmRelease', { namespace: NAMESPACE, name: 'app' });
  const texts: string[] = [];
  for await (const { runId } of holdfast.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    texts.push(...askedOf(await holdfast.client.workflow.getHandle(workflowId, runId).fetchHistory()));
  }
  return texts.join('\n');
}

const outcomeOf = ({ body }: Reply): Body => body['outcome'] as Body;

describe('the API on a running system', () => {
  it('is ready', async () => {
    assert.deepEqual(await api.call('GET /readyz', { token: null }).then(({ status, body }) => ({ status, body })), {
      status: 200,
      body: { status: 'ready', temporal: true, worker: true },
    });
  });

  it('shows a release, its attempts, and where they are in the Temporal UI', async () => {
    const { status, body } = await api.call(`GET ${RELEASE}`, { token: api.tokens.read });
    assert.equal(status, 200, JSON.stringify(body));
    const { phase, ready, chart: name, version, revision, source, suspension } = body;
    assert.deepEqual(
      { phase, ready, name, version, revision, suspension },
      { phase: 'Ready', ready: true, name: 'app', version: '1.0.0', revision: 1, suspension: null },
    );
    assert.deepEqual((source as Body)['repository'], { namespace: NAMESPACE, name: 'config' });
    const [attempt] = body['attempts'] as Body[];
    const { id, runId, url } = attempt?.['workflow'] as Record<string, string>;
    assert.equal(attempt?.['outcome'], 'succeeded');
    assert.match(String(attempt['startedAt']), /^\d{4}-\d\d-\d\dT/);
    const described = await holdfast.client.workflow.getHandle(id ?? '', runId).describe();
    assert.equal(described.type, 'attempt');
    assert.equal(
      url,
      `http://ui.example.com/namespaces/default/workflows/${encodeURIComponent(id ?? '')}/${String(runId)}/history`,
    );
  });

  it('lists the release and its repository from search attributes', async () => {
    const lists = (): Promise<Reply[]> =>
      Promise.all(['/v1/helmreleases?phase=Ready', '/v1/gitrepositories'].map((path) => api.call(`GET ${path}`)));
    const [releases, sources] = await until(
      lists,
      (replies) => replies.every(({ body }) => (body['items'] as Body[]).length === 1),
      'both lists',
    );
    const [release] = releases?.body['items'] as Body[];
    const [source] = sources?.body['items'] as Body[];
    assert.equal(release?.['name'], 'app');
    assert.equal(source?.['name'], 'config');
  });

  it('syncs from Git to the release, and answers with the outcome', async () => {
    const commit = await push('two');
    const reply = await api.call(`POST ${RELEASE}/sync?wait=true`, { body: { reason: 'release two' } });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    const { kind, ready, revision } = outcomeOf(reply);
    assert.deepEqual({ kind, ready, revision }, { kind: 'done', ready: true, revision: 2 });
    const source = reply.body['source'] as Body;
    assert.deepEqual(source['repository'], { namespace: NAMESPACE, name: 'config' });
    assert.equal((source['outcome'] as Body)['kind'], 'done');
    assert.equal(await deployedMessage(), 'two');
    const { body } = await api.call(`GET ${RELEASE}`);
    assert.equal((body['source'] as Body)['revision'], `main@${commit}`);
  });

  it('tells in Events and history who asked, and why', async () => {
    assert.match(await events(), /^HelmRelease: SyncRequested: sync requested by writer: release two$/m);
    assert.match(await history(), /"by":"writer","reason":"release two"/);
  });

  it('accepts at once without wait, and tells the outcome where it says', async () => {
    await push('three');
    const reply = await api.call(`POST ${RELEASE}/sync`, { headers: { 'idempotency-key': 'three' } });
    assert.equal(reply.status, 202);
    assert.equal(reply.headers.get('location'), `${RELEASE}/requests/three`);
    const settled = await until(
      () => api.call(`GET ${RELEASE}/requests/three`, { token: api.tokens.read }),
      (seen) => outcomeOf(seen)['kind'] === 'done',
      'the request',
    );
    assert.equal(outcomeOf(settled)['revision'], 3);
    assert.equal(await deployedMessage(), 'three');
  });

  it('answers the same to the same idempotency key, and does nothing again', async () => {
    const options = { headers: { 'idempotency-key': 'three' } };
    const again = await api.call(`POST ${RELEASE}/sync?wait=true`, options);
    assert.equal(again.status, 200);
    assert.equal(outcomeOf(again)['revision'], 3);
    const asked = (await history()).match(/"id":"three"/g) ?? [];
    assert.ok(asked.length <= 2, 'the key is in the history at most once for each call');
    assert.equal(((await api.call(`GET ${RELEASE}`)).body['attempts'] as Body[]).length, 3);
  });

  it('answers 202 when the time is over, and goes on', async () => {
    await push('four');
    const reply = await api.call(`POST ${RELEASE}/sync?wait=true&timeout=0s`);
    assert.equal(reply.status, 202);
    const location = reply.headers.get('location') ?? '';
    await until(
      () => api.call(`GET ${location}`),
      (seen) => outcomeOf(seen)['kind'] === 'done',
      'the request',
    );
    assert.equal(await deployedMessage(), 'four');
  });

  it('does not know a request that was never made', async () => {
    const { status, body } = await api.call(`GET ${RELEASE}/requests/never`);
    assert.equal(status, 404);
    assert.equal(body['type'], 'urn:holdfast:problem:request-not-found');
  });

  it('suspends: a sync is refused and a change of Git waits', async () => {
    const reply = await api.call(`POST ${RELEASE}/suspend?wait=true`, { body: { reason: 'maintenance' } });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    await push('five');
    assert.equal((await api.call(`POST ${SOURCE}/sync?wait=true`)).status, 200);
    const refused = await api.call(`POST ${RELEASE}/sync?wait=true&source=false`);
    assert.deepEqual(outcomeOf(refused), {
      kind: 'refused',
      ready: null,
      message: 'suspended by writer; resume it first',
      revision: null,
    });
    assert.equal(await deployedMessage(), 'four');
    const { body } = await api.call(`GET ${RELEASE}`);
    assert.equal(body['phase'], 'Suspended');
    assert.deepEqual(body['suspension'], { by: 'writer', reason: 'maintenance', inSpec: false });
    assert.match(await events(), /^HelmRelease: Suspended: suspend by writer: maintenance$/m);
  });

  it('resumes: what waited is done', async () => {
    assert.equal((await api.call(`POST ${RELEASE}/resume`)).status, 202);
    await until(deployedMessage, (message) => message === 'five', 'the message of the release');
    const { body } = await until(
      () => api.call(`GET ${RELEASE}`),
      ({ body: seen }) => seen['ready'] === true,
      'the release',
    );
    assert.deepEqual([body['suspension'], body['revision']], [null, 5]);
  });

  it('forces an upgrade where nothing is to be changed, once', async () => {
    const force = { body: { reason: 'run its hooks' }, headers: { 'idempotency-key': 'force' } };
    const forced = await api.call(`POST ${RELEASE}/sync?wait=true&source=false&force=true`, force);
    const { kind, ready, revision } = outcomeOf(forced);
    assert.deepEqual(
      { kind, ready, revision },
      { kind: 'done', ready: true, revision: 6 },
      JSON.stringify(forced.body),
    );
    const told = await events();
    assert.match(told, /^HelmRelease: SyncRequested: sync with force requested by writer: run its hooks$/m);
    assert.match(told, /^HelmRelease: UpgradeStarted: .* because forced by writer: run its hooks$/m);

    const repeated = await api.call(`POST ${RELEASE}/sync?wait=true&source=false&force=true`, force);
    assert.equal(outcomeOf(repeated)['revision'], 6, 'the same request again');
    const plain = await api.call(`POST ${RELEASE}/sync?wait=true&source=false`);
    assert.equal(outcomeOf(plain)['revision'], 6, 'a sync that forces nothing');
  });

  it('forces an upgrade by the annotations of Flux', async () => {
    const annotate = (...notes: string[]): Promise<string> =>
      holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', NAMESPACE, '--overwrite', ...notes]);
    await annotate('reconcile.fluxcd.io/requestedAt=t1', 'reconcile.fluxcd.io/forceAt=t1');
    await until(
      () => api.call(`GET ${RELEASE}`),
      ({ body }) => body['ready'] === true && body['revision'] === 7,
      'the forced revision',
    );
    await annotate('reconcile.fluxcd.io/requestedAt=t2');
    await eventually(
      holdfast,
      ['helmrelease', NAMESPACE, 'app'],
      ({ status }) => status?.['lastHandledRequestedAt'] === 't2',
    );
    const plain = await api.call(`POST ${RELEASE}/sync?wait=true&source=false`);
    assert.equal(outcomeOf(plain)['revision'], 7, 'an old token forces nothing');
  });

  it('refuses to resume what is suspended in Git, and to sync it', async () => {
    await push('five', { suspend: true });
    assert.equal((await api.call(`POST ${SOURCE}/sync?wait=true`)).status, 200);
    const resumed = await api.call(`POST ${RELEASE}/resume?wait=true`);
    assert.equal(outcomeOf(resumed)['kind'], 'refused', JSON.stringify(resumed.body));
    assert.equal(outcomeOf(resumed)['message'], 'spec.suspend is true; set it to false where the object comes from');
    const synced = await api.call(`POST ${RELEASE}/sync?wait=true&source=false&force=true`);
    assert.equal(outcomeOf(synced)['kind'], 'refused', JSON.stringify(synced.body));
    assert.equal(
      outcomeOf(synced)['message'],
      'suspended by spec.suspend; set it to false where the object comes from',
    );
    await push('five');
    assert.equal((await api.call(`POST ${SOURCE}/sync?wait=true`)).status, 200);
  });

  it('hands over what waits for a source when it is stopped', async () => {
    await push('six');
    const short = await startApi({
      HOLDFAST_CLUSTER: holdfast.cluster,
      HOLDFAST_TEMPORAL_ADDRESS: holdfast.stack.temporalAddress,
    });
    const options = { headers: { 'idempotency-key': 'six' } };
    assert.equal((await short.call(`POST ${RELEASE}/sync`, options)).status, 202);
    assert.equal(await short.stop(), 0);
    await until(
      () => api.call(`GET ${RELEASE}/requests/six`),
      (seen) => outcomeOf(seen)['kind'] === 'done',
      'the request',
    );
    await until(deployedMessage, (message) => message === 'six', 'the message of the release');
  });

  it('forgets a release that is deleted', async () => {
    await repository.commit({ 'app.yaml': null });
    assert.equal((await api.call(`POST ${SOURCE}/sync?wait=true`)).status, 200);
    const { body } = await until(
      () => api.call(`GET ${RELEASE}`),
      ({ status }) => status === 404,
      'the release',
    );
    assert.equal(body['type'], 'urn:holdfast:problem:object-not-found');
  });
});
