/** What a fault may leave behind, case by case, and what it did leave. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { KubeClient } from '../../activities/kube/client.ts';
import { objectPath } from '../../activities/kube/kinds.ts';
import { KubeError } from '../../activities/ports.ts';
import { conditionOf, releaseHistory, rowsOf, type AttemptRow, type Holdfast, type Live } from '../support/holdfast.ts';
import { nameOf, type Case, type Moment } from './cases.ts';
import { hooksOf } from './releases.ts';
import type { Scene } from './scene.ts';
import { list, type Labels, type Listed } from './survey.ts';

const exec = promisify(execFile);

/** All that is told of a release, by Helm, by its status, by Events and by Temporal. */
export interface Truth {
  /** Helm's records, oldest first, and whether their descriptions tell that they were closed, or that they failed. */
  readonly records: readonly string[];
  /** What is deployed, by the ConfigMap of the release; null: nothing is. */
  readonly deployed: string | null;
  /** Hooks of the action that were started. */
  readonly hooks: number;
  /** Outcome in `status.history`, and the state of the workflow run that it names; of what is gone, the run alone. */
  readonly attempts: readonly string[];
  readonly conditions: readonly string[];
  /** Reasons of its Warning Events. */
  readonly warnings: readonly string[];
}

/** How its row in `status.history` tells of it, with the state of its workflow run, and the reason that is given. */
const HIT = {
  lost: ['lost FAILED', 'Interrupted'],
  interrupted: ['interrupted COMPLETED', 'Interrupted'],
  noRegistry: ['failedBeforeWrite FAILED', 'RegistryUnreachable'],
  noCluster: ['failedBeforeWrite FAILED', 'ClusterUnreachable'],
} as const;

export interface Toll {
  /** How the attempt that was hit ended; null: it went on. */
  readonly hit: keyof typeof HIT | null;
  /**
   * What the attempt that was hit left: one more revision, which was pending and closed by us, or marked failed by a
   * helm that was told to stop; or the very revision that is deployed.
   */
  readonly left: 'nothing' | 'closed' | 'failed' | 'deployed';
}

/** The whole truth about a case that a fault has cost no more than its toll. */
export function truthAfter(one: Case, toll: Toll): Truth {
  const hooks = hooksAfter(one, toll);
  switch (one.action) {
    case 'install':
    case 'upgrade':
      return { ...afterWrite(one, toll), hooks };
    case 'unlock':
      // What was locked is what the killed helm left; whatever happens to the unlock costs nothing more.
      return { ...afterWrite({ action: 'upgrade', moment: 'hook' }, { hit: 'interrupted', left: 'closed' }), hooks };
    case 'rollback':
      return { ...afterRollback(toll), hooks };
    case 'uninstall':
      return { ...afterUninstall(toll), hooks };
    case 'test':
      return { ...afterTest(toll), hooks };
    case 'correction':
      return { ...AFTER_CORRECTION, hooks };
  }
}

type WithoutHooks = Omit<Truth, 'hooks'>;

/** What a helm has started by then that is killed there; those of a helm that came to its end are not started again. */
const STARTED: Readonly<Record<Moment, number>> = {
  pull: 0,
  record: 0,
  hook: 1,
  objects: 1,
  postHook: 2,
  closing: 1,
  report: 2,
  wait: 1,
};

/** The same of a test, whose write is that of its hook. */
const TESTED: Readonly<Record<Moment, number>> = { ...STARTED, objects: 0, report: 1 };

function hooksAfter(one: Case, { hit, left }: Toll): number {
  const all = Object.keys(hooksOf(one)).length;
  // That of the helm that was killed for its lock.
  if (one.action === 'unlock') return all + 1;
  // A test that was cut off, or of which nobody heard, is run again.
  if (one.action === 'test') return (hit === null ? 0 : TESTED[one.moment]) + all;
  const again = hit !== null && (left === 'closed' || left === 'failed');
  if (!again) return all;
  // What follows an install that was closed is an upgrade, and its hooks are others.
  return STARTED[one.moment] + (one.action === 'install' ? 0 : all);
}

function afterWrite({ action, moment }: Case, { hit, left }: Toll): WithoutHooks {
  const earlier = action === 'install' ? [] : ['succeeded COMPLETED'];
  const before = action === 'install' ? [] : ['superseded'];
  // Helm supersedes what it starts from; a failed one only when nothing else is deployed.
  const alone = action === 'install' || moment === 'closing';
  const extra = left === 'closed' || left === 'failed' ? [`${alone ? 'superseded' : 'failed'}, ${left}`] : [];
  const records = [...before, ...extra, 'deployed'];
  const told = hit === null ? [] : [HIT[hit]];
  const last = left === 'deployed' ? [] : ['succeeded COMPLETED'];
  return {
    records,
    deployed: 'declared',
    attempts: [...earlier, ...told.map((words) => words.join(' ')), ...last],
    conditions: conditionsOf(records.length, left),
    warnings: [...told.map(([, reason]) => reason), ...(left === 'closed' ? ['Unlocked'] : [])],
  };
}

function conditionsOf(revision: number, left: Toll['left'], version = '1.1.0'): readonly string[] {
  const reason = revision === 1 ? 'InstallSucceeded' : 'UpgradeSucceeded';
  const message = `revision ${revision} is deployed`;
  return [
    // Whose end was not heard did not say what it wrote.
    `Ready True ${reason} ${message}${left === 'deployed' ? '' : ` with version ${version}`}`,
    `Released True ${reason} ${message}`,
    'Reconciling False Idle nothing is being done',
    'Stalled False NotStalled nothing waits for a change of the spec',
  ];
}

/** What failed stays failed, whatever happens to the rollback of it; what ran before runs again. */
function afterRollback({ hit, left }: Toll): WithoutHooks {
  const extra = left === 'closed' || left === 'failed' ? [`failed, ${left}`] : [];
  const told = hit === null ? [] : [HIT[hit]];
  const last = left === 'deployed' ? [] : ['succeeded COMPLETED'];
  return {
    records: ['superseded', 'failed, failed', ...extra, 'deployed'],
    deployed: 'before',
    attempts: [
      'succeeded COMPLETED',
      'failedAfterWrite FAILED UpgradeFailed',
      ...told.map((words) => words.join(' ')),
      ...last,
    ],
    conditions: [
      'Ready False RetriesExceeded',
      'Released False UpgradeFailed',
      'Remediated True RollbackSucceeded',
      'Reconciling False Idle',
      'Stalled True RetriesExceeded',
    ],
    warnings: [
      ...new Set([
        ...told.map(([, reason]) => reason),
        'RetriesExceeded',
        ...(left === 'closed' ? ['Unlocked'] : []),
        'UpgradeFailed',
      ]),
    ],
  };
}

/** The revision is the same, and the attempt that was hit is told of. */
function afterTest({ hit }: Toll): WithoutHooks {
  const told = hit === null ? [] : [HIT[hit]];
  const [, released = '', ...others] = conditionsOf(1, 'nothing');
  return {
    records: ['deployed'],
    deployed: 'declared',
    attempts: ['succeeded COMPLETED', ...told.map((words) => words.join(' ')), 'succeeded COMPLETED'],
    conditions: [
      'Ready True TestSucceeded revision 1 is deployed with version 1.1.0; its test hook succeeded',
      released,
      'TestSuccess True TestSucceeded revision 1: its test hook succeeded',
      ...others,
    ],
    warnings: told.map(([, reason]) => reason),
  };
}

/** No revision, and no attempt: whatever happens to it, it is done. */
const AFTER_CORRECTION: WithoutHooks = {
  records: ['deployed'],
  deployed: 'before',
  attempts: ['succeeded COMPLETED'],
  conditions: conditionsOf(1, 'nothing', '1.0.0'),
  warnings: ['DriftDetected'],
};

/** An uninstall that was cut off is begun again; there is no lock to be opened. */
function afterUninstall({ hit }: Toll): WithoutHooks {
  const told = hit === null ? [] : [HIT[hit]];
  return {
    records: [],
    deployed: null,
    attempts: ['COMPLETED', ...told.map(([words]) => words.split(' ')[1] ?? ''), 'COMPLETED'],
    conditions: [],
    warnings: told.map(([, reason]) => reason),
  };
}

/** The case ended in one of these ways: where timing decides how much was under way, more than one is right. */
export async function assertTruth(scene: Scene, one: Case, ...tolls: readonly Toll[]): Promise<void> {
  await tollPaid(scene, one, tolls);
}

/** In which of these ways it ended. */
export async function tollPaid(scene: Scene, one: Case, tolls: readonly Toll[]): Promise<Toll> {
  const seen = await truthOf(scene, one);
  const paid = tolls.find((toll) => isDeepStrictEqual(seen, truthAfter(one, toll)));
  const [first] = tolls;
  if (paid === undefined) assert.deepEqual(seen, first && truthAfter(one, first), nameOf(one));
  assert.ok(paid !== undefined);
  return paid;
}

export async function truthOf(scene: Scene, one: Case): Promise<Truth> {
  const { holdfast, kube } = scene;
  const namespace = nameOf(one);
  const live = await find<Live>(kube, objectPath('HelmRelease', { namespace, name: 'app' }));
  const config = await find<Listed & { readonly data: Labels }>(kube, `/api/v1/namespaces/${namespace}/configmaps/app`);
  return {
    records: await recordsOf(holdfast, namespace),
    deployed: config?.data['message'] ?? null,
    hooks: hooksOfNamespace(scene, namespace),
    attempts:
      live === null
        ? await runsOf(holdfast, namespace)
        : await Promise.all(rowsOf(live).map((row) => describeRow(holdfast, row))),
    conditions: live === null ? [] : toldBy(live, one),
    warnings: await warningsOf(kube, namespace),
  };
}

async function find<T>(kube: KubeClient, path: string): Promise<T | null> {
  try {
    return await kube.request<T>({ method: 'GET', path });
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}

/** Jobs that helm has created, as the gate saw it. */
function hooksOfNamespace({ cluster }: Scene, namespace: string): number {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  return cluster.written().filter((asked) => asked.method !== 'DELETE' && asked.path.startsWith(path)).length;
}

/** A rollback's messages tell of the failure, in Helm's words: reasons are enough. */
function toldBy(live: Live, { action }: Case): readonly string[] {
  const more = action === 'rollback' ? ['Remediated'] : action === 'test' ? ['TestSuccess'] : [];
  const types = ['Ready', 'Released', ...more, 'Reconciling', 'Stalled'];
  return types.map((type) => {
    const { status, reason, message } = conditionOf(live, type);
    return [type, status, reason, ...(action === 'rollback' ? [] : [message])].join(' ');
  });
}

/** States of the runs of all attempts, in the order in which they began. */
async function runsOf({ client, cluster }: Holdfast, namespace: string): Promise<readonly string[]> {
  const query = `WorkflowType = 'attempt' AND WorkflowId STARTS_WITH '${cluster}/helmrelease/${namespace}/app/'`;
  const runs: { readonly at: number; readonly status: string }[] = [];
  for await (const { startTime, status } of client.workflow.list({ query })) {
    runs.push({ at: startTime.getTime(), status: status.name });
  }
  return runs.sort((a, b) => a.at - b.at).map(({ status }) => status);
}

async function recordsOf(holdfast: Holdfast, namespace: string): Promise<readonly string[]> {
  const { stack } = holdfast;
  // Helm calls a release that it knows nothing of an error.
  if ((await releaseHistory(holdfast, namespace, 'app')).length === 0) return [];
  const args = ['history', 'app', '--namespace', namespace, '--kubeconfig', stack.kubeconfig, '--output', 'json'];
  const { stdout } = await exec(join(stack.bin, 'helm'), args);
  // As helm prints it.
  const rows = JSON.parse(stdout) as readonly { readonly status: string; readonly description: string }[];
  return rows.map(({ status, description }) => [status, ...wordsOf(description)].join(', '));
}

function wordsOf(description: string): readonly string[] {
  if (/^Release "app" failed: interrupted: /.test(description)) return ['closed'];
  return description.includes(' failed: ') ? ['failed'] : [];
}

async function describeRow({ client }: Holdfast, { outcome, reason, workflowId, runId }: AttemptRow): Promise<string> {
  const { status } = await client.workflow.getHandle(workflowId, runId).describe();
  return [outcome, status.name, ...(reason === undefined ? [] : [reason])].join(' ');
}

/** Warnings only: what went well has no part in a fault. */
async function warningsOf(kube: KubeClient, namespace: string): Promise<readonly string[]> {
  const events = await list<EventFact>(kube, `/api/v1/namespaces/${namespace}/events`);
  const ours = events.filter(({ type, involvedObject }) => type === 'Warning' && involvedObject.kind === 'HelmRelease');
  return [...new Set(ours.map(({ reason }) => reason))].sort();
}

interface EventFact {
  readonly type: string;
  readonly reason: string;
  readonly involvedObject: { readonly kind: string };
}
