import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { kubectl, uniqueName } from '../../support/harness.ts';
import type { TestCluster } from '../kube/cluster.ts';
import { closeStage, config, find, newRepository, openStage, read, release, scene, Scene } from './scene.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await openStage();
});
after(closeStage);

describe('a pass', () => {
  let it1: Scene;
  beforeEach(async () => {
    it1 = await scene();
  });

  it('applies what is new or changed, and says in which revision an object changed last', async () => {
    const first = await it1.repository.commit({ 'a.yaml': config('a'), 'b.yaml': config('b') });
    await it1.declare();
    const pass = await it1.sync();
    assert.deepEqual(
      [pass.revision, pass.applied, pass.unchanged, pass.problemCount, pass.inventory],
      [`main@${first}`, 2, 0, 0, 2],
    );
    const a = await it1.config('a');
    assert.equal(a?.metadata.labels?.['holdfast.dev/source-namespace'], it1.namespace);
    assert.equal(a.metadata.labels['holdfast.dev/source-name'], it1.name);
    assert.equal(a.metadata.annotations?.['holdfast.dev/source-revision'], `main@${first}`);

    const second = await it1.repository.commit({ 'b.yaml': config('b', { a: '2' }) });
    const next = await it1.sync();
    assert.deepEqual([next.applied, next.unchanged], [1, 1]);
    assert.equal((await it1.config('a'))?.metadata.annotations?.['holdfast.dev/source-revision'], `main@${first}`);
    assert.equal((await it1.config('b'))?.metadata.annotations?.['holdfast.dev/source-revision'], `main@${second}`);
    assert.deepEqual(await it1.inventory(), [`${it1.namespace}_a__ConfigMap`, `${it1.namespace}_b__ConfigMap`]);
    assert.deepEqual((await it1.self()).metadata.finalizers, ['holdfast.dev/finalizer']);
  });

  it('takes back what was changed by hand', async () => {
    await it1.repository.commit({ 'a.yaml': config('a') });
    await it1.declare();
    await it1.sync();
    await kubectl(cluster.stack, ['-n', it1.namespace, 'patch', 'configmap', 'a', '-p', '{"data":{"a":"9"}}']);
    assert.equal((await it1.sync()).applied, 1);
    assert.deepEqual((await it1.config('a'))?.data, { a: '1' });
  });

  it('writes nothing when nothing changed', async () => {
    await it1.repository.commit({ 'a.yaml': config('a') });
    await it1.declare();
    await it1.report(await it1.sync());
    const before = await it1.report(await it1.sync());
    const after = await it1.report(await it1.sync());
    assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
  });

  it('removes a key that is removed in Git, though kubectl had applied it before', async () => {
    await kubectl(cluster.stack, ['-n', it1.namespace, 'apply', '-f', '-'], config('a', { a: '1', old: 'x' }));
    await it1.repository.commit({ 'a.yaml': config('a', { a: '2' }) });
    await it1.declare();
    assert.equal((await it1.sync()).problemCount, 0);
    const a = await it1.config('a');
    assert.deepEqual(a?.data, { a: '2' });
    assert.equal(a.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], undefined);
  });

  it('removes a key of stringData that is removed in Git', async () => {
    const secret = (stringData: object): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData });
    await it1.repository.commit({ 's.yaml': secret({ a: 'one', b: 'two' }) });
    await it1.declare();
    await it1.sync();
    await it1.repository.commit({ 's.yaml': secret({ a: 'one' }) });
    await it1.sync();
    assert.deepEqual((await read('v1', 'Secret', { namespace: it1.namespace, name: 's' })).data, {
      a: Buffer.from('one').toString('base64'),
    });
  });

  it('reports one bad document with file and line, applies all others, and prunes nothing', async () => {
    await it1.repository.commit({ 'a.yaml': config('a'), 'b.yaml': config('b'), 'c.yaml': release('c') });
    await it1.declare();
    await it1.sync();
    await it1.repository.commit({
      'a.yaml': null,
      'b.yaml': 'apiVersion: v1\nkind: ConfigMap\n  metadata: {}\n',
      'c.yaml': release('c', { nonsense: true }),
      'd.yaml': config('d'),
    });
    const pass = await it1.sync();
    assert.deepEqual(
      pass.problems.map(({ where, code }) => [where, code]),
      [
        ['b.yaml:2', 'ManifestInvalid'],
        ['c.yaml:1', 'ManifestInvalid'],
      ],
    );
    assert.match(pass.problems[1]?.message ?? '', /HelmRelease .*\/c is refused: .*spec\.nonsense/);
    assert.match(pass.pruneHeldBack ?? '', /2 objects are gone from Git but stay/);
    assert.deepEqual(pass.prune, []);
    for (const name of ['a', 'b', 'd']) assert.ok((await it1.config(name)) !== null, name);
    const { status } = await it1.report(pass);
    assert.match(status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '', /b\.yaml:2: /);
    assert.equal(status?.revision, undefined);

    await it1.repository.commit({ 'b.yaml': config('b'), 'c.yaml': release('c') });
    const mended = await it1.sync();
    assert.deepEqual([mended.problemCount, mended.prune], [0, [`ConfigMap ${it1.namespace}/a`]]);
  });

  it('refuses an object of another GitRepository, naming it, until that one is gone', async () => {
    const other = new Scene(await newRepository(uniqueName('other')), it1.namespace, uniqueName('other'));
    await other.repository.commit({ 'a.yaml': config('a', { from: 'other' }) });
    await other.declare();
    await other.sync();
    await it1.repository.commit({ 'a.yaml': config('a', { from: 'mine' }), 'b.yaml': config('b') });
    await it1.declare();
    const pass = await it1.sync();
    assert.deepEqual(
      pass.problems.map(({ code }) => code),
      ['OwnedByAnother'],
    );
    assert.match(
      pass.problems[0]?.message ?? '',
      new RegExp(`belongs to GitRepository ${other.namespace}/${other.name}`),
    );
    assert.deepEqual((await it1.config('a'))?.data, { from: 'other' });
    assert.ok((await it1.config('b')) !== null);

    await kubectl(cluster.stack, ['-n', other.namespace, 'delete', 'gitrepository', other.name, '--wait=false']);
    await other.prune();
    assert.equal((await it1.sync()).problemCount, 0);
    assert.deepEqual((await it1.config('a'))?.data, { from: 'mine' });
  });

  it('names the way out for kinds that need an account, and applies them as that account', async () => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'extra' } };
    await it1.repository.commit({ 'sa.yaml': JSON.stringify(account), 'a.yaml': config('a') });
    await it1.declare();
    const [problem] = (await it1.sync()).problems;
    assert.equal(problem?.code, 'Forbidden');
    assert.match(problem.message, /spec\.serviceAccountName/);

    const { namespace } = it1;
    await kubectl(cluster.stack, ['-n', namespace, 'create', 'serviceaccount', 'deployer']);
    await it1.declare({ serviceAccountName: 'deployer' });
    const refused = await it1.sync();
    assert.deepEqual(
      refused.problems.map(({ code }) => code),
      ['Forbidden', 'Forbidden'],
    );
    await kubectl(cluster.stack, [
      '-n',
      namespace,
      'create',
      'rolebinding',
      'd',
      '--clusterrole=admin',
      `--serviceaccount=${namespace}:deployer`,
    ]);
    let pass = await it1.sync();
    // The authorizer learns of a new binding a moment later.
    while (pass.problemCount > 0) pass = await it1.sync();
    assert.ok((await find('v1', 'ServiceAccount', { namespace, name: 'extra' })) !== null);
  });

  it('has the rights of the default account when it names none', async () => {
    const { namespace } = it1;
    await it1.repository.commit({ 'a.yaml': config('a') });
    await it1.declare();
    const [problem] = (await it1.sync('default')).problems;
    assert.equal(problem?.code, 'Forbidden');
    assert.match(problem.message, new RegExp(`forbidden for ServiceAccount ${namespace}/default`));
    assert.equal(await it1.config('a'), null);
  });

  it('applies a namespace, what goes into it, a CRD and an object of it in one pass', async () => {
    const group = `${uniqueName('g')}.example.com`;
    const target = uniqueName('made');
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `widgets.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    await it1.repository.commit({
      'a.yaml': JSON.stringify({
        apiVersion: `${group}/v1`,
        kind: 'Widget',
        metadata: { name: 'w', namespace: target },
      }),
      'b.yaml': config('in-it', {}, { namespace: target }),
      'y.yaml': JSON.stringify(crd),
      'z.yaml': JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: target } }),
    });
    await kubectl(cluster.stack, ['-n', it1.namespace, 'create', 'serviceaccount', 'root']);
    const binding = uniqueName('root');
    const subject = `--serviceaccount=${it1.namespace}:root`;
    await kubectl(cluster.stack, ['create', 'clusterrolebinding', binding, '--clusterrole=cluster-admin', subject]);
    await it1.declare({ serviceAccountName: 'root' });
    let pass = await it1.sync();
    while (pass.problems.some(({ code }) => code === 'Forbidden')) pass = await it1.sync();
    assert.deepEqual(pass.problems, []);
    assert.ok((await find(`${group}/v1`, 'Widget', { namespace: target, name: 'w' })) !== null);
    await kubectl(cluster.stack, ['delete', 'crd', `widgets.${group}`]);
    await kubectl(cluster.stack, ['delete', 'clusterrolebinding', binding]);
    await kubectl(cluster.stack, ['delete', 'namespace', target, '--wait=false']);
  });

  it('says which namespace is missing', async () => {
    await it1.repository.commit({ 'a.yaml': config('a', {}, { namespace: 'there-is-none' }) });
    await it1.declare();
    const [problem] = (await it1.sync()).problems;
    assert.equal(problem?.code, 'NamespaceNotFound');
    assert.match(problem.message, /"there-is-none" not found/);
  });

  it('keeps the values of a Secret out of its problem', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      type: 'Opaque',
      data: { a: 'canary-n0t-base64' },
    };
    await it1.repository.commit({ 's.yaml': JSON.stringify(secret) });
    await it1.declare();
    const [problem] = (await it1.sync()).problems;
    assert.ok(problem !== undefined);
    assert.doesNotMatch(problem.message, /canary-n0t-base64/);
  });

  it('reads a private repository with the Secret of its namespace, and tells what is wrong with it', async () => {
    const own = await scene('private');
    await own.repository.commit({ 'a.yaml': config('a') });
    await own.declare({ secretRef: { name: 'git' } });
    await assert.rejects(own.sync(), { code: 'SecretNotFound' });
    const secret = (stringData: object): Promise<unknown> =>
      kubectl(
        cluster.stack,
        ['-n', own.namespace, 'apply', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'git' }, stringData }),
      );
    await secret({ username: 'reader' });
    await assert.rejects(own.sync(), { code: 'SecretInvalid', message: /no key password/ });
    await secret({ username: 'reader', password: 'wrong-canary' });
    await assert.rejects(own.sync(), (error: Error) => {
      assert.equal('code' in error && error.code, 'GitAuthRejected');
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
    await secret({ username: 'reader', password: 'canary-5up3r' });
    assert.equal((await own.sync()).applied, 1);
  });

  it('gives up on a server that does not answer after spec.timeout', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/a.git`;
      await it1.declare({ url, timeout: '500ms' });
      await assert.rejects(it1.sync(), { code: 'GitUnreachable', message: /was not fetched within 0\.5 s/ });
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });

  it('does nothing while suspended, and refuses what it does not support', async () => {
    await it1.repository.commit({ 'a.yaml': config('a') });
    await it1.declare({ suspend: true });
    const pass = await it1.sync();
    assert.deepEqual([pass.suspended, pass.applied], [true, 0]);
    assert.equal(await it1.config('a'), null);
    await it1.declare({ ref: { semver: '>=1' } });
    await assert.rejects(it1.sync(), { code: 'FieldNotSupported' });
    assert.equal(await it1.syncOrNull({ ...it1.ref, name: 'gone' }), null);
  });
});
