import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, after } from 'node:test';
import { startGitServer, type GitServer } from '../../stack/services/git-server.ts';
import { kubectl, sharedStack, temporaryFolder, uniqueNamespace, type SharedStack } from '../support/harness.ts';

describe('the control plane', () => {
  let stack: SharedStack;
  let namespace: string;
  before(async () => {
    stack = await sharedStack('kubernetes');
    namespace = await uniqueNamespace(stack);
  });

  it('verifies TLS with the CA of its kubeconfig', async () => {
    assert.match(await kubectl(stack, ['get', '--raw', '/readyz']), /^ok$/m);
  });

  it('makes pods ready at once, late or never, as their labels say', async () => {
    await kubectl(
      stack,
      ['apply', '-n', namespace, '-f', '-'],
      JSON.stringify(
        list([
          pod('plain', {}),
          pod('late', { 'holdfast.dev/test-ready-after': '1500ms' }),
          pod('never', { 'holdfast.dev/test-ready': 'never' }),
        ]),
      ),
    );
    await kubectl(stack, ['wait', 'pod/plain', 'pod/late', '-n', namespace, '--for=condition=Ready', '--timeout=20s']);
    await kubectl(stack, ['wait', 'pod/never', '-n', namespace, '--for=condition=Ready=False', '--timeout=20s']);
  });

  it('completes Jobs and fails those that are to fail', async () => {
    await kubectl(
      stack,
      ['apply', '-n', namespace, '-f', '-'],
      JSON.stringify(list([job('good', {}), job('bad', { 'holdfast.dev/test-exit': 'failed' })])),
    );
    await kubectl(stack, ['wait', 'job/good', '-n', namespace, '--for=condition=Complete', '--timeout=20s']);
    await kubectl(stack, ['wait', 'job/bad', '-n', namespace, '--for=condition=Failed', '--timeout=20s']);
  });
});

describe('the registry', () => {
  it('lets only its login in', async () => {
    const { registry, registryLogin } = await sharedStack('registry');
    const url = `http://${registry}/v2/`;
    assert.equal((await fetch(url)).status, 401);
    const basic = Buffer.from(`${registryLogin.user}:${registryLogin.password}`).toString('base64');
    assert.equal((await fetch(url, { headers: { authorization: `Basic ${basic}` } })).status, 200);
    const wrong = Buffer.from(`${registryLogin.user}:wrong`).toString('base64');
    assert.equal((await fetch(url, { headers: { authorization: `Basic ${wrong}` } })).status, 401);
  });
});

describe('the Git server', () => {
  const folder = temporaryFolder();
  const login = { user: 'git', password: 'a-password' };
  let server: GitServer;
  before(async () => {
    for (const name of ['open', 'closed'])
      git('.', 'init', '--quiet', '--bare', '--initial-branch=main', `${name}.git`);
    server = await startGitServer({
      root: folder,
      port: 0,
      home: folder,
      access: (name) => ({ read: name === 'open' ? 'anyone' : 'login', logins: [login] }),
    });
  });
  after(() => server.close());

  function git(cwd: string, ...args: string[]): string {
    return execFileSync('git', args, {
      cwd: join(folder, cwd),
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  const withLogin = (name: string): string =>
    server.url.replace('//', `//${login.user}:${login.password}@`) + `/${name}.git`;

  // The server runs in this process: git must not block it.
  it('takes pushes from its login only', async () => {
    mkdirSync(join(folder, 'work'));
    git('work', 'init', '--quiet', '--initial-branch=main');
    writeFileSync(join(folder, 'work', 'file'), 'content\n');
    git('work', 'add', 'file');
    git('work', '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', 'first');
    assert.notEqual(await gitAsync('work', 'push', `${server.url}/open.git`, 'main'), 0);
    assert.equal(await gitAsync('work', 'push', withLogin('open'), 'main'), 0);
    assert.equal(await gitAsync('work', 'push', withLogin('closed'), 'main'), 0);
  });

  it('lets everyone read what is open and its login what is not', async () => {
    assert.equal(await gitAsync('.', 'ls-remote', `${server.url}/open.git`), 0);
    assert.notEqual(await gitAsync('.', 'ls-remote', `${server.url}/closed.git`), 0);
    assert.equal(await gitAsync('.', 'clone', '--quiet', withLogin('closed'), 'clone'), 0);
    assert.notEqual(await gitAsync('.', 'ls-remote', `${server.url}/absent.git`), 0);
  });

  function gitAsync(cwd: string, ...args: string[]): Promise<number | null> {
    return new Promise((resolve) => {
      spawn('git', args, {
        cwd: join(folder, cwd),
        env: { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
        stdio: 'ignore',
      }).once('exit', resolve);
    });
  }
});

function list(items: readonly unknown[]): unknown {
  return { apiVersion: 'v1', kind: 'List', items };
}

function pod(name: string, labels: Readonly<Record<string, string>>): unknown {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { containers: [container] } };
}

const container = { name: 'main', image: 'example.test/main:1' };

function job(name: string, labels: Readonly<Record<string, string>>): unknown {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [container] } },
    },
  };
}
