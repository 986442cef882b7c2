/** What becomes of attempts whose helm is killed while their worker lives, and of one that nobody wants any more. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { until } from '../support/harness.ts';
import { releaseHistory } from '../support/holdfast.ts';
import { casesOf, nameOf, type Case } from './cases.ts';
import { endHooks, openScene, reach, settle, toolsOf, type Scene } from './scene.ts';
import { helmsOf } from './survey.ts';
import { truthAfter, truthOf } from './truth.ts';

/** When a helm runs. In the wait there is none. */
const CASES = casesOf(['install', 'upgrade', 'rollback'], ['record', 'hook', 'objects', 'postHook', 'closing']);
const DELETED: Case = { action: 'install', moment: 'hook', variant: 'deleted' };

let scene: Scene;

before(async () => {
  scene = await openScene();
  const { holdfast } = scene;
  const { forsaken, letGo } = await reach(scene, [...CASES, DELETED]);
  await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', nameOf(DELETED), '--wait=false']);
  const killed = CASES.flatMap((one) => helmsOf(scene, one));
  assert.equal(killed.length, CASES.length);
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  await until(
    () => Promise.resolve(CASES.flatMap((one) => helmsOf(scene, one))),
    (pids) => pids.every((pid) => !killed.includes(pid)),
    'every helm to be gone',
  );
  await forsaken();
  letGo();
  await settle(scene, CASES);
});

describe('a helm that is killed with SIGKILL', () => {
  for (const one of CASES) {
    const left = one.moment === 'record' ? 'nothing' : 'closed';
    it(`at ${one.moment} of ${one.action} is followed by another one at once`, async () => {
      assert.deepEqual(await truthOf(scene, one), truthAfter(one, { hit: 'interrupted', left }));
    });
  }
});

describe('a HelmRelease that is deleted in the middle of the write', () => {
  it('is undone when the write is over', async () => {
    const { holdfast } = scene;
    const namespace = nameOf(DELETED);
    await endHooks(scene, [DELETED]);
    await holdfast.kubectl(['wait', '--for=delete', 'helmrelease/app', '-n', namespace, '--timeout=60s']);
    assert.deepEqual(await releaseHistory(holdfast, namespace, 'app'), []);
    assert.deepEqual(toolsOf(scene), []);
  });
});
