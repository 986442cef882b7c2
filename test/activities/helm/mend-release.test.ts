import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cleanUpRevision, failRevision, succeedRevision, unlockRelease } from '../../../activities/mend-release.ts';
import { identify, isAlive } from '../../../activities/process/identity.ts';
import type { HelmProcess, LostHelm } from '../../../workflows/core/model.ts';
import { pushChart } from '../../support/chart.ts';
import { temporaryFolder, uniqueName } from '../../support/harness.ts';
import { callOf, useReleases, type Releases } from './releases.ts';

let releases: Releases;
let app: string;
let stuck: string;

const HOOK = `{{- if .Values.stuck }}
apiVersion: batch/v1
kind: Job
metadata: { name: hook, annotations: { helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: before-hook-creation } }
spec:
  template:
    spec:
      restartPolicy: Never
      nodeSelector: { never: there }
      containers: [{ name: main, image: registry.example.com/hook:1 }]
{{- end }}
`;
const EXTRA = `apiVersion: v1
kind: ConfigMap
metadata: { name: extra }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: kept, annotations: { helm.sh/resource-policy: keep } }
`;

before(async () => {
  releases = await useReleases();
  const folder = uniqueName('mend-test');
  app = await pushChart(releases.stack, { name: 'app', version: '1.0.0' }, folder);
  const files = { 'templates/extra.yaml': EXTRA };
  await pushChart(releases.stack, { name: 'app', version: '1.1.0', files }, folder);
  stuck = await pushChart(
    releases.stack,
    { name: 'stuck', version: '1.0.0', files: { 'templates/hook.yaml': HOOK } },
    folder,
  );
});
after(() => releases.release());

type Ref = Readonly<{ namespace: string; name: string }>;

async function installed(version = '1.0.0', spec: object = {}): Promise<Ref> {
  const ref = { namespace: await releases.addNamespace(), name: 'app' };
  await releases.declare(ref, { chart: { name: 'app', version, ociRepository: app }, ...spec });
  await releases.write(ref);
  return ref;
}

async function upgraded(ref: Ref, version: string, spec: object = {}): Promise<void> {
  await releases.declare(ref, { chart: { name: 'app', version, ociRepository: app }, ...spec });
  await releases.write(ref, 'upgrade');
}

/** What the real helm makes of the storage. */
async function helm(...args: readonly string[]): Promise<string> {
  const { stack } = releases;
  const env = { HOME: temporaryFolder(), PATH: process.env['PATH'] ?? '', KUBECONFIG: stack.kubeconfig };
  return (await promisify(execFile)(join(stack.bin, 'helm'), args, { env })).stdout;
}

describe('succeedRevision', () => {
  it('leaves the records as helm does after a wait that ended well, however often it runs', async () => {
    const ref = await installed();
    await upgraded(ref, '1.1.0');
    await failRevision(releases.tools, { release: ref, revision: 2, reason: 'not ready within 4 s' });
    for (let i = 0; i < 2; i += 1) await succeedRevision(releases.tools, { release: ref, revision: 2 });
    const history = JSON.parse(await helm('history', 'app', '-n', ref.namespace, '-o', 'json')) as object[];
    assert.partialDeepStrictEqual(history, [
      { revision: 1, status: 'superseded', description: 'Install complete' },
      { revision: 2, status: 'deployed', description: 'Upgrade complete' },
    ]);
    await upgraded(ref, '1.0.0');
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['superseded', 'superseded', 'deployed'],
    );
  });

  it('goes on where it died between its two writes', async () => {
    const ref = await installed();
    await upgraded(ref, '1.1.0');
    await failRevision(releases.tools, { release: ref, revision: 2, reason: 'not ready within 4 s' });
    await releases.storage(ref).setStatus(1, { from: ['deployed'], to: 'superseded' });
    await succeedRevision(releases.tools, { release: ref, revision: 2 });
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['superseded', 'deployed'],
    );
  });

  it('leaves alone what is not the newest revision any more', async () => {
    const ref = await installed();
    await failRevision(releases.tools, { release: ref, revision: 1, reason: 'not ready within 4 s' });
    await upgraded(ref, '1.1.0');
    const before = await releases.records(ref);
    await succeedRevision(releases.tools, { release: ref, revision: 1 });
    assert.deepEqual(await releases.records(ref), before);
  });
});

describe('failRevision', () => {
  it('leaves the records as helm does after a failed wait, however often it runs', async () => {
    const ref = await installed();
    await upgraded(ref, '1.1.0');
    const before = await releases.storage(ref).read(2);
    const input = { release: ref, revision: 2, reason: 'not ready within 600 s: Deployment app' };
    for (let i = 0; i < 2; i += 1) await failRevision(releases.tools, input);
    assert.deepEqual(await releases.records(ref), [
      { revision: 1, status: 'deployed' },
      { revision: 2, status: 'failed' },
    ]);
    const history = JSON.parse(await helm('history', 'app', '-n', ref.namespace, '-o', 'json')) as object[];
    assert.partialDeepStrictEqual(history, [
      { revision: 1, status: 'deployed' },
      { revision: 2, status: 'failed', description: `Release "app" failed: ${input.reason}` },
    ]);
    const { chart, version, manifest, attempt } = before ?? {};
    assert.partialDeepStrictEqual(await releases.storage(ref).read(2), { chart, version, manifest, attempt });
    await upgraded(ref, '1.1.0');
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['superseded', 'failed', 'deployed'],
    );
  });

  it('fails a first install that has no predecessor', async () => {
    const ref = await installed();
    await failRevision(releases.tools, { release: ref, revision: 1, reason: 'not ready' });
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'failed' }]);
  });

  it('does not call deployed what has failed, though helm calls it superseded by then', async () => {
    const ref = await installed();
    await failRevision(releases.tools, { release: ref, revision: 1, reason: 'not ready' });
    await upgraded(ref, '1.1.0');
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['superseded', 'deployed'],
    );
    await failRevision(releases.tools, { release: ref, revision: 2, reason: 'not ready' });
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['failed', 'failed'],
    );
  });

  it('ends what it began when it died in between', async () => {
    const ref = await installed();
    await upgraded(ref, '1.1.0');
    await releases.storage(ref).setStatus(2, { from: ['deployed'], to: 'failed' });
    await failRevision(releases.tools, { release: ref, revision: 2, reason: 'not ready' });
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['deployed', 'failed'],
    );
  });

  it('does not touch a revision that is superseded or gone', async () => {
    const ref = await installed();
    await upgraded(ref, '1.1.0');
    for (const revision of [1, 7]) await failRevision(releases.tools, { release: ref, revision, reason: 'late' });
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['superseded', 'deployed'],
    );
  });
});

describe('cleanUpRevision', () => {
  it('deletes what the revision created, but nothing that is kept or was there before', async () => {
    const ref = await installed();
    await upgraded(ref, '1.1.0');
    await failRevision(releases.tools, { release: ref, revision: 2, reason: 'not ready' });
    const input = { ref, release: ref, revision: 2 };
    assert.deepEqual(await cleanUpRevision(releases.tools, input), { deleted: [`ConfigMap ${ref.namespace}/extra`] });
    assert.deepEqual(await cleanUpRevision(releases.tools, input), { deleted: [] });
    const exists = async (kind: string, name: string): Promise<boolean> =>
      (await releases.get(kind === 'Deployment' ? 'apps/v1' : 'v1', kind, { ...ref, name })) !== null;
    assert.deepEqual(
      [await exists('ConfigMap', 'extra'), await exists('ConfigMap', 'kept'), await exists('Deployment', 'app')],
      [false, true, true],
    );
  });

  it('deletes nothing of a first install', async () => {
    const ref = await installed();
    assert.deepEqual(await cleanUpRevision(releases.tools, { ref, release: ref, revision: 1 }), { deleted: [] });
  });
});

describe('unlockRelease', () => {
  /** An upgrade whose helm was killed; answers the process that wrote the record. */
  async function locked(): Promise<{ ref: Ref; lost: LostHelm & { process: HelmProcess } }> {
    const ref = { namespace: await releases.addNamespace(), name: 'app' };
    const chart = { name: 'stuck', version: '1.0.0', ociRepository: stuck };
    await releases.declare(ref, { chart });
    await releases.write(ref);
    await releases.declare(ref, { chart, values: 'stuck: true\n' });
    const call = callOf();
    const attempt = uniqueName('a');
    const interrupted = assert.rejects(releases.write(ref, 'upgrade', { attempt, call }), { code: 'Interrupted' });
    while ((await releases.records(ref)).length < 2) await sleep(50);
    const process = call.seen.at(-1);
    assert.ok(process != null);
    globalThis.process.kill(process.pid, 'SIGKILL');
    await interrupted;
    return { ref, lost: { attempt, process, deadAt: Date.now() + 3_600_000 } };
  }

  const unlock = (ref: Ref, more: { lost?: LostHelm | null; leaseOver?: boolean }): Promise<void> =>
    unlockRelease(releases.tools, {
      ref,
      release: ref,
      revision: 2,
      lost: null,
      leaseOver: false,
      reason: 'its helm died; closed by holdfast',
      ...more,
    });

  it('closes the record of a dead helm in place, and helm goes on from there', async () => {
    const { ref, lost } = await locked();
    assert.equal((await releases.records(ref)).at(-1)?.status, 'pending-upgrade');
    await unlock(ref, { lost });
    await unlock(ref, { lost });
    const [, closed] = JSON.parse(await helm('history', 'app', '-n', ref.namespace, '-o', 'json')) as object[];
    assert.partialDeepStrictEqual(closed, {
      revision: 2,
      status: 'failed',
      description: 'Release "app" failed: its helm died; closed by holdfast',
    });
    await releases.declare(ref, { chart: { name: 'stuck', version: '1.0.0', ociRepository: stuck } });
    await releases.write(ref, 'upgrade');
    assert.deepEqual(
      (await releases.records(ref)).map(({ status }) => status),
      ['superseded', 'failed', 'deployed'],
    );
  });

  it('ends a helm of this machine that still lives', async () => {
    const { ref, lost } = await locked();
    const survivor = spawn('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 0.1; done'], {
      detached: true,
      stdio: 'ignore',
    });
    await once(survivor, 'spawn');
    const process = await identify(survivor.pid ?? 0);
    assert.ok(process !== null);
    await unlock(ref, { lost: { ...lost, process } });
    assert.equal(await isAlive(process), 'dead');
    assert.equal((await releases.records(ref)).at(-1)?.status, 'failed');
  });

  const refusals: readonly {
    readonly name: string;
    readonly change: (lost: LostHelm & { process: HelmProcess }) => LostHelm | null;
    readonly message: RegExp;
  }[] = [
    {
      name: 'a helm on another machine whose time is not over',
      change: (lost) => ({ ...lost, process: { ...lost.process, host: 'elsewhere' } }),
      message: /its helm may still run elsewhere until \d{4}-/,
    },
    {
      name: 'a helm that nothing is known of',
      change: (lost) => ({ ...lost, process: null }),
      message: /its helm may still run elsewhere until/,
    },
    {
      name: 'the lock of a stranger',
      change: () => null,
      message: /written by another helm that may still be at work/,
    },
    {
      name: 'the lock of another attempt',
      change: (lost) => ({ ...lost, attempt: 'another' }),
      message: /written by another helm/,
    },
  ];
  it('waits for the lease or the time limit of whom it cannot ask', async () => {
    const { ref, lost } = await locked();
    for (const { name, change, message } of refusals) {
      await assert.rejects(unlock(ref, { lost: change(lost) }), { code: 'RecordLocked', message }, name);
    }
    const elsewhere = { ...lost, deadAt: Date.now() - 1, process: { ...lost.process, host: 'elsewhere' } };
    await unlock(ref, { lost: elsewhere });
    assert.equal((await releases.records(ref)).at(-1)?.status, 'failed');
    const second = await locked();
    await unlock(second.ref, { leaseOver: true });
    assert.equal((await releases.records(second.ref)).at(-1)?.status, 'failed');
  });

  it('leaves a record alone that is not pending', async () => {
    const ref = await installed();
    await unlockRelease(releases.tools, { ref, release: ref, revision: 1, lost: null, leaseOver: true, reason: 'x' });
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'deployed' }]);
  });
});
