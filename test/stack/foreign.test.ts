import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { applyCrds } from '../../stack/crds.ts';
import { readRunning } from '../../stack/processes.ts';
import { pushChart } from '../support/chart.ts';
import { cliEnvironment, run, runCli, type Result } from '../support/cli.ts';
import { kubectl, ownStack, temporaryFolder, type SharedStack } from '../support/harness.ts';

/** A cluster and a Temporal that are not the embedded ones; each test goes on where the one before it ended. */
describe('npm start and npm run remove on a foreign cluster', () => {
  const folder = temporaryFolder();
  const root = join(folder, 'state');
  const kubeconfig = join(folder, 'foreign.kubeconfig');
  let stack: SharedStack;
  let env: Record<string, string> = {};

  before(async () => {
    stack = await ownStack();
    env = await cliEnvironment(root, folder);
    writeFileSync(kubeconfig, withExecPlugin(stack.kubeconfig, folder));
  });
  after(() => cli('stop'));

  const cli = (...args: readonly string[]): Promise<Result> => runCli(env, ...args);
  const crds = async (): Promise<string> => kubectl(stack, ['get', 'customresourcedefinitions', '--output=name']);
  const helmList = async (): Promise<string> => {
    const { output } = await run(
      join(stack.bin, 'helm'),
      ['list', '--namespace=default', '--short', `--kubeconfig=${stack.kubeconfig}`],
      { PATH: env['PATH'] ?? '', HOME: folder },
    );
    return output.trim();
  };

  it('lists the rights that are missing', async () => {
    const weak = join(folder, 'weak.kubeconfig');
    writeFileSync(weak, withImpersonation(stack.kubeconfig, 'nobody'));
    const { code, output } = await cli('start', '--detach', '--kubeconfig', weak);
    assert.equal(code, 1);
    assert.match(
      output,
      /lacks these rights in all namespaces:[^]*list helmreleases\.helm-operator\.ketches\.cn[^]*create events/,
    );
  });

  it('takes CRDs of somebody else over only when told to', async () => {
    await kubectl(stack, ['label', 'crd', 'helmreleases.helm-operator.ketches.cn', 'app.kubernetes.io/managed-by-']);
    const { code, output } = await cli('start', '--detach', '--kubeconfig', kubeconfig, '--yes');
    assert.equal(code, 1);
    assert.match(output, /someone else installed: helmreleases\.helm-operator\.ketches\.cn; with --adopt-crds/);
  });

  it('shows host, context and changes, and writes nothing without a word', async () => {
    const { code, output } = await cli('start', '--detach', '--kubeconfig', kubeconfig, '--adopt-crds');
    assert.equal(code, 1);
    assert.match(output, /cluster: https:\/\/127\.0\.0\.1:\d+, context holdfast of/);
    assert.match(output, /update: .*\n {2}take over: helmreleases\.helm-operator\.ketches\.cn/);
    assert.match(output, /there is no terminal to ask on: add --yes/);
    assert.ok(!existsSync(join(root, 'plan.json')));
  });

  it('runs worker and API against it, and nothing else', async () => {
    const flags = ['--kubeconfig', kubeconfig, '--adopt-crds', '--yes', '--temporal', stack.temporalAddress];
    const { code, output } = await cli('start', '--detach', ...flags);
    assert.equal(code, 0, output);
    assert.deepEqual(readPids(root), ['api', 'worker']);
    const env = readFileSync(join(root, 'env'), 'utf8');
    assert.ok(env.includes(`export KUBECONFIG='${kubeconfig}'`));
    assert.ok(env.includes(`export TEMPORAL_ADDRESS='${stack.temporalAddress}'`));
    await installRelease(stack);
    assert.equal(await helmList(), 'mine\nmine-after');
  });

  it('removes releases, objects, finalizers and CRDs, and stops the stack for it', async () => {
    const { code, output } = await cli('remove', '--kubeconfig', kubeconfig, '--yes');
    assert.equal(code, 0, output);
    assert.match(output, /stopped the stack/);
    assert.match(output, /uninstalled default\/mine-after\nuninstalled default\/mine\n/);
    assert.deepEqual(readPids(root), []);
    assert.equal(await helmList(), '');
    assert.doesNotMatch(await crds(), /helm-operator|holdfast/);
    assert.match((await cli('remove', '--kubeconfig', kubeconfig, '--yes')).output, /nothing of Holdfast is there/);
  });

  it('keeps releases when told to, with the stack down', async () => {
    await applyCrds({ bin: stack.bin, home: folder, kubeconfig: stack.kubeconfig });
    const chart = fileURLToPath(new URL('../../examples/charts/webservice', import.meta.url));
    const helm = ['install', 'kept', chart, '--namespace=default', `--kubeconfig=${stack.kubeconfig}`];
    const helmEnv = { PATH: env['PATH'] ?? '', HOME: folder };
    assert.equal((await run(join(stack.bin, 'helm'), helm, helmEnv)).code, 0);
    const owner = createHash('sha256').update('holdfast/default/kept').digest('hex').slice(0, 40);
    await kubectl(stack, ['label', 'secret', 'sh.helm.release.v1.kept.v1', `holdfast.dev/owner=${owner}`]);
    const object = release('kept', 'oci://registry.example.com/charts/webservice');
    const finalizers = ['helm-operator.ketches.cn/release-finalizer'];
    const held = { ...object, metadata: { name: 'kept', finalizers } };
    await kubectl(stack, ['apply', '-f', '-'], JSON.stringify(held));

    const plan = await cli('remove', '--kubeconfig', kubeconfig);
    assert.match(plan.output, /uninstall release default\/kept[^]*add --yes/);
    const { code, output } = await cli('remove', '--kubeconfig', kubeconfig, '--keep-releases', '--yes');
    assert.equal(code, 0, output);
    assert.equal(await helmList(), 'kept');
    assert.doesNotMatch(await crds(), /helm-operator|holdfast/);
  });
});

function release(name: string, ociRepository: string) {
  return {
    apiVersion: 'helm-operator.ketches.cn/v1alpha1',
    kind: 'HelmRelease',
    metadata: { name },
    spec: { chart: { name, version: '1.0.0', ociRepository }, release: { name, namespace: 'default' } },
  };
}

async function installRelease(stack: SharedStack): Promise<void> {
  const url = await pushChart(stack, { name: 'mine', version: '1.0.0' });
  const { user, password } = stack.registryLogin;
  const objects = [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, stringData: { username: user, password } },
    {
      apiVersion: 'helm-operator.ketches.cn/v1alpha1',
      kind: 'HelmRepository',
      metadata: { name: 'charts' },
      spec: {
        type: 'oci',
        url: url.slice(0, url.lastIndexOf('/')),
        auth: { basic: { secretRef: { name: 'login', namespace: 'default' } } },
      },
    },
    release('mine', url),
    afterMine(url),
  ];
  await kubectl(stack, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const names = ['helmrelease/mine', 'helmrelease/mine-after'];
  await kubectl(stack, ['wait', ...names, '--for=condition=Ready', '--timeout=90s']);
}

/** Comes after `mine`, and its release has the name of the object. */
function afterMine(ociRepository: string): object {
  const chart = { name: 'mine', version: '1.0.0', ociRepository };
  const { apiVersion, kind } = release('mine', ociRepository);
  return { apiVersion, kind, metadata: { name: 'mine-after' }, spec: { chart, dependsOn: [{ name: 'mine' }] } };
}

function readPids(root: string): string[] {
  return readRunning(join(root, 'run'))
    .map(({ name }) => name)
    .sort();
}

interface Kubeconfig {
  readonly users: readonly { readonly name: string; readonly user: { readonly token: string } }[];
}

function withUser(file: string, change: (user: { readonly token: string }) => object): string {
  // Written by the test stack, as JSON.
  const config = JSON.parse(readFileSync(file, 'utf8')) as Kubeconfig;
  return JSON.stringify({ ...config, users: config.users.map(({ name, user }) => ({ name, user: change(user) })) });
}

/** The same user, as a cloud's kubeconfig would name it: by a program that prints the token. */
function withExecPlugin(file: string, folder: string): string {
  return withUser(file, ({ token }) => {
    const apiVersion = 'client.authentication.k8s.io/v1';
    const credential = { apiVersion, kind: 'ExecCredential', status: { token } };
    const plugin = join(folder, 'credential');
    writeFileSync(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`, { mode: 0o700 });
    return { exec: { apiVersion, command: plugin, interactiveMode: 'Never' } };
  });
}

function withImpersonation(file: string, name: string): string {
  return withUser(file, (user) => ({ ...user, as: name }));
}
