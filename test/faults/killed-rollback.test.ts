/** What becomes of a rollback whose helm, or whose worker, is killed while its record is pending. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Hold } from '../support/gate.ts';
import { uniqueName, until } from '../support/harness.ts';
import {
  attemptsOf,
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  releaseHistory,
  type Live,
} from '../support/holdfast.ts';
import { helmsNaming } from '../support/processes.ts';
import { openScene, toolsOf, type Scene } from './scene.ts';

const HELM = uniqueName('rollback-helm');
const WORKER = uniqueName('rollback-worker');
const NEVER_READY = 'podLabels: { holdfast.dev/test-ready: never }\n';

let scene: Scene;

before(async () => {
  scene = await openScene();
  const { holdfast } = scene;
  const holds = new Map([HELM, WORKER].map((namespace) => [namespace, holdClosing(namespace)]));
  await Promise.all([HELM, WORKER].map(fail));
  await Promise.all([HELM, WORKER].map(isAtClosing));

  const [helm, ...others] = helmsOf(HELM);
  assert.ok(helm !== undefined && others.length === 0);
  process.kill(helm, 'SIGKILL');
  await forsaken(holds.get(HELM));
  await isHeld(HELM);

  const worker = holdfast.worker();
  process.kill(worker.pid, 'SIGKILL');
  await until(
    () => Promise.resolve({ end: worker.exit(), left: helmsOf(WORKER) }),
    ({ end, left }) => end !== null && left.length === 0,
    'every helm to die with the worker',
  );
  await forsaken(holds.get(WORKER));
  await holdfast.startWorker();
});

/** A rollback names no file of its worker: it is known by its namespace. */
function helmsOf(namespace: string): readonly number[] {
  return helmsNaming(`--namespace=${namespace}`).map(({ pid }) => pid);
}

/** The rollback has been carried out, and nothing more is done. */
function isHeld(namespace: string): Promise<Live> {
  return eventually(
    scene.holdfast,
    ['helmrelease', namespace, 'app'],
    (live) => conditionOf(live, 'Ready').reason === 'RetriesExceeded',
  );
}

/** Keeps back the write by which helm closes its record, revision 3; ours, which unlocks it, is a PATCH. */
function holdClosing(namespace: string): Hold {
  const path = `/api/v1/namespaces/${namespace}/secrets/sh.helm.release.v1.app.v3`;
  return scene.cluster.hold((asked) => asked.method === 'PUT' && asked.path.startsWith(path));
}

/** An upgrade that never gets ready, from a revision that was. */
async function fail(namespace: string): Promise<void> {
  const { holdfast } = scene;
  await namespaceWithRegistry(holdfast, namespace);
  const declare = (version: string, values: string): Promise<void> => {
    const chart = { name: 'app', version, url: `oci://${holdfast.stack.registry}/charts/app` };
    const spec = { values, rollback: { enabled: true }, upgrade: { timeout: '3s' } };
    return holdfast.apply(helmRelease([namespace, 'app'], chart, spec));
  };
  await declare('1.0.0', 'message: good\n');
  await eventually(holdfast, ['helmrelease', namespace, 'app'], isReady);
  await declare('1.1.0', `message: bad\n${NEVER_READY}`);
}

/** All objects are written back, one helm lives, and its record is still pending. */
async function isAtClosing(namespace: string): Promise<void> {
  const { holdfast } = scene;
  const message = ['get', 'configmap', 'app', '-n', namespace, '-o', 'jsonpath={.data.message}'];
  await until(
    async () => ({
      newest: (await releaseHistory(holdfast, namespace, 'app')).at(-1),
      helms: helmsOf(namespace).length,
      message: await holdfast.kubectl(message),
    }),
    (seen) => seen.newest?.status === 'pending-rollback' && seen.helms === 1 && seen.message === 'good',
    `a rollback in ${namespace}`,
  );
}

/** Nobody stands at the gate any more: open it. */
async function forsaken(hold: Hold | undefined): Promise<void> {
  assert.ok(hold !== undefined);
  await until(
    () => Promise.resolve(hold.waiting()),
    (requests) => requests.length === 0,
    'nobody at the gate',
  );
  hold.release();
}

describe('a rollback in the middle of which something is killed with SIGKILL', () => {
  for (const [what, namespace, outcome] of [
    ['its helm', HELM, 'interrupted'],
    ['its worker', WORKER, 'lost'],
  ] as const) {
    it(`${what}: is unlocked, decided anew, and carried out once`, async () => {
      const { holdfast } = scene;
      const held = await isHeld(namespace);
      assert.deepEqual(attemptsOf(held), [
        'install succeeded',
        'upgrade failedAfterWrite',
        `rollback ${outcome}`,
        'rollback succeeded',
      ]);
      assert.equal(conditionOf(held, 'Remediated').reason, 'RollbackSucceeded');
      const rows = await releaseHistory(holdfast, namespace, 'app');
      assert.deepEqual(
        rows.map(({ status }) => status),
        ['superseded', 'failed', 'failed', 'deployed'],
      );
      const events = await holdfast.kubectl(['get', 'events', '-n', namespace, '-o', 'jsonpath={.items[*].reason}']);
      assert.match(events, /\bUnlocked\b/);
    });
  }

  it('leaves no process behind', () => {
    assert.deepEqual([...toolsOf(scene), ...helmsOf(HELM), ...helmsOf(WORKER)], []);
  });
});
