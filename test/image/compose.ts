/** The image and docker-compose.yml with a real Docker engine; not part of `npm test`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { docker } from '../../stack/docker.ts';
import { pushChart } from '../support/chart.ts';
import { uniqueNamespace, until } from '../support/harness.ts';
import {
  eventually,
  helmRelease,
  isReady,
  objectsOf,
  registryObjects,
  releaseHistory,
  type Objects,
} from '../support/holdfast.ts';
import { endHook, SLOW_HOOK } from '../support/slow-hook.ts';
import { startScene, type Scene } from './scene.ts';

let scene: Scene;
let objects: Objects;
let ns: string;

before(async () => {
  scene = await startScene();
  const { stack } = scene;
  objects = objectsOf(stack);
  ns = await uniqueNamespace(stack, 'image');
  await pushChart(stack, { name: 'app', version: '1.0.0' });
  await pushChart(stack, { name: 'app', version: '1.1.0', files: { 'templates/hook.yaml': SLOW_HOOK } });
  await objects.apply(...registryObjects({ ...stack, registry: scene.registry }, ns));
  await scene.compose('up', '--detach');
});

const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';

async function declare(version: string, values = ''): Promise<void> {
  const chart = { name: 'app', version, url: `oci://${scene.registry}/charts/app` };
  await objects.apply(helmRelease([ns, 'app'], chart, { values }));
}

async function ready(): Promise<readonly string[]> {
  await eventually(objects, ['helmrelease', ns, 'app'], isReady);
  return statuses();
}

async function statuses(): Promise<readonly string[]> {
  return (await releaseHistory(objects, ns, 'app')).map(({ status }) => status);
}

const reach = (...wanted: readonly string[]): Promise<unknown> =>
  until(statuses, (seen) => JSON.stringify(seen) === JSON.stringify(wanted), `revisions ${wanted.join(', ')}`);

/** Evaluate JavaScript in the container of a service. */
const evaluate = (service: string, source: string): Promise<string> => scene.exec(service, 'node', '-e', source);

async function call(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${scene.api}${path}`, { headers });
}
const withToken = (): Record<string, string> => ({
  authorization: `Bearer ${readFileSync(scene.files.apiToken, 'utf8').trim()}`,
});

describe('docker-compose.yml', () => {
  it('brings worker and API to health, after the services that end', async () => {
    for (const service of ['worker', 'api']) await scene.healthy(service);
    for (const service of ['temporal-schema', 'temporal-namespace', 'temporal-search-attributes']) {
      const { State: state } = await scene.inspect(service);
      assert.deepEqual([service, state.Status, state.ExitCode], [service, 'exited', 0]);
    }
  });

  it('changes nothing when it is brought up again', async () => {
    const ids = async (): Promise<readonly string[]> =>
      Promise.all(['worker', 'api'].map(async (service) => (await scene.inspect(service)).Id));
    const earlier = await ids();
    await scene.compose('up', '--detach');
    assert.deepEqual(await ids(), earlier);
    assert.equal((await scene.inspect('temporal-search-attributes')).State.ExitCode, 0);
  });

  it('shows no secret in the description of a container', async () => {
    const secrets = [scene.files.postgresPassword, scene.files.apiToken].map((file) =>
      readFileSync(file, 'utf8').trim(),
    );
    const { users } = JSON.parse(readFileSync(scene.files.kubeconfig, 'utf8')) as {
      users: [{ user: Record<string, string> }];
    };
    for (const service of ['postgres', 'temporal', 'worker', 'api']) {
      const text = await docker('inspect', (await scene.inspect(service)).Id);
      for (const secret of [...secrets, ...Object.values(users[0].user)]) assert.ok(!text.includes(secret), service);
    }
  });
});

describe('the image', () => {
  for (const service of ['worker', 'api']) {
    it(`runs the ${service} without rights, on a root file system that nobody can write`, async () => {
      const { HostConfig: host } = await scene.inspect(service);
      assert.deepEqual([host.ReadonlyRootfs, host.CapDrop], [true, ['ALL']]);
      const status = await evaluate(service, 'console.log(require("fs").readFileSync("/proc/1/status", "utf8"))');
      assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m);
      assert.match(status, /^Gid:\t10001\t10001\t10001\t10001$/m);
      assert.match(status, /^Cap(Prm|Eff|Bnd):\t0+$/m);
      assert.match(status, /^NoNewPrivs:\t1$/m);
      const write =
        'for (const at of ["/", "/app/", "/usr/local/bin/"]) try { require("fs").writeFileSync(at + "x", "") }';
      assert.deepEqual((await evaluate(service, `${write} catch (error) { console.log(error.code) }`)).split('\n'), [
        'EROFS',
        'EROFS',
        'EROFS',
      ]);
    });
  }

  it('has helm, oras and git, and the native part of Temporal for one platform', async () => {
    assert.match(await scene.exec('worker', 'helm', 'version', '--short'), /^v4\./);
    assert.match(await scene.exec('worker', 'oras', 'version'), /^Version: +1\./);
    assert.match(await scene.exec('worker', 'git', '--version'), /^git version 2\./);
    const releases = 'node_modules/@temporalio/core-bridge/releases';
    const [platform, ...others] = (await scene.exec('worker', 'ls', releases)).split('\n');
    assert.match(platform ?? '', /^(x86_64|aarch64)-unknown-linux-gnu$/);
    assert.deepEqual(others, []);
  });
});

describe('Holdfast in containers', () => {
  it('deploys a release of a private registry', async () => {
    await declare('1.0.0');
    assert.deepEqual(await ready(), ['deployed']);
  });

  it('answers on the published port of the API, for a token', async () => {
    const path = `/v1/helmreleases/${ns}/app`;
    assert.equal((await call(path)).status, 401);
    const answer = await call(path, withToken());
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /"version":"1\.0\.0"/);
  });

  it('waits on after its worker died, which Docker starts again: no extra revision', async () => {
    await declare('1.0.0', NEVER);
    await reach('superseded', 'deployed');
    const { RestartCount: restarts } = await scene.inspect('worker');
    const kill = `const { readdirSync, readFileSync } = require("fs");
      for (const pid of readdirSync("/proc").filter(Number)) try {
        if (/^node\\0.*worker\\/main.ts\\0$/.test(readFileSync("/proc/" + pid + "/cmdline", "utf8"))) process.kill(pid, "SIGKILL");
      } catch {}`;
    // The container ends with it, and this program too.
    await evaluate('worker', kill).catch(() => undefined);
    await until(
      () => scene.inspect('worker'),
      ({ RestartCount: count }) => count === restarts + 1,
      'the restart of the worker',
    );
    await scene.healthy('worker');
    const path = '/spec/template/metadata/labels/holdfast.dev~1test-ready';
    const patch = JSON.stringify([{ op: 'remove', path }]);
    await objects.kubectl(['patch', 'deployment', 'app', '-n', ns, '--type=json', '-p', patch]);
    assert.deepEqual(await ready(), ['superseded', 'deployed']);
  });

  it('ends where it should after docker kill in the middle of an upgrade', async () => {
    await declare('1.1.0');
    await reach('superseded', 'deployed', 'pending-upgrade');
    const { Id: id } = await scene.inspect('worker');
    await docker('kill', id);
    assert.equal((await scene.inspect('worker')).State.ExitCode, 137);
    assert.deepEqual(await statuses(), ['superseded', 'deployed', 'pending-upgrade'], 'killed in the middle');
    assert.equal((await call('/v1/helmreleases', withToken())).status, 200, 'the API lists without a worker');
    await scene.compose('up', '--detach');
    assert.equal((await scene.healthy('worker')).Id, id);
    await reach('superseded', 'deployed', 'failed', 'pending-upgrade');
    await endHook(objects, ns, 'app');
    assert.deepEqual(await ready(), ['superseded', 'superseded', 'failed', 'deployed']);
  });

  it('stops in order when it is told to', async () => {
    await scene.compose('stop', 'worker', 'api');
    for (const service of ['worker', 'api']) {
      assert.deepEqual([service, (await scene.inspect(service)).State.ExitCode], [service, 0]);
    }
  });
});
