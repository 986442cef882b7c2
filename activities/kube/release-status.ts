import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { AttemptRecord, History } from '../../workflows/core/model.ts';
import type { TestHook } from '../../workflows/core/test-model.ts';
import { type Kube, KubeError, type Manifest } from '../ports.ts';
import type { ReleaseReport } from '../types.ts';
import { mergeConditions, StoredCondition } from './conditions.ts';
import { recordEvent } from './events.ts';
import { readRevision, recordPath, type RevisionFacts } from './helm-records.ts';
import { KINDS, MANAGERS, METADATA, objectPath, PATCH } from './kinds.ts';
import { createLastSeen, type LastSeen, type SeenRelease } from './last-seen.ts';
import { readOrNull } from './read.ts';
import { AnyObjectOrNull, RecordMetadata } from './schema.ts';
import { kubeTime } from './time.ts';

/** What of the present status decides what is written. */
const OldStatus = z
  .object({
    observedGeneration: z.number().optional(),
    conditions: z.array(StoredCondition).catch([]),
    helmRelease: z
      .looseObject({ name: z.string(), namespace: z.string(), revision: z.number(), status: z.string() })
      .optional(),
  })
  .catch({ conditions: [] });
type OldStatus = z.infer<typeof OldStatus>;

const MAX_FAILURES = 10;

/** Where the release was when its object was last reported on; null: nowhere. */
export function placeInStatus(status: unknown): ObjectRef | null {
  const release = OldStatus.parse(status ?? {}).helmRelease;
  return release === undefined ? null : { namespace: release.namespace, name: release.name };
}

/**
 * Write status and Events of a HelmRelease. One that is gone, or another by now, is left alone. What `seen` knows of it is
 * not read again, unless it turns out to be out of date.
 */
export async function reportStatus(
  kube: Kube,
  report: ReleaseReport,
  seen: LastSeen = createLastSeen(),
): Promise<void> {
  const known = seen.take(report.uid);
  const ground = known ?? (await readGround(kube, report));
  if (ground === null) return;
  const status = await compose(kube, report, ground);
  const involved = { apiVersion: KINDS.HelmRelease.apiVersion, kind: 'HelmRelease', uid: report.uid, ...report.ref };
  for (const event of report.events) await recordEvent(kube, involved, event);
  if (contains(ground.status, status)) return;
  if (await patchStatus({ kube, report, seen }, status, known?.resourceVersion)) return;
  const again = await readGround(kube, report);
  if (again !== null) await patchStatus({ kube, report, seen }, await compose(kube, report, again));
}

/** What a report changes. */
type Ground = Pick<SeenRelease, 'status' | 'newest'>;

/** Null: the object is gone, or another. */
async function readGround(kube: Kube, { ref, uid }: ReleaseReport): Promise<Ground | null> {
  const read = AnyObjectOrNull.parse(await readOrNull(kube, objectPath('HelmRelease', ref)));
  if (read?.metadata.uid !== uid) return null;
  return { status: read.status, newest: null };
}

async function compose(kube: Kube, report: ReleaseReport, ground: Ground): Promise<Record<string, unknown>> {
  const old = OldStatus.parse(ground.status ?? {});
  return toStatus(report, old, await describeRevision(kube, report, { old, newest: ground.newest }));
}

interface Reporting {
  readonly kube: Kube;
  readonly report: ReleaseReport;
  readonly seen: LastSeen;
}

/** False: the object is not in that version any more. */
async function patchStatus(
  { kube, report: { ref, uid }, seen }: Reporting,
  status: object,
  resourceVersion?: string,
): Promise<boolean> {
  try {
    const written = await kube.request<Manifest>({
      ...PATCH.merge,
      path: objectPath('HelmRelease', ref, '/status'),
      query: { fieldManager: MANAGERS.status },
      // The uid is a precondition: an object of the same name that came since is not ours to describe.
      body: { metadata: { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) }, status },
    });
    seen.note(written, null);
  } catch (error) {
    if (error instanceof KubeError && error.status === 409 && resourceVersion !== undefined) return false;
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
  return true;
}

/** The record is read only when its revision or status is not the one that status tells of, the labels before the body. */
async function describeRevision(
  kube: Kube,
  { release, revision }: ReleaseReport,
  { old: { helmRelease: old }, newest }: { readonly old: OldStatus; readonly newest: SeenRelease['newest'] },
): Promise<RevisionFacts | null> {
  if (revision === null) return null;
  const path = recordPath(release, revision);
  const known = old?.revision === revision && old.name === release.name && old.namespace === release.namespace;
  const isSeen =
    newest?.revision === revision && newest.name === release.name && newest.namespace === release.namespace;
  if (known) {
    const status = isSeen ? newest.status : (await readLabels(kube, path))?.['status'];
    if (status === old.status) return old;
  }
  return readRevision(kube, release, revision);
}

async function readLabels(kube: Kube, path: string): Promise<Readonly<Record<string, string>> | null> {
  try {
    const answer = await kube.request({ method: 'GET', path, accept: METADATA });
    return RecordMetadata.parse(answer).metadata.labels ?? {};
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}

function toStatus(report: ReleaseReport, old: OldStatus, facts: RevisionFacts | null): Record<string, unknown> {
  const { generation, history } = report;
  const now = kubeTime();
  return {
    observedGeneration: generation,
    phase: report.phase,
    conditions: mergeConditions(old.conditions, report.conditions, { generation, now }),
    helmRelease: facts,
    failures: toFailures(history),
    history: history.recent.map(toRow),
    notReady: history.notReady,
    resolved: toResolved(history),
    lastAttemptedRevision: history.recent.at(-1)?.version ?? null,
    lastHandledRequestedAt: history.handledRequestedAt,
    workflowId: report.workflowId,
    runId: report.runId,
  };
}

/** What the range of the spec stands for. A new value for every field that is gone: a merge would keep the old one. */
function toResolved({ resolution }: History): object | null {
  if (resolution == null) return null;
  const { range, version, digest, failure } = resolution;
  return { range, version, digest, reason: failure?.code ?? null, message: failure?.message ?? null };
}

function toFailures({ recent, digest }: History): readonly object[] {
  return recent
    .filter((attempt) => attempt.failure !== null && attempt.digest === digest)
    .slice(-MAX_FAILURES)
    .map(({ failure, endedAt, startedAt }) => ({
      time: toTime(endedAt ?? startedAt),
      reason: failure?.code,
      message: failure?.message,
    }));
}

function toRow(attempt: AttemptRecord): object {
  const { failure } = attempt;
  return withoutNulls({
    attempt: attempt.n,
    action: attempt.action,
    because: attempt.because,
    outcome: attempt.outcome,
    version: attempt.version,
    chartDigest: attempt.chartDigest,
    configDigest: attempt.digest,
    sourceRevision: attempt.sourceRevision,
    revision: attempt.revision,
    startedAt: toTime(attempt.startedAt),
    endedAt: attempt.endedAt === null ? null : toTime(attempt.endedAt),
    readyAt: attempt.readyAt === undefined ? null : toTime(attempt.readyAt),
    testHooks: attempt.tests === undefined ? null : toHooks(attempt.tests),
    reason: failure?.code ?? null,
    message: failure?.message ?? null,
    workflowId: attempt.workflowId,
    runId: attempt.runId,
  });
}

/** By name, as in Flux. */
function toHooks(tests: readonly TestHook[]): object {
  const rows = tests.map(({ name, phase, startedAt, completedAt }) => [
    name,
    withoutNulls({
      phase: phase === '' ? null : phase,
      lastStarted: startedAt === null ? null : toTime(startedAt),
      lastCompleted: completedAt === null ? null : toTime(completedAt),
    }),
  ]);
  return Object.fromEntries(rows) as object; // of the pairs above
}

function toTime(instant: number): string {
  return new Date(instant).toISOString();
}

function withoutNulls(row: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined));
}

/** Whether a merge of `status` would change nothing: null stands for absent. */
function contains(present: unknown, status: Readonly<Record<string, unknown>>): boolean {
  if (typeof present !== 'object' || present === null) return false;
  const fields = new Map(Object.entries(present));
  return Object.entries(status).every(([key, value]) => isDeepStrictEqual(fields.get(key) ?? null, plain(value)));
}

/** As the API server keeps it: a null in an object is not kept. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_key, one: unknown) => (one === null ? undefined : one));
  return value == null ? null : (JSON.parse(text) as unknown);
}
