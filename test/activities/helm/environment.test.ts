import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { helmEnvironment } from '../../../activities/helm/environment.ts';
import { sharedStack, temporaryFolder } from '../../support/harness.ts';

interface Kubeconfig {
  readonly users: readonly { readonly name: string; readonly user: Readonly<Record<string, string>> }[];
}

describe('the environment of helm', () => {
  it('reads and writes nothing of the user', async () => {
    const stack = await sharedStack('kubernetes');
    const home = temporaryFolder();
    const folder = temporaryFolder();
    const discovery = join(temporaryFolder(), 'discovery');
    mkdirSync(join(home, '.kube'));
    writeFileSync(join(home, '.kube', 'config'), 'a decoy');
    Object.assign(process.env, {
      KUBECONFIG: join(home, '.kube', 'config'),
      HELM_NAMESPACE: 'decoy',
      HELM_DRIVER: 'memory',
    });
    const env = await helmEnvironment(folder, { discovery, kubeconfig: stack.kubeconfig });
    assert.deepEqual(
      [env['HOME'], env['KUBECONFIG'], env['HELM_NAMESPACE'], env['HELM_DRIVER']],
      [folder, undefined, undefined, 'secret'],
    );
    const args = ['template', 'x', '--dry-run=server', `--kubeconfig=${stack.kubeconfig}`, chartIn(folder)];
    await promisify(execFile)(join(stack.bin, 'helm'), args, { env, cwd: folder });
    assert.deepEqual(readdirSync(home), ['.kube']);
    assert.deepEqual(readdirSync(join(home, '.kube')), ['config']);
    assert.ok(existsSync(discovery), 'what was learnt about the API server is kept');
  });

  it('lets a credential plugin find its own login', async () => {
    const stack = await sharedStack('kubernetes');
    const folder = temporaryFolder();
    const kubeconfig = join(folder, 'kubeconfig');
    const config = parse(readFileSync(stack.kubeconfig, 'utf8')) as Kubeconfig;
    const user: Readonly<Record<string, string>> = config.users[0]?.user ?? {};
    const status = {
      clientCertificateData: decode(user['client-certificate-data']),
      clientKeyData: decode(user['client-key-data']),
      token: user['token'],
    };
    const login = join(folder, 'login.json');
    writeFileSync(
      login,
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }),
    );
    const command = join(folder, 'plugin');
    writeFileSync(command, '#!/bin/sh\ncat "$CLOUD_LOGIN_FILE"\n');
    chmodSync(command, 0o700);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' };
    const users = config.users.map(({ name }) => ({ name, user: { exec } }));
    writeFileSync(kubeconfig, stringify({ ...config, users }));

    process.env['CLOUD_LOGIN_FILE'] = login;
    const env = await helmEnvironment(folder, { discovery: join(folder, 'discovery'), kubeconfig });
    assert.equal(env['HOME'], process.env['HOME']);
    assert.equal(env['KUBECONFIG'], undefined);
    const { stdout } = await promisify(execFile)(join(stack.bin, 'helm'), ['list', `--kubeconfig=${kubeconfig}`], {
      env,
    });
    assert.match(stdout, /^NAME/);
    const plain = await helmEnvironment(folder, { discovery: join(folder, 'discovery'), kubeconfig: stack.kubeconfig });
    assert.equal(plain['CLOUD_LOGIN_FILE'], undefined);
  });
});

function decode(data: string | undefined): string | undefined {
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8');
}

function chartIn(folder: string): string {
  const chart = join(folder, 'chart');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: chart\nversion: 1.0.0\n');
  writeFileSync(join(chart, 'templates', 'x.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n');
  return chart;
}
