/** From Temporal's words to the API's: total, without judgement. */
import type { z } from 'zod';
import { entityId, type ReleaseStatus } from '../workflows/contract.ts';
import { PHASES, type AttemptRecord, type RequestOutcome } from '../workflows/core/model.ts';
import type { Entry } from './entities.ts';
import type { Links } from './links.ts';
import type { Progress } from './requests.ts';
import {
  SOURCE_PHASES,
  type Attempt,
  type Outcome,
  type Release,
  type ReleaseItem,
  type RequestState,
  type SourceItem,
} from './schema.ts';

export function toReleaseItem(entry: Entry, links: Links): z.output<typeof ReleaseItem> {
  const { ref, attributes } = entry;
  return {
    ...ref,
    phase: PHASES.find((phase) => phase === attributes['HelmPhase']) ?? null,
    chart: textOf(attributes['HelmChart']),
    sourceRevision: textOf(attributes['HelmSourceRevision']),
    failures: numberOf(attributes['HelmFailures']),
    suspended: booleanOf(attributes['HelmSuspended']),
    workflow: workflowOf(entry.workflowId, entry.runId, links),
  };
}

export function toSourceItem(entry: Entry, links: Links): z.output<typeof SourceItem> {
  const { ref, attributes } = entry;
  return {
    ...ref,
    phase: SOURCE_PHASES.find((phase) => phase === attributes['HelmPhase']) ?? null,
    revision: textOf(attributes['HelmSourceRevision']),
    workflow: workflowOf(entry.workflowId, entry.runId, links),
  };
}

export interface ReleaseView {
  readonly cluster: string;
  readonly status: ReleaseStatus;
  readonly runId: string;
}

export function toRelease({ cluster, status, runId }: ReleaseView, links: Links): z.output<typeof Release> {
  const { ref, suspension, source, lastFailure, notReady, dependencies, attempts } = status;
  return {
    ...ref,
    phase: status.phase,
    ready: status.ready,
    reason: status.reason,
    message: status.message,
    generation: status.generation,
    chart: status.chart,
    version: status.version,
    revision: status.revision,
    source: source === null ? null : { repository: { ...source.repository }, revision: source.revision },
    suspension: suspension === null ? null : { ...suspension },
    failures: status.failures,
    lastFailure: lastFailure === null ? null : { ...lastFailure },
    notReady: notReady.map(({ object, reason }) => ({ object, reason })),
    dependencies: dependencies.map(({ ref: one, state }) => ({ ...one, state })),
    attempts: attempts.toReversed().map((attempt) => toAttempt(attempt, links)),
    nextLookAt: status.nextLookAt === null ? null : toIso(status.nextLookAt),
    workflow: workflowOf(entityId(cluster, 'HelmRelease', ref), runId, links),
  };
}

function toAttempt(attempt: AttemptRecord, links: Links): z.output<typeof Attempt> {
  return {
    n: attempt.n,
    action: attempt.action,
    because: attempt.because,
    version: attempt.version,
    chartDigest: attempt.chartDigest,
    sourceRevision: attempt.sourceRevision,
    outcome: attempt.outcome,
    revision: attempt.revision,
    failure: attempt.failure === null ? null : { ...attempt.failure },
    startedAt: toIso(attempt.startedAt),
    endedAt: attempt.endedAt === null ? null : toIso(attempt.endedAt),
    readyAt: attempt.readyAt === undefined ? null : toIso(attempt.readyAt),
    workflow: workflowOf(attempt.workflowId, attempt.runId, links),
  };
}

export function toRequestState(
  request: string,
  { outcome, source }: Progress,
  url: string,
): z.output<typeof RequestState> {
  return {
    request,
    outcome: toOutcome(outcome),
    source: source === null ? null : { repository: { ...source.repository }, outcome: toOutcome(source.outcome) },
    url,
  };
}

function toOutcome(outcome: RequestOutcome): z.output<typeof Outcome> {
  const { kind } = outcome;
  return {
    kind,
    ready: kind === 'done' ? outcome.ready : null,
    message: kind === 'done' || kind === 'refused' ? outcome.message : '',
    revision: kind === 'done' ? outcome.revision : null,
  };
}

function workflowOf(id: string, runId: string, links: Links): z.output<typeof ReleaseItem>['workflow'] {
  return { id, runId: runId === '' ? null : runId, url: links.temporal(id, runId === '' ? null : runId) };
}

function toIso(instant: number): string {
  return new Date(instant).toISOString();
}

/** Temporal cannot take an attribute away again within a run, so empty text stands for none. */
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const booleanOf = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);
