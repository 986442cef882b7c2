/** What a person reads in the Temporal UI about a release that is installed, upgraded, and then fails. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { runsOf, summariesOf, type Run } from '../support/histories.ts';
import {
  namespaceWithRegistry,
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  startHoldfast,
  type Holdfast,
} from '../support/holdfast.ts';

const NAMESPACE = 'shop';
const RELEASE = ['helmrelease', NAMESPACE, 'app'] as const;

/** Pods that are not ready within the moment for which nobody starts a step. */
const LATER = 'podLabels: { holdfast.dev/test-ready-after: 12s }\n';

let holdfast: Holdfast;
let runs: readonly Run[];

before(async () => {
  holdfast = await startHoldfast();
  const url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
  await pushChart(holdfast.stack, { name: 'app', version: '1.1.0' });
  await namespaceWithRegistry(holdfast, NAMESPACE);
  const app = (version: string, spec: object): object =>
    helmRelease([NAMESPACE, 'app'], { name: 'app', version, url }, { ...spec });
  await holdfast.apply(app('1.0.0', { values: `message: one\n${LATER}` }));
  await eventually(holdfast, RELEASE, isReady);
  await holdfast.apply(app('1.1.0', { values: `message: two\n${LATER}` }));
  await eventually(holdfast, RELEASE, isReady);
  const never = { values: 'podLabels: { holdfast.dev/test-ready: never }\n', upgrade: { timeout: '3s' } };
  await holdfast.apply(app('1.1.0', never));
  await eventually(holdfast, RELEASE, (live) => conditionOf(live, 'Ready').reason === 'WaitTimedOut');
  runs = await runsOf(holdfast.client, holdfast.cluster);
});

function runOf(id: string): Run {
  const found = runs.find(({ workflowId }) => workflowId === `${holdfast.cluster}/${id}`);
  assert.ok(found !== undefined, `there is no workflow ${id} among ${runs.map((run) => run.workflowId).join(', ')}`);
  return found;
}

const describeRun = (id: string) => holdfast.client.workflow.getHandle(`${holdfast.cluster}/${id}`).describe();

describe('the Temporal UI', () => {
  it('has one row per attempt, which says what it did', async () => {
    const attempts = runs.filter(({ type }) => type === 'attempt').map(({ workflowId }) => workflowId);
    const release = `${holdfast.cluster}/helmrelease/shop/app`;
    assert.deepEqual(attempts, [`${release}/install/1`, `${release}/upgrade/2`, `${release}/upgrade/3`]);
    const titles = ['install app 1.0.0', 'upgrade app 1.0.0 → 1.1.0', 'upgrade app 1.1.0'];
    for (const [index, id] of attempts.entries()) {
      const description = await holdfast.client.workflow.getHandle(id).describe();
      assert.equal(await description.staticSummary(), titles[index]);
      assert.equal(description.status.name, index === 2 ? 'FAILED' : 'COMPLETED');
    }
  });

  it('tells on the page of a failed attempt why it failed', async () => {
    const details = await currentDetails(`${holdfast.cluster}/helmrelease/shop/app/upgrade/3`);
    assert.match(details, /^\*\*upgrade app 1\.1\.0\*\*\n\n[^]*not ready within 3 s: Deployment shop\/app: /);
  });

  it('names each step of an attempt', () => {
    assert.deepEqual(summariesOf(runOf('helmrelease/shop/app/install/1').history), [
      'activity: install app 1.0.0',
      'activity: wait for app revision 1 to become ready',
    ]);
    // It changes a ConfigMap and no pod, so that there is nothing to wait for.
    assert.deepEqual(summariesOf(runOf('helmrelease/shop/app/upgrade/2').history), [
      'activity: upgrade app 1.0.0 → 1.1.0',
    ]);
    assert.deepEqual(summariesOf(runOf('helmrelease/shop/app/upgrade/3').history), [
      'activity: upgrade app 1.1.0',
      'activity: wait for app revision 3 to become ready',
      'activity: mark revision 3 failed: not ready in time',
      'activity: delete what revision 3 of shop/app created',
    ]);
  });

  it('names what a release starts and what it waits for', async () => {
    const release = runOf('helmrelease/shop/app');
    assert.equal(await (await describeRun('helmrelease/shop/app')).staticSummary(), 'HelmRelease shop/app');
    const summaries = summariesOf(release.history);
    assert.deepEqual(
      summaries.filter((line) => line.startsWith('child: ')),
      ['child: install app 1.0.0', 'child: upgrade app 1.0.0 → 1.1.0', 'child: upgrade app 1.1.0'],
    );
    const timers = summaries.filter((line) => line.startsWith('timer: '));
    assert.ok(timers.includes('timer: next look'), timers.join('\n'));
    assert.equal(timers.at(-1), 'timer: retry after WaitTimedOut');
    assert.deepEqual(
      timers.filter((line) => line === 'timer: '),
      [],
      'every timer says what it is for',
    );
  });

  it('names the watcher and the repository', async () => {
    assert.equal(await (await describeRun('watch')).staticSummary(), `watch cluster ${holdfast.cluster}`);
    assert.deepEqual(summariesOf(runOf('watch').history), [`activity: watch cluster ${holdfast.cluster}`]);
    assert.equal(await (await describeRun('helmrepository/shop/charts')).staticSummary(), 'HelmRepository shop/charts');
    const [first, second] = summariesOf(runOf('helmrepository/shop/charts').history);
    assert.equal(first, 'activity: ask the registry of shop/charts');
    assert.equal(second, 'timer: next check');
  });

  it('finds releases by their search attributes', async () => {
    const { typedSearchAttributes } = await describeRun('helmrelease/shop/app');
    const ours = typedSearchAttributes.getAll().filter(({ key }) => key.name.startsWith('Helm'));
    const found = Object.fromEntries(ours.map(({ key, value }) => [key.name, value]));
    assert.deepEqual(found, {
      HelmCluster: holdfast.cluster,
      HelmNamespace: 'shop',
      HelmRelease: 'app',
      HelmPhase: 'Failed',
      HelmChart: 'app 1.1.0',
      HelmSource: '',
      HelmSourceRevision: '',
      HelmFailures: 1,
      HelmSuspended: false,
    });
  });

  it('tells in its current details where the release stands', async () => {
    const details = await currentDetails(`${holdfast.cluster}/helmrelease/shop/app`);
    assert.match(details, /^### shop\/app: Failed\n\nnot ready within 3 s: Deployment shop\/app: /);
    assert.match(details, /\| revision \| 3 \(failed\) \|/);
    assert.match(details, /- upgrade 1\.1\.0: failedAfterWrite \(not ready within 3 s: /);
    assert.match(details, /- upgrade 1\.1\.0: succeeded\n- install 1\.0\.0: succeeded/);
  });
});

/** What `setCurrentDetails` of the workflow was last given, asked the way the UI asks. */
async function currentDetails(workflowId: string): Promise<string> {
  const answer: unknown = await holdfast.client.workflow.getHandle(workflowId).query('__temporal_workflow_metadata');
  assert.ok(typeof answer === 'object' && answer !== null && 'currentDetails' in answer);
  return String(answer.currentDetails);
}
