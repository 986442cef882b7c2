import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { UninstallInput } from '../../../activities/types.ts';
import { uninstallRelease } from '../../../activities/uninstall-release.ts';
import { nextLookAfter, waitGone, waitReady } from '../../../activities/wait-release.ts';
import type { NotReady } from '../../../workflows/core/model.ts';
import { pushChart } from '../../support/chart.ts';
import { uniqueName } from '../../support/harness.ts';
import { callOf, useReleases, type Releases } from './releases.ts';

let releases: Releases;
let chart: object;

const EXTRA = `{{- if .Values.kept }}
apiVersion: v1
kind: ConfigMap
metadata: { name: kept, annotations: { helm.sh/resource-policy: keep } }
{{- end }}
{{- if .Values.badHook }}
---
apiVersion: batch/v1
kind: Job
metadata: { name: farewell, annotations: { helm.sh/hook: pre-delete } }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      nodeSelector: { never: there }
      containers: [{ name: main, image: registry.example.com/hook:1 }]
{{- end }}
`;

before(async () => {
  releases = await useReleases();
  const files = { 'templates/extra.yaml': EXTRA };
  const url = await pushChart(releases.stack, { name: 'app', version: '1.0.0', files }, uniqueName('uninstall-test'));
  chart = { name: 'app', version: '1.0.0', ociRepository: url };
});
after(() => releases.release());

async function installed(spec: object = {}): Promise<{ namespace: string; name: string }> {
  const ref = { namespace: await releases.addNamespace(), name: 'app' };
  await releases.declare(ref, { chart, ...spec });
  await releases.write(ref);
  return ref;
}

const lookOf = (attempt = 1): { attempt: number; signal: AbortSignal } => ({
  attempt,
  signal: new AbortController().signal,
});

/** Look again and again, as Temporal would. */
async function gone(input: UninstallInput): Promise<void> {
  for (;;) {
    try {
      await waitGone(releases.tools, input, lookOf());
      return;
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
    }
    await sleep(100);
  }
}

/** The BENIGN failure with which a wait says that it goes on. */
async function notYet(wait: Promise<void>): Promise<ApplicationFailure & { objects: readonly NotReady[] }> {
  const failure = await wait.then(
    () => null,
    (error: unknown) => error,
  );
  assert.ok(failure instanceof ApplicationFailure, String(failure));
  assert.deepEqual([failure.type, failure.category], ['NotReady', ApplicationFailureCategory.BENIGN]);
  return Object.assign(failure, { objects: failure.details?.[0] as readonly NotReady[] });
}

describe('uninstallRelease and waitGone', () => {
  it('remove objects and records', async () => {
    const ref = await installed();
    const input = await releases.uninstall(ref);
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'uninstalled' }]);
    await gone(input);
    assert.deepEqual(await releases.records(ref), []);
    assert.equal(await releases.get('apps/v1', 'Deployment', ref), null);
    assert.ok((await releases.events(ref)).some(({ reason }) => reason === 'UninstallStarted'));
    await gone(input);
  });

  it('keep the records with keepHistory, and a new install goes over them', async () => {
    const ref = await installed({ uninstall: { keepHistory: true } });
    await gone(await releases.uninstall(ref));
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'uninstalled' }]);
    const again = { ...ref, name: 'again' };
    await releases.declare(again, { chart, release: { name: 'app' } });
    const result = await releases.write(again, 'install', { replace: true });
    assert.deepEqual([result.kind, result.written.revision], ['written', 2]);
    assert.equal((await releases.records(ref)).at(-1)?.status, 'deployed');
  });

  it('take up an uninstall that died', async () => {
    const ref = await installed();
    await releases.storage(ref).setStatus(1, { from: ['deployed'], to: 'uninstalling' });
    await gone(await releases.uninstall(ref));
    assert.deepEqual(await releases.records(ref), []);
    assert.equal(await releases.get('apps/v1', 'Deployment', ref), null);
  });

  it('wait for what is held by a finalizer', async () => {
    const ref = await installed();
    const held = { ...ref, finalizers: ['holdfast.dev/test'] };
    await releases.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: held });
    const input = await releases.uninstall(ref);
    let failure = await notYet(waitGone(releases.tools, input, lookOf(4)));
    while (failure.objects.length > 1) failure = await notYet(waitGone(releases.tools, input, lookOf(4)));
    assert.deepEqual(failure.objects, [
      { object: `ConfigMap ${ref.namespace}/app`, reason: 'is being deleted, held by holdfast.dev/test' },
    ]);
    assert.equal(failure.nextRetryDelay, nextLookAfter(4));
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'uninstalled' }]);
    await releases
      .apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...ref, finalizers: [] } })
      .catch(() => null);
    await gone(input);
  });

  it('tell what stays and do not wait for it', async () => {
    const ref = await installed({ values: 'kept: true\n' });
    await gone(await releases.uninstall(ref));
    const told = (await releases.events(ref)).filter(({ reason }) => reason === 'ObjectsKept');
    assert.deepEqual(
      told.map(({ message }) => message),
      [`these objects stay: ConfigMap ${ref.namespace}/kept (kept by its policy)`],
    );
    assert.notEqual(await releases.get('v1', 'ConfigMap', { namespace: ref.namespace, name: 'kept' }), null);
  });

  it('leave an object that is not ours', async () => {
    const ref = await installed();
    const annotations = { 'meta.helm.sh/release-name': 'another' };
    await releases.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...ref, annotations } });
    await gone(await releases.uninstall(ref));
    assert.notEqual(await releases.get('v1', 'ConfigMap', ref), null);
    const told = (await releases.events(ref)).find(({ reason }) => reason === 'ObjectsKept');
    assert.match(told?.message ?? '', /\(not helm's\)$/);
  });

  it('fail with a hook that fails, by name, unless hooks are off', async () => {
    const ref = await installed({ values: 'badHook: true\n', uninstall: { timeout: '2s' } });
    await assert.rejects(releases.uninstall(ref), {
      code: 'UninstallFailed',
      message: /farewell.*spec\.uninstall\.disableHooks/,
    });
    assert.notEqual(await releases.get('apps/v1', 'Deployment', ref), null);
    await releases.declare(ref, { chart, values: 'badHook: true\n', uninstall: { disableHooks: true } });
    await gone(await releases.uninstall(ref));
    assert.equal(await releases.get('apps/v1', 'Deployment', ref), null);
  });

  it('leave the record of another owner alone', async () => {
    const ref = await installed();
    const input = await releases.uninstall(ref).catch(() => null);
    assert.ok(input !== null);
    const other = await installed();
    const thief = { namespace: other.namespace, name: 'thief' };
    await releases.declare(thief, { chart, release: { name: 'app' } });
    const stolen = await releases.uninstall(thief);
    await waitGone(releases.tools, stolen, lookOf());
    assert.deepEqual(await releases.records(other), [{ revision: 1, status: 'deployed' }]);
  });

  it('refuse an object that is not deleted, or another one of the name', async () => {
    const ref = await installed();
    const uid = (await releases.get('helm-operator.ketches.cn/v1alpha1', 'HelmRelease', ref))?.metadata.uid ?? '';
    const input = { cluster: releases.cluster, ref, release: ref, timeoutMs: 1000, keepHistory: false, attempt: 'a' };
    await assert.rejects(uninstallRelease(releases.tools, { ...input, uid }, callOf()), { code: 'Interrupted' });
    await assert.rejects(uninstallRelease(releases.tools, { ...input, uid: 'x' }, callOf()), { code: 'ObjectGone' });
    const moving = { ...input, uid, reason: 'move' } as const;
    await assert.rejects(
      uninstallRelease(releases.tools, moving, callOf()),
      { code: 'Interrupted' },
      'the spec names the place where the release is',
    );
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'deployed' }]);
  });
});

describe('waitReady', () => {
  const input = (ref: { namespace: string; name: string }): Parameters<typeof waitReady>[1] => ({
    ref,
    release: ref,
    revision: 1,
    waitForJobs: true,
  });

  it('ends when all is ready', async () => {
    const ref = await installed();
    for (;;) {
      try {
        await waitReady(releases.tools, input(ref), lookOf());
        return;
      } catch (error) {
        if (!(error instanceof ApplicationFailure)) throw error;
      }
      await sleep(100);
    }
  });

  it('goes on, with reasons, while something is not', async () => {
    const ref = await installed({ values: 'podLabels: { holdfast.dev/test-ready: never }\n' });
    const failure = await notYet(waitReady(releases.tools, input(ref), lookOf(1)));
    assert.equal(failure.objects[0]?.object, `Deployment ${ref.namespace}/app`);
    assert.match(failure.message, /^not ready: Deployment /);
    assert.equal(failure.nextRetryDelay, 500);
  });

  it('looks less often as time goes by', () => {
    const pauses = [1, 2, 4, 6, 7, 100].map((tries) => nextLookAfter(tries));
    assert.deepEqual(pauses, [500, 750, 1688, 3797, 5000, 5000]);
  });
});
