/** Nothing secret crosses a border: strings are planted where secrets live, and searched for everywhere else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { freePort } from '../../stack/ports.ts';
import { holds } from '../support/canary.ts';
import { pushChart } from '../support/chart.ts';
import { startTestGit, type TestGit } from '../support/git-repository.ts';
import { temporaryFolder } from '../support/harness.ts';
import { runsOf } from '../support/histories.ts';
import {
  eventually,
  helmRelease,
  isReady,
  registryObjects,
  startHoldfast,
  type Holdfast,
  type Live,
  reasonIs,
} from '../support/holdfast.ts';
import { watchCommandLines, type Watch } from '../support/processes.ts';

const NAMESPACE = 'canaries';
/** No secret at all, and in plain sight: a search that does not find it would find nothing. */
const PLANTED = `planted-${randomBytes(6).toString('hex')}`;
const canary = (what: string): string => `canary-${what}-${randomBytes(12).toString('hex')}`;

const secrets = {
  value: canary('value'),
  /** Not a name that Kubernetes takes: the API server quotes it when it refuses the object. */
  refusedValue: `Canary_Refused_${randomBytes(12).toString('hex')}`,
  /** The same, from a Secret that `valuesFrom` names. */
  sourceValue: `Canary_Source_${randomBytes(12).toString('hex')}`,
  /** Breaks the schema of the chart, whose check quotes it. */
  schemaValue: canary('schema'),
  secretData: canary('secret-data'),
  brokenManifest: canary('broken-manifest'),
  gitPassword: canary('git-password'),
  wrongPassword: canary('wrong-password'),
};

/** A template that puts a value where only a name may stand. */
const NAMED_BY_VALUE = `{{- with .Values.named }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ . }}
{{- end }}
`;
const FROM_VALUES = `apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  password: {{ .Values.message }}
`;

let holdfast: Holdfast;
let git: TestGit;
let watch: Watch;
let tmp: string;
let log: string;
let port: number;

before(async () => {
  const folder = temporaryFolder();
  tmp = join(folder, 'tmp');
  mkdirSync(tmp);
  log = join(folder, 'worker.log');
  process.env['HOLDFAST_TEST_WORKER_LOG'] = log;
  holdfast = await startHoldfast(async () => {
    port = await freePort();
    return { TMPDIR: tmp, HOLDFAST_LOG_LEVEL: 'debug', HOLDFAST_WORKER_PORT: String(port) };
  });
  watch = watchCommandLines(() => holdfast.worker().pid);
  git = await startTestGit(temporaryFolder(), () => ({
    read: 'login',
    logins: [{ user: 'reader', password: secrets.gitPassword }],
  }));
  await live();
});

after(async () => {
  watch.stop();
  await git.close();
});

/** A life with everything that quotes what it is given: from a private Git and registry, upgraded, refused, broken. */
async function live(): Promise<void> {
  const { stack } = holdfast;
  const files = { 'templates/named.yaml': NAMED_BY_VALUE, 'templates/secret.yaml': FROM_VALUES };
  const url = await pushChart(stack, { name: 'app', version: '1.0.0', files });
  await holdfast.kubectl(['create', 'namespace', NAMESPACE]);
  await holdfast.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'git-login', namespace: NAMESPACE },
    stringData: { username: 'reader', password: secrets.gitPassword },
  });
  const repository = await git.create('deployments');
  const app = (values: string, more: object = {}): string =>
    JSON.stringify(helmRelease([NAMESPACE, PLANTED], { name: 'app', version: '1.0.0', url }, { values, ...more }));
  const release = (wanted: (seen: Live) => boolean): Promise<Live> =>
    eventually(holdfast, ['helmrelease', NAMESPACE, PLANTED], wanted);

  await repository.commit({
    'registry.yaml': registryObjects(stack, NAMESPACE)
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
    'secret.yaml': JSON.stringify(secretOf('data', { password: secrets.secretData })),
    'app.yaml': app(`message: ${secrets.value}\n`),
  });
  await holdfast.apply({
    apiVersion: 'holdfast.dev/v1alpha1',
    kind: 'GitRepository',
    metadata: { name: 'deployments', namespace: NAMESPACE },
    spec: { url: repository.url, interval: '10s', secretRef: { name: 'git-login' } },
  });
  await eventually(holdfast, ['gitrepository', NAMESPACE, 'deployments'], isReady);
  await release(isReady);
  await repository.commit({ 'app.yaml': app(`message: ${secrets.value}-2\nreplicas: 2\n`) });
  await release((seen) => isReady(seen) && seen.status?.helmRelease?.['revision'] === 2);
  await repository.commit({ 'app.yaml': app(`message: ${secrets.value}\nnamed: ${secrets.refusedValue}\n`) });
  await release(reasonIs('UpgradeFailed'));
  await repository.commit({ 'app.yaml': app(`message: ${secrets.value}\nreplicas: ${secrets.schemaValue}\n`) });
  await release(reasonIs('ValuesInvalid'));
  const valuesFrom = [{ kind: 'Secret', name: 'source', valuesKey: 'name', targetPath: 'named' }];
  await repository.commit({
    'source.yaml': JSON.stringify(secretOf('source', { name: secrets.sourceValue })),
    'app.yaml': app(`message: ${secrets.value}\n`, { valuesFrom }),
  });
  await release(reasonIs('UpgradeFailed'));
  await repository.commit({ 'broken.yaml': `password: ${secrets.brokenManifest}\n bad: [${secrets.brokenManifest}\n` });
  await eventually(holdfast, ['gitrepository', NAMESPACE, 'deployments'], reasonIs('ManifestInvalid'));
  await holdfast.apply(
    secretOf('wrong-login', { username: 'nobody', password: secrets.wrongPassword }),
    wrongRepository(stack.registry),
  );
  await eventually(holdfast, ['helmrepository', NAMESPACE, 'wrong'], reasonIs('AuthRejected'));
  await repository.commit({ 'app.yaml': app(`message: ${secrets.value}\n`), 'broken.yaml': null });
  await release(isReady);
}

function secretOf(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE }, stringData };
}

function wrongRepository(registry: string): object {
  return {
    apiVersion: 'helm-operator.ketches.cn/v1alpha1',
    kind: 'HelmRepository',
    metadata: { name: 'wrong', namespace: NAMESPACE },
    spec: { url: `oci://${registry}/wrong`, auth: { basic: { secretRef: { name: 'wrong-login' } } } },
  };
}

function assertClean(texts: ReadonlyMap<string, string>): void {
  const all = { ...secrets, registryPassword: holdfast.stack.registryLogin.password };
  for (const [where, text] of texts) {
    for (const [name, secret] of Object.entries(all)) assert.ok(!holds(text, secret), `${where} holds ${name}`);
  }
}

describe('secrets', () => {
  it('are looked for by a search that finds them, plain and encoded', () => {
    const text = `x ${PLANTED} y`;
    for (const lead of ['', 'a', 'ab']) {
      assert.ok(holds(Buffer.from(lead + text).toString('base64'), PLANTED));
    }
    assert.ok(holds(text, PLANTED));
    assert.ok(!holds(text, secrets.value));
  });

  it('are not in the histories of workflows, their memos, search attributes and summaries', async () => {
    const runs = await runsOf(holdfast.client, holdfast.cluster);
    const types = new Set(runs.map(({ type }) => type));
    assert.deepEqual([...types].sort(), ['attempt', 'clusterWatch', 'gitRepository', 'helmRelease', 'helmRepository']);
    const texts = new Map(runs.map(({ workflowId, history }) => [workflowId, historyToJSON(history)]));
    for (const [workflowId, text] of texts) {
      if (workflowId.includes('/helmrelease/')) assert.ok(holds(text, PLANTED), `${workflowId} is searched`);
    }
    assertClean(texts);
  });

  it('are not in status', async () => {
    const kinds = ['helmreleases', 'helmrepositories', 'gitrepositories'];
    const answers = await Promise.all(
      kinds.map((kind) => holdfast.kubectl(['get', kind, '-n', NAMESPACE, '-o', 'json'])),
    );
    const statuses = answers.map((answer, index) => [kinds[index] ?? '', statusOf(answer)] as const);
    assert.ok(statuses.every(([, text]) => text.includes('conditions')));
    assert.ok(holds(statuses[0]?.[1] ?? '', PLANTED));
    assertClean(new Map(statuses));
  });

  it('are not in Events', async () => {
    const text = await holdfast.kubectl(['get', 'events', '-n', NAMESPACE, '-o', 'json']);
    assert.ok(holds(text, PLANTED));
    assertClean(new Map([['events', text]]));
  });

  it('are not in metrics', async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    assert.ok(holds(text, PLANTED));
    assertClean(new Map([['metrics', text]]));
  });

  it('are not in command lines', () => {
    const lines = [...watch.stop()];
    for (const tool of ['helm', 'oras', 'git']) {
      assert.ok(
        lines.some((line) => new RegExp(`(^|[/ ])${tool} `).test(line)),
        `a command line of ${tool} was seen`,
      );
    }
    assert.ok(lines.some((line) => holds(line, PLANTED)));
    assertClean(new Map(lines.map((line) => [`command line "${line.slice(0, 40)}"`, line])));
  });

  it('are not in logs', () => {
    const text = readFileSync(log, 'utf8');
    assert.ok(holds(text, holdfast.cluster));
    assertClean(new Map([['the log', text]]));
  });

  it('are not left on disk', () => {
    writeFileSync(join(tmp, 'planted'), PLANTED);
    const texts = new Map([...filesBelow(holdfast.dataDir), ...filesBelow(tmp)]);
    assert.ok([...texts.values()].some((text) => holds(text, PLANTED)));
    assertClean(texts);
  });
});

/** What Holdfast writes into objects: status and annotations, without kubectl's own copy of what was applied. */
function statusOf(answer: string): string {
  const { items } = JSON.parse(answer) as { items: { status: unknown; metadata: { annotations?: object } }[] };
  const written = items.map(({ status, metadata }) => {
    const annotations = Object.entries(metadata.annotations ?? {});
    return { status, annotations: annotations.filter(([name]) => !name.startsWith('kubectl.kubernetes.io/')) };
  });
  return JSON.stringify(written);
}

function filesBelow(folder: string): readonly (readonly [string, string])[] {
  const paths = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  return paths.filter((path) => statSync(path).isFile()).map((path) => [path, readFileSync(path, 'latin1')]);
}
