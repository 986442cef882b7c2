/** A worker that is asked to stop, as every update of it does, with work under way; then the next one starts. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { until } from '../support/harness.ts';
import type { Case } from './cases.ts';
import { endHooks, openScene, reach, settle, toolsOf, type Scene } from './scene.ts';
import { truthAfter, truthOf } from './truth.ts';

const WRITES: Case = { action: 'upgrade', moment: 'hook' };
const WRITES_ON: Case = { action: 'install', moment: 'hook' };
const PULLS: Case = { action: 'install', moment: 'pull' };
const WAITS: Case = { action: 'upgrade', moment: 'wait' };
const CASES = [WRITES, WRITES_ON, PULLS, WAITS];

let scene: Scene;
let end: string | null;

before(async () => {
  scene = await openScene();
  const { holdfast } = scene;
  const { forsaken, letGo } = await reach(scene, CASES);
  const worker = holdfast.worker();
  process.kill(worker.pid, 'SIGTERM');
  await endHooks(scene, [WRITES]);
  end = await until(
    () => Promise.resolve(worker.exit()),
    (exit) => exit !== null,
    'the worker to stop',
  );
  await forsaken();
  assert.deepEqual(toolsOf(scene), []);
  letGo();
  await holdfast.startWorker();
  await settle(scene, CASES);
});

describe('a worker that is stopped with SIGTERM', () => {
  it('ends by itself and leaves no process behind', () => {
    assert.equal(end, 'exited with code 0');
    assert.deepEqual(toolsOf(scene), []);
  });

  it('lets a helm end that does so within the grace', async () => {
    assert.deepEqual(await truthOf(scene, WRITES), truthAfter(WRITES, { hit: null, left: 'nothing' }));
  });

  it('tells a helm to stop that does not, which says so in its record', async () => {
    assert.deepEqual(await truthOf(scene, WRITES_ON), truthAfter(WRITES_ON, { hit: 'interrupted', left: 'failed' }));
  });

  it('breaks off a pull, without a trace in the cluster', async () => {
    assert.deepEqual(await truthOf(scene, PULLS), truthAfter(PULLS, { hit: 'interrupted', left: 'nothing' }));
  });

  it('hands a wait over to the next one', async () => {
    assert.deepEqual(await truthOf(scene, WAITS), truthAfter(WAITS, { hit: null, left: 'nothing' }));
  });
});
