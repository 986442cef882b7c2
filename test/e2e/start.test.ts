import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, readProcess, readRunning, type ProcessIdentity } from '../../stack/processes.ts';
import { CLI, cliEnvironment, run, runCli, type Result } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

/** One stack through its whole life, as a newcomer drives it; each test goes on where the one before it ended. */
describe('npm start', () => {
  const folder = temporaryFolder();
  const root = join(folder, 'state');
  const home = join(folder, 'home');
  const decoy = createServer((socket) => {
    decoyCalls += 1;
    socket.destroy();
  });
  let decoyCalls = 0;
  let env: Record<string, string> = {};
  let started: readonly ProcessIdentity[] = [];

  before(async () => {
    await new Promise<void>((resolve) => decoy.listen(0, '127.0.0.1', resolve));
    const address = decoy.address();
    assert.ok(address !== null && typeof address === 'object');
    const kubeconfig = writeDecoys(home, address.port);
    env = {
      ...(await cliEnvironment(root, home)),
      KUBECONFIG: kubeconfig,
      TEMPORAL_ADDRESS: `127.0.0.1:${address.port}`,
      DOCKER_CONFIG: join(home, '.docker'),
      HELM_REGISTRY_CONFIG: join(home, '.docker', 'config.json'),
    };
  });
  after(async () => {
    await cli('stop');
    decoy.close();
  });

  const cli = (...args: readonly string[]): Promise<Result> => runCli(env, ...args);
  const shell = async (script: string): Promise<string> => {
    const { code, output } = await run('sh', ['-ec', `. '${join(root, 'env')}'\n${script}`], {
      PATH: env['PATH'] ?? '',
      HOME: folder,
    });
    assert.equal(code, 0, output);
    return output;
  };
  const helmRevision = (name: string): Promise<string> =>
    shell(`helm list --namespace sample --filter '^${name}$' --output json`).then((text) => {
      const [release] = JSON.parse(text) as { revision: string }[];
      return release?.revision ?? 'none';
    });

  it('comes back when the sample is Ready', async () => {
    const { code, output } = await cli('start', '--detach');
    assert.equal(code, 0, output);
    assert.match(output, /^Holdfast starts Temporal, a Kubernetes control plane/);
    assert.match(output, /all releases Ready after/);
    for (const word of ['Temporal UI', 'API', 'kubeconfig', 'git clone', 'git push', 'curl'])
      assert.ok(output.includes(word), word);
    for (const secret of ['registry-auth', 'git-auth', 'api-token']) {
      const value = readFileSync(join(root, secret), 'utf8').trim().split(':').at(-1) ?? '';
      assert.ok(value !== '' && !output.includes(value), `${secret} is shown`);
    }
    started = [...readRunning(join(root, 'run')), ...readRunning(join(root, 'lock'))];
    assert.ok(started.length >= 10);
  });

  it('writes an env file whose variables work', async () => {
    assert.equal(
      (await shell('kubectl get helmreleases --namespace sample --output name')).trim().split('\n').length,
      3,
    );
    assert.match(await shell('temporal workflow count --query \'WorkflowType="helmRelease"\''), /3/);
    assert.match(await shell('helm list --namespace sample --short'), /catalog/);
    assert.match(
      await shell(
        'oras repo tags "$HOLDFAST_REGISTRY/charts/webservice" --plain-http --username "$(cut -d: -f1 "$HOLDFAST_REGISTRY_AUTH")" --password "$(cut -d: -f2 "$HOLDFAST_REGISTRY_AUTH")"',
      ),
      /1\.0\.0\s+1\.1\.0/,
    );
    const variables = await shell('printf "%s\\n" "$HOLDFAST_API" "$TEMPORAL_UI"; cat "$HOLDFAST_TOKEN_FILE"');
    const [api = '', ui = '', token = ''] = variables.trim().split('\n');
    const response = await fetch(`${api}/v1/helmreleases`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 200);
    assert.equal((await fetch(`${api}/v1/helmreleases`)).status, 401);
    assert.equal((await fetch(ui)).status, 200);
  });

  it('keeps its state from others', () => {
    assert.equal(modeOf(root), '700');
    for (const name of readdirSync(root, { withFileTypes: true })) {
      if (name.isFile() && name.name !== 'ports.json') {
        assert.match(modeOf(join(root, name.name)), /^[67]00$/, `${name.name} can be read by others`);
      }
    }
  });

  it('leaves a foreign kubeconfig, Temporal, helm and docker alone', () => {
    assert.equal(decoyCalls, 0);
    assert.deepEqual(readdirSync(home).sort(), ['.docker', '.kube']);
    assert.deepEqual(readdirSync(join(home, '.docker')), ['config.json']);
    assert.equal(readFileSync(join(home, '.docker', 'config.json'), 'utf8'), '{"auths":{}}');
    assert.deepEqual(readdirSync(join(home, '.kube')), ['config']);
  });

  it('rolls out what is pushed', async () => {
    const output = await shell(`
      cd '${folder}'
      git clone --quiet "$HOLDFAST_SAMPLE_GIT" work
      cd work
      sed -i.bak 's/replicaCount: 2/replicaCount: 3/' releases/catalog.yaml
      git -c user.name=Tester -c user.email=tester@example.com commit --quiet --all --message 'Scale the catalog'
      git push origin HEAD:main 2>&1`);
    assert.match(output, /remote: holdfast: syncing/);
    await until(async () => (await helmRevision('catalog')) === '2');
    await shell('kubectl wait helmrelease/catalog --namespace sample --for=condition=Ready --timeout=60s');
    assert.equal(
      await shell('kubectl get deployment catalog-webservice -n sample -o jsonpath="{.spec.replicas}"'),
      '3',
    );
    assert.equal(await helmRevision('cart'), '1');
  });

  it('refuses a second stack in the same folder', async () => {
    const { code, output } = await cli('start', '--detach');
    assert.equal(code, 1);
    assert.match(output, /runs already .* npm stop/);
  });

  it('starts a worker again that was killed', async () => {
    const worker = readProcess(join(root, 'run'), 'worker');
    assert.ok(worker);
    process.kill(worker.pid, 'SIGKILL');
    await until(() => {
      const now = readProcess(join(root, 'run'), 'worker');
      return Promise.resolve(now !== null && now.pid !== worker.pid);
    });
  });

  it('goes on after the machine has slept', async () => {
    const frozen = [...readRunning(join(root, 'lock')), ...readRunning(join(root, 'run'))];
    signal(frozen, 'SIGSTOP');
    // Longer than every heartbeat timeout, so that all of them are over when it wakes.
    await delay(SLEEP_MS);
    signal(frozen, 'SIGCONT');
    await shell(`
      cd '${folder}/work'
      sed -i.bak 's/replicaCount: 3/replicaCount: 4/' releases/catalog.yaml
      git -c user.name=Tester -c user.email=tester@example.com commit --quiet --all --message 'Scale it again'
      git push --quiet origin HEAD:main 2>&1`);
    await until(async () => (await helmRevision('catalog')) === '3');
    await shell('kubectl wait helmreleases --all --namespace sample --for=condition=Ready --timeout=60s');
    assert.equal(await helmRevision('cart'), '1');
  });

  it('clears away a half-dead stack and finds everything as it was', async () => {
    const supervisor = readProcess(join(root, 'lock'), 'supervisor');
    assert.ok(supervisor);
    process.kill(supervisor.pid, 'SIGKILL');
    const before = readFileSync(join(root, 'ports.json'), 'utf8');
    const { code, output } = await cli('start', '--detach');
    assert.equal(code, 0, output);
    assert.match(output, /an earlier stack was not stopped properly; ended what was left: .*etcd/);
    assert.equal(readFileSync(join(root, 'ports.json'), 'utf8'), before);
    assert.equal(await helmRevision('catalog'), '3');
    started = [...started, ...readRunning(join(root, 'run')), ...readRunning(join(root, 'lock'))];
  });

  it('stops without leaving a process', async () => {
    const { code } = await cli('stop');
    assert.equal(code, 0);
    assert.deepEqual(started.filter(isAlive), []);
    assert.match((await cli('stop')).output, /nothing was running/);
  });

  it('finds everything as it was, and ends with Ctrl-C', async () => {
    const child = spawn(process.execPath, [CLI, 'start'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const exited = once(child, 'exit');
    await until(() => Promise.resolve(output.includes('all releases Ready after')));
    assert.equal(await helmRevision('catalog'), '3');
    const running = [...readRunning(join(root, 'run')), ...readRunning(join(root, 'lock'))];
    child.kill('SIGINT');
    assert.deepEqual(await exited, [130, null]);
    assert.match(output, /SIGINT: stopping/);
    assert.deepEqual(running.filter(isAlive), []);
  });

  it('forgets everything on reset', async () => {
    assert.equal((await cli('reset')).code, 0);
    assert.ok(!readdirSync(folder).includes('state'));
  });
});

const SLEEP_MS = 20_000;

/** To whole groups: a worker sleeps with its helms. */
function signal(processes: readonly ProcessIdentity[], name: NodeJS.Signals): void {
  for (const { pid } of processes) process.kill(-pid, name);
}

/** The last three octal digits of a file's mode. */
function modeOf(path: string): string {
  return statSync(path).mode.toString(8).slice(-3);
}

/** A home whose settings would lead to a server that counts its visitors. */
function writeDecoys(home: string, port: number): string {
  mkdirSync(join(home, '.kube'), { recursive: true });
  mkdirSync(join(home, '.docker'));
  writeFileSync(join(home, '.docker', 'config.json'), '{"auths":{}}');
  const kubeconfig = join(home, '.kube', 'config');
  const cluster = { server: `http://127.0.0.1:${port}` };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'decoy', cluster }],
    contexts: [{ name: 'decoy', context: { cluster: 'decoy', user: 'decoy' } }],
    users: [{ name: 'decoy', user: {} }],
    'current-context': 'decoy',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  return kubeconfig;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(250);
}
