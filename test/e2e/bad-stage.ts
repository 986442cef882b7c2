/** Where things go wrong: everything real, one release that nothing of it may touch, and what a user reads. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { startApi, type RunningApi } from '../support/api.ts';
import { holds } from '../support/canary.ts';
import { pushChart } from '../support/chart.ts';
import { temporaryFolder, until, type OwnStack } from '../support/harness.ts';
import {
  namespaceWithRegistry,
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';

export const NAMESPACE = 'bad';
export const HEALTHY = 'healthy';

/** In every value and credential: it must not come back from anywhere. */
export const CANARY = `canary-${randomBytes(12).toString('hex')}`;

/** What differs from a release that is right. */
export interface Spec {
  readonly chart?: string;
  readonly version?: string;
  /** Of the folder of charts. */
  readonly at?: string;
  readonly values?: string;
  readonly release?: object;
}

/** The Ready condition that tells of it. */
export interface Told {
  readonly reason: string;
  readonly message: RegExp;
  readonly stalled?: boolean;
  /** Where it is not plainly false: what is away may be as it was. */
  readonly status?: 'False' | 'Unknown';
}

export interface Stage {
  readonly holdfast: Holdfast;
  readonly api: RunningApi;
  /** Of the worker, with everything that it says at level debug. */
  readonly log: string;
  release(name: string, spec?: Spec, namespace?: string): object;
  ready(name: string, namespace?: string): Promise<Live>;
  /** The reason and the sentence are on the object and in an Event. */
  tells(kind: string, name: string, told: Told): Promise<Live>;
  readonly untouched: Live;
}

type Environment = Readonly<Record<string, string>>;

/** Call it in `before`, and `api.stop()` in `after`. */
export async function openStage(env: (stack: OwnStack) => Promise<Environment>): Promise<Stage> {
  const log = join(temporaryFolder(), 'worker.log');
  process.env['HOLDFAST_TEST_WORKER_LOG'] = log;
  const holdfast = await startHoldfast(async (stack) => ({ HOLDFAST_LOG_LEVEL: 'debug', ...(await env(stack)) }));
  const { stack, cluster } = holdfast;
  const api = await startApi({ HOLDFAST_CLUSTER: cluster, HOLDFAST_TEMPORAL_ADDRESS: stack.temporalAddress });
  const charts = (await pushChart(stack, { name: 'app', version: '1.0.0' })).replace(/\/app$/, '');
  await pushChart(stack, { name: 'app', version: '1.1.0' });
  for (const namespace of [HEALTHY, NAMESPACE]) {
    await namespaceWithRegistry(holdfast, namespace);
  }
  const release: Stage['release'] = (name, spec = {}, namespace = NAMESPACE) => {
    const { chart = 'app', version = '1.0.0', at = charts, ...rest } = spec;
    return helmRelease([namespace, name], { name: chart, version, url: `${at}/${chart}` }, rest);
  };
  const ready: Stage['ready'] = (name, namespace = NAMESPACE) =>
    eventually(holdfast, ['helmrelease', namespace, name], isReady);
  const tells: Stage['tells'] = (kind, name, told) => assertTold(holdfast, [kind, name], told);
  await holdfast.apply(release('app', { values: VALUES }, HEALTHY));
  return { holdfast, api, log, release, ready, tells, untouched: await ready('app', HEALTHY) };
}

const VALUES = `message: ${CANARY}\n`;

async function assertTold(
  holdfast: Holdfast,
  [kind, name]: readonly [string, string],
  { reason, message, stalled = false, status = 'False' }: Told,
): Promise<Live> {
  const isTold = (seen: Live): boolean => conditionOf(seen, 'Ready').reason === reason;
  const live = await eventually(holdfast, [kind, NAMESPACE, name], isTold);
  assert.match(conditionOf(live, 'Ready').message, message);
  assert.equal(conditionOf(live, 'Ready').status, status);
  assert.equal(conditionOf(live, 'Stalled').status, stalled ? 'True' : 'False');
  const of = `involvedObject.name=${name},reason=${reason},type=Warning`;
  const path = 'jsonpath={.items[*].message}';
  await until(
    () => holdfast.kubectl(['get', 'events', '-n', NAMESPACE, '--field-selector', of, '-o', path]),
    (events) => events.includes(conditionOf(live, 'Ready').message),
    `an Event ${reason} of ${name}`,
  );
  return live;
}

/** The last tests of a file: whatever went wrong in it stopped nothing else, and told no secret. */
export function describeAftermath(stage: () => Stage): void {
  describe('after all this', () => {
    it('the healthy release is as it was, and is upgraded', async () => {
      const { holdfast, untouched } = stage();
      const now = await stage().ready('app', HEALTHY);
      assert.deepEqual(now.status?.helmRelease, untouched.status?.helmRelease);
      assert.deepEqual(await releaseHistory(holdfast, HEALTHY, 'app'), [{ revision: 1, status: 'deployed' }]);
      await holdfast.apply(stage().release('app', { version: '1.1.0', values: VALUES }, HEALTHY));
      assert.equal((await stage().ready('app', HEALTHY)).status?.helmRelease?.['revision'], 2);
    });

    it('it is still the same worker', () => {
      assert.doesNotThrow(() => process.kill(stage().holdfast.worker().pid, 0));
    });

    it('nothing secret is in status, Events, logs and answers of the API', async () => {
      const { holdfast, api, log } = stage();
      const written = 'jsonpath={range .items[*]}{.metadata.name}{.status}{.message}{"\\n"}{end}';
      const kinds = ['helmreleases,helmrepositories,gitrepositories', 'events'];
      const texts = await Promise.all(kinds.map((kind) => holdfast.kubectl(['get', kind, '-A', '-o', written])));
      const lists = await Promise.all(['helmreleases', 'gitrepositories'].map((kind) => api.call(`GET /v1/${kind}`)));
      const answers = lists.map(({ status, body }) => `${status} ${JSON.stringify(body)}`);
      for (const text of [...texts, ...answers, readFileSync(log, 'utf8'), api.output()]) {
        assert.ok(text !== '' && !holds(text, CANARY));
      }
    });
  });
}
