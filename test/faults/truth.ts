/** What a fault may leave behind, case by case, and what it did leave. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { KubeClient } from '../../activities/kube/client.ts';
import { objectPath } from '../../activities/kube/kinds.ts';
import { conditionOf, type Holdfast, type Live } from '../support/holdfast.ts';
import { nameOf, type Case } from './cases.ts';
import { list, type Sight } from './survey.ts';

const exec = promisify(execFile);

/** All that is told of a release, by Helm, by its status, by Events and by Temporal. */
export interface Truth {
  /** Helm's records, oldest first, and whether their descriptions tell that they were closed, or that they failed. */
  readonly records: readonly string[];
  /** What is deployed, by the ConfigMap of the release. */
  readonly deployed: string;
  /** `status.history`: outcome, and the state of the workflow run that it names. */
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
export function truthAfter({ action, moment }: Case, { hit, left }: Toll): Truth {
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

function conditionsOf(revision: number, left: Toll['left']): readonly string[] {
  const reason = revision === 1 ? 'InstallSucceeded' : 'UpgradeSucceeded';
  const message = `revision ${revision} is deployed`;
  return [
    // Whose end was not heard did not say what it wrote.
    `Ready True ${reason} ${message}${left === 'deployed' ? '' : ' with version 1.1.0'}`,
    `Released True ${reason} ${message}`,
    'Reconciling False Idle nothing is being done',
    'Stalled False NotStalled nothing waits for a change of the spec',
  ];
}

/** The case ended in one of these ways: where timing decides how much was under way, more than one is right. */
export async function assertTruth(sight: Sight, one: Case, ...tolls: readonly Toll[]): Promise<void> {
  const seen = await truthOf(sight, one);
  const allowed = tolls.map((toll) => truthAfter(one, toll));
  assert.deepEqual(seen, allowed.find((truth) => isDeepStrictEqual(seen, truth)) ?? allowed[0], nameOf(one));
}

export async function truthOf({ holdfast, kube }: Sight, one: Case): Promise<Truth> {
  const namespace = nameOf(one);
  const live = await kube.request<Live>({ method: 'GET', path: objectPath('HelmRelease', { namespace, name: 'app' }) });
  const path = `/api/v1/namespaces/${namespace}/configmaps/app`;
  const { data } = await kube.request<{ readonly data: { readonly message: string } }>({ method: 'GET', path });
  return {
    records: await recordsOf(holdfast, namespace),
    deployed: data.message,
    attempts: await Promise.all(rowsOf(live).map((row) => describeRow(holdfast, row))),
    conditions: ['Ready', 'Released', 'Reconciling', 'Stalled'].map((type) => {
      const { status, reason, message } = conditionOf(live, type);
      return `${type} ${status} ${reason} ${message}`;
    }),
    warnings: await warningsOf(kube, namespace),
  };
}

async function recordsOf({ stack }: Holdfast, namespace: string): Promise<readonly string[]> {
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

interface Row {
  readonly outcome: string;
  readonly reason?: string;
  readonly workflowId: string;
  readonly runId: string;
}

function rowsOf(live: Live): readonly Row[] {
  // By the schema of the CRD.
  return (live.status?.['history'] ?? []) as readonly Row[];
}

async function describeRow({ client }: Holdfast, { outcome, reason, workflowId, runId }: Row): Promise<string> {
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
