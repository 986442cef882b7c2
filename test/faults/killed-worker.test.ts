/** What becomes of attempts whose worker is killed, at every moment of an install and of an upgrade. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { until } from '../support/harness.ts';
import { casesOf, MOMENTS, nameOf, type Case } from './cases.ts';
import { openScene, reach, settle, toolsOf, type Scene } from './scene.ts';
import { truthAfter, truthOf, type Toll } from './truth.ts';

const CASES = casesOf(['install', 'upgrade'], MOMENTS);

let scene: Scene;

before(async () => {
  scene = await openScene();
  const { holdfast } = scene;
  const { forsaken, letGo } = await reach(scene, CASES);
  const worker = holdfast.worker();
  process.kill(worker.pid, 'SIGKILL');
  await until(
    () => Promise.resolve({ end: worker.exit(), left: toolsOf(scene) }),
    ({ end, left }) => end !== null && left.length === 0,
    'every helm and every pull to die with the worker',
  );
  await forsaken();
  letGo();
  await holdfast.startWorker();
  await settle(scene, CASES);
});

/** Before the first write, after the last one and in the wait a death costs nothing; in the write one revision. */
function tollOf({ moment }: Case): Toll {
  if (moment === 'wait') return { hit: null, left: 'nothing' };
  if (moment === 'report') return { hit: 'lost', left: 'deployed' };
  return { hit: 'lost', left: moment === 'pull' || moment === 'record' ? 'nothing' : 'closed' };
}

describe('a worker that is killed with SIGKILL', () => {
  for (const one of CASES) {
    it(`at ${one.moment} of an ${one.action} costs no more than it must`, async () => {
      assert.deepEqual(await truthOf(scene, one), truthAfter(one, tollOf(one)), nameOf(one));
    });
  }

  it('leaves no process behind', () => {
    assert.deepEqual(toolsOf(scene), []);
  });
});
