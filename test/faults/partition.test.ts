/** A worker that Temporal hears nothing of for longer than it waits, although the worker and its helms live. */
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { forwardTcp, type Link } from '../support/forwarder.ts';
import { until } from '../support/harness.ts';
import { releaseHistory } from '../support/holdfast.ts';
import { nameOf, type Case } from './cases.ts';
import { endHooks, openScene, reach, settle, type Scene } from './scene.ts';
import { assertTruth, type Toll } from './truth.ts';

/** Three times the heartbeat timeout of a helm. */
const AWAY_MS = 45_000;

/** Its helm lived on meanwhile, so it may have been ended, have been told to stop, or have done its work. */
const GIVEN_UP: readonly Toll[] = [
  { hit: 'lost', left: 'closed' },
  { hit: 'lost', left: 'failed' },
  { hit: 'lost', left: 'deployed' },
];
const UNHARMED: Toll = { hit: null, left: 'nothing' };

let scene: Scene;
let cable: Link;

before(async () => {
  scene = await openScene(async ({ temporalAddress }) => {
    cable = await forwardTcp(temporalAddress);
    return { HOLDFAST_TEMPORAL_ADDRESS: cable.address };
  });
});

/** Temporal has given the step of an attempt up: the proof that it was not heard of for too long. */
async function givenUp(one: Case): Promise<void> {
  const { client, cluster } = scene.holdfast;
  const number = one.action === 'install' ? 1 : 2;
  const attempt = client.workflow.getHandle(`${cluster}/helmrelease/${nameOf(one)}/app/${one.action}/${number}`);
  await until(
    async () => (await attempt.fetchHistory()).events ?? [],
    (events) => events.some(({ activityTaskTimedOutEventAttributes: timedOut }) => timedOut != null),
    `the step of ${nameOf(one)} given up`,
  );
}

describe('a worker that is cut off from Temporal', () => {
  const LASTS: Case = { action: 'install', moment: 'hook', variant: 'lasts' };
  const ENDS: Case = { action: 'upgrade', moment: 'hook', variant: 'ends' };
  const WAITS: Case = { action: 'upgrade', moment: 'wait', variant: 'cut' };
  const CASES = [LASTS, ENDS, WAITS];

  before(async () => {
    await reach(scene, CASES);
    await cable.cut();
    const away = sleep(AWAY_MS);
    await endHooks(scene, [ENDS]);
    await until(
      () => releaseHistory(scene.holdfast, nameOf(ENDS), 'app'),
      (rows) => rows.at(-1)?.status === 'deployed',
      'a helm that ends without a word to Temporal',
    );
    await Promise.all([away, givenUp(LASTS), givenUp(ENDS)]);
    await cable.mend();
    await settle(scene, CASES);
  });

  it('closes or keeps what its helm was at', () => assertTruth(scene, LASTS, ...GIVEN_UP));
  it('finds what its helm has done meanwhile', () => assertTruth(scene, ENDS, { hit: 'lost', left: 'deployed' }));
  it('goes on waiting', () => assertTruth(scene, WAITS, UNHARMED));
});

describe('a worker that sleeps for longer than its heartbeat may take', () => {
  const WRITES: Case = { action: 'install', moment: 'hook', variant: 'asleep' };
  const WAITS: Case = { action: 'upgrade', moment: 'wait', variant: 'asleep' };
  const CASES = [WRITES, WAITS];

  before(async () => {
    const { pid } = scene.holdfast.worker();
    await reach(scene, CASES);
    process.kill(pid, 'SIGSTOP');
    await givenUp(WRITES);
    process.kill(pid, 'SIGCONT');
    await settle(scene, CASES);
  });

  it('closes or keeps what its helm was at', () => assertTruth(scene, WRITES, ...GIVEN_UP));
  it('goes on waiting', () => assertTruth(scene, WAITS, UNHARMED));
});
