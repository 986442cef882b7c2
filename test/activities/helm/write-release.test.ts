import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../../activities/process/identity.ts';
import { pushChart } from '../../support/chart.ts';
import { uniqueName } from '../../support/harness.ts';
import { callOf, useReleases, type Releases } from './releases.ts';

let releases: Releases;
/** Of the chart `app`, in version 1.0.0 and 1.1.0; `hooked` has a hook that never ends. */
let app: string;
let hooked: string;

before(async () => {
  releases = await useReleases();
  const folder = uniqueName('write-test');
  app = await pushChart(releases.stack, { name: 'app', version: '1.0.0' }, folder);
  await pushChart(releases.stack, { name: 'app', version: '1.1.0' }, folder);
  hooked = await pushChart(
    releases.stack,
    { name: 'hooked', version: '1.0.0', files: { 'templates/hook.yaml': HOOK } },
    folder,
  );
});
after(() => releases.release());

const HOOK = `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: { helm.sh/hook: {{ .Values.hook | default "post-install,post-upgrade" | quote }} }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      {{- if .Values.stuck }}
      nodeSelector: { never: there }
      {{- end }}
      containers: [{ name: main, image: registry.example.com/hook:1 }]
`;

const chartOf = (url: string, version = '1.0.0'): object => ({
  name: url.slice(url.lastIndexOf('/') + 1),
  version,
  ociRepository: url,
});

/** A namespace, a HelmRelease `app` in it that installs there, with this spec on top. */
async function declare(spec: object): Promise<{ namespace: string; name: string }> {
  const ref = { namespace: await releases.addNamespace(), name: 'app' };
  await releases.declare(ref, { chart: chartOf(app), ...spec });
  return ref;
}

describe('writeRelease', () => {
  it('installs a private chart, as the guide has it, into a namespace of its own', async () => {
    const repositories = await releases.addNamespace();
    const { user: username, password } = releases.stack.registryLogin;
    const secretRef = { name: 'harbor-auth', namespace: repositories };
    await releases.apply({ apiVersion: 'v1', kind: 'Secret', metadata: secretRef, stringData: { username, password } });
    await releases.apply({
      apiVersion: 'helm-operator.ketches.cn/v1alpha1',
      kind: 'HelmRepository',
      metadata: { name: 'harbor-helm', namespace: repositories },
      spec: {
        url: app.slice(0, app.lastIndexOf('/')),
        type: 'oci',
        interval: '30m',
        auth: { basic: { secretRef }, tls: { insecureSkipVerify: false } },
      },
    });
    const ref = { namespace: await releases.addNamespace(), name: 'webapp-harbor' };
    const target = { namespace: uniqueName('apps'), name: 'webapp' };
    const metadata = { ...ref, finalizers: ['holdfast.dev/test'] };
    await releases.apply({
      apiVersion: 'helm-operator.ketches.cn/v1alpha1',
      kind: 'HelmRelease',
      metadata,
      spec: {
        chart: chartOf(app),
        release: { ...target, createNamespace: true },
        values: 'message: from the guide\n',
        install: { timeout: '10m', wait: true },
      },
    });

    const call = callOf();
    const result = await releases.write(ref, 'install', { call, attempt: 'abc123' });

    assert.equal(result.kind, 'written');
    const { chartDigest, ...written } = result.written;
    assert.deepEqual(written, { revision: 1, chart: 'app', version: '1.0.0', appVersion: '1' });
    assert.match(chartDigest ?? '', /^sha256:[0-9a-f]{64}$/);
    const config = await releases.get('v1', 'ConfigMap', { namespace: target.namespace, name: 'webapp' });
    assert.deepEqual(config?.['data'], { message: 'from the guide' }, 'a template without a namespace lands there too');
    const [record] = await releases.storage(target).list();
    assert.equal(record?.attempt, 'abc123');
    const started = (await releases.events(ref)).find(({ reason }) => reason === 'InstallStarted');
    assert.equal(
      started?.message,
      `running helm install of webapp: chart app 1.0.0, digest ${chartDigest}, because a test asks for it`,
    );
    assert.equal(call.seen[0]?.is, 'worker', 'until helm is known');
    const process = call.seen.at(-1);
    assert.ok(process != null);
    assert.equal(await isAlive(process), 'dead');
    await releases.kube.request({ method: 'DELETE', path: `/api/v1/namespaces/${target.namespace}` });
  });

  it('upgrades and forgets values that are gone', async () => {
    const ref = await declare({ values: 'message: one\n' });
    await releases.write(ref);
    await releases.declare(ref, { chart: chartOf(app, '1.1.0'), values: '' });
    const result = await releases.write(ref, 'upgrade');
    assert.deepEqual([result.kind, result.written.revision, result.written.version], ['written', 2, '1.1.0']);
    assert.deepEqual((await releases.get('v1', 'ConfigMap', ref))?.['data'], { message: 'hello' });
    const started = (await releases.events(ref)).find(({ reason }) => reason === 'UpgradeStarted');
    assert.match(started?.message ?? '', /^running helm upgrade of app: chart app 1\.0\.0 → 1\.1\.0, digest sha256:/);
  });

  it('keeps them with reuseValues', async () => {
    const ref = await declare({ values: 'message: one\n' });
    await releases.write(ref);
    await releases.declare(ref, { chart: chartOf(app), values: 'replicas: 2\n', upgrade: { reuseValues: true } });
    await releases.write(ref, 'upgrade');
    assert.deepEqual((await releases.get('v1', 'ConfigMap', ref))?.['data'], { message: 'one' });
  });

  it('replaces objects with force, and takes fields back without', async () => {
    const ref = await declare({ values: 'message: one\n' });
    await releases.write(ref);
    await releases.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: ref, data: { message: 'another hand' } });
    await releases.declare(ref, { chart: chartOf(app), values: 'message: two\n' });
    assert.equal((await releases.write(ref, 'upgrade')).kind, 'written');
    assert.deepEqual((await releases.get('v1', 'ConfigMap', ref))?.['data'], { message: 'two' });
    await releases.declare(ref, { chart: chartOf(app), values: 'message: three\n', upgrade: { force: true } });
    assert.equal((await releases.write(ref, 'upgrade')).kind, 'written');
    assert.deepEqual((await releases.get('v1', 'ConfigMap', ref))?.['data'], { message: 'three' });
  });

  it('rolls the pods with recreate, and only then', async () => {
    const restartedAt = async (): Promise<unknown> => {
      const deployment = await releases.get('apps/v1', 'Deployment', ref);
      const { template } = deployment?.['spec'] as { template: { metadata: { annotations?: Record<string, string> } } };
      return template.metadata.annotations?.['kubectl.kubernetes.io/restartedAt'];
    };
    const ref = await declare({ upgrade: { recreate: false } });
    await releases.write(ref);
    await releases.write(ref, 'upgrade');
    assert.equal(await restartedAt(), undefined);
    await releases.declare(ref, { chart: chartOf(app), upgrade: { recreate: true } });
    await releases.write(ref, 'upgrade');
    const first = await restartedAt();
    assert.equal(typeof first, 'string');
    await releases.declare(ref, { chart: chartOf(app), upgrade: { recreate: false } });
    await releases.write(ref, 'upgrade');
    assert.equal(await restartedAt(), first, 'the next upgrade does not roll them back');
  });

  it('keeps as many revisions as maxHistory', async () => {
    const ref = await declare({ upgrade: { maxHistory: 2 } });
    await releases.write(ref);
    for (let i = 0; i < 3; i += 1) await releases.write(ref, 'upgrade');
    assert.deepEqual(
      (await releases.records(ref)).map(({ revision }) => revision),
      [3, 4],
    );
  });

  it('leaves waiting to helm when hooks come after it, and only then', async () => {
    const ref = await declare({ chart: chartOf(hooked) });
    const first = await releases.write(ref);
    assert.deepEqual([first.kind, first.kind === 'written' && first.waitedByHelm], ['written', true]);
    await releases.declare(ref, { chart: chartOf(hooked), upgrade: { wait: false } });
    const second = await releases.write(ref, 'upgrade');
    assert.equal(second.kind === 'written' && second.waitedByHelm, false);
    await releases.declare(ref, { chart: chartOf(hooked), values: 'hook: pre-upgrade\n' });
    const third = await releases.write(ref, 'upgrade');
    assert.equal(third.kind === 'written' && third.waitedByHelm, false);
  });

  it('puts our finalizer on the object before anything can be installed', async () => {
    const ref = await declare({ chart: { ...chartOf(app), version: '9.9.9' } });
    await assert.rejects(releases.write(ref), { code: 'ChartNotFound' });
    const live = await releases.get('helm-operator.ketches.cn/v1alpha1', 'HelmRelease', ref);
    const ours = 'helm-operator.ketches.cn/release-finalizer';
    assert.deepEqual(live?.metadata.finalizers, ['holdfast.dev/test', ours]);
  });

  it('reports what the storage holds when helm fails after it wrote', async () => {
    const ref = await declare({
      chart: chartOf(hooked),
      values: 'stuck: true\nhook: pre-install\n',
      install: { timeout: '2s' },
    });
    const result = await releases.write(ref);
    assert.equal(result.kind, 'releaseFailed');
    assert.equal(result.failure.code, 'InstallFailed');
    assert.match(result.failure.message, /failed .*: resource Job\/.*\/app-hook not ready/);
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'failed' }]);
  });

  it('runs no hooks with disableHooks', async () => {
    const ref = await declare({
      chart: chartOf(hooked),
      values: 'stuck: true\nhook: pre-install\n',
      install: { timeout: '2s', disableHooks: true },
    });
    assert.equal((await releases.write(ref)).kind, 'written');
  });

  const beforeWrite: readonly (readonly [string, object, { code: string; message: RegExp }])[] = [
    [
      'values that do not fit',
      { values: 'replicas: canary-many\n' },
      { code: 'ValuesInvalid', message: /got string, want integer$/ },
    ],
    [
      'a namespace that is not there',
      { release: { namespace: 'nowhere-to-be-found' } },
      { code: 'NamespaceNotFound', message: /createNamespace/ },
    ],
    [
      'a version that is not there',
      { chart: { name: 'app', version: '9.9.9', ociRepository: 'APP' } },
      { code: 'ChartNotFound', message: /^chart app 9\.9\.9 is not at/ },
    ],
  ];
  for (const [name, spec, error] of beforeWrite) {
    it(`writes nothing with ${name}`, async () => {
      const text = JSON.stringify(spec).replace('APP', app);
      const ref = await declare(JSON.parse(text) as object);
      await assert.rejects(releases.write(ref), error);
      assert.deepEqual(await releases.records(ref), []);
    });
  }

  it('tells no value in a failure', async () => {
    const chart = await pushChart(releases.stack, {
      name: 'telltale',
      version: '1.0.0',
      files: {
        'templates/fail.yaml': '{{ fail (printf "bad %s and %s" .Values.password (.Values.password | b64enc)) }}',
      },
    });
    const ref = await declare({ chart: chartOf(chart), values: 'password: canary-of-the-values\n' });
    await assert.rejects(releases.write(ref), (error: Error) => {
      assert.match(error.message, /bad ••• and •••/);
      assert.doesNotMatch(error.message, /canary|Y2FuYXJ5/);
      return true;
    });
  });

  it('refuses a stale decision', async () => {
    const ref = await declare({});
    const write = releases.write(ref);
    await write;
    const input = { ref, action: 'upgrade' as const };
    await assert.rejects(
      (async () => {
        const second = releases.write(input.ref, 'upgrade');
        const third = releases.write(input.ref, 'upgrade');
        await Promise.all([second, third]);
      })(),
      { code: 'Conflict', message: /the newest revision of release .* is 2 by now/ },
      'one helm per release at a time, and the second sees what the first did',
    );
  });

  it('is told to stop with its worker, and leaves a record that is closed', async () => {
    const ref = await declare({
      chart: chartOf(hooked),
      values: 'stuck: true\nhook: pre-install\n',
      install: { timeout: '5m' },
    });
    const stop = new AbortController();
    const call = callOf(stop.signal);
    const writing = releases.write(ref, 'install', { call });
    const interrupted = assert.rejects(writing, { code: 'Interrupted', message: 'helm install was told to stop' });
    while ((await releases.records(ref)).length === 0) await sleep(50);
    stop.abort();
    await interrupted;
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'failed' }]);
  });

  it('calls it interrupted when helm is killed, and leaves its record to be unlocked', async () => {
    const ref = await declare({
      chart: chartOf(hooked),
      values: 'stuck: true\nhook: pre-install\n',
      install: { timeout: '5m' },
    });
    const call = callOf();
    const writing = releases.write(ref, 'install', { call });
    const interrupted = assert.rejects(writing, { code: 'Interrupted', message: 'helm install was killed by SIGKILL' });
    while ((await releases.records(ref)).length === 0) await sleep(50);
    process.kill(call.seen.at(-1)?.pid ?? 0, 'SIGKILL');
    await interrupted;
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'pending-install' }]);
  });

  it('leaves nothing on disk but what is shared', () => {
    assert.deepEqual(
      readdirSync(releases.tools.folders.tmp).filter((name) => name !== 'discovery'),
      [],
    );
  });
});
