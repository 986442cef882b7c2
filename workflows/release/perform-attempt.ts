import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import type { UninstallReason } from '../../activities/types.ts';
import { attempt, type AttemptInput } from '../attempt.ts';
import { chartOf, releaseOf, type AttemptKind } from '../core/facts.ts';
import { endAttempt, lastAttempt, startAttempt } from '../core/history.ts';
import type { ActionOptions, AttemptAction, AttemptRecord, History, Outcome, ReleaseObject } from '../core/model.ts';
import { movedTag } from '../core/resolution.ts';
import { isFirst, testedText } from '../core/tests.ts';
import { readFailure } from '../failures.ts';
import type { Entity } from './entity.ts';
import { holdForWrite } from './hold.ts';
import { announce, report } from './report.ts';
import { resolutionOf } from './resolve.ts';
import { attemptLabel, titleOf } from './title.ts';
import { watchOver } from './watch-over.ts';

/** An attempt of a former entity runs under the number we wanted: look again after this. */
const TAKEN_RETRY_MS = 10_000;

/** Run one attempt as a child workflow, watch over it, and note how it ended. */
export async function performAttempt(entity: Entity, object: ReleaseObject, action: AttemptKind): Promise<void> {
  await holdForWrite(entity, object);
  // What failed in the old place is not answered by this uninstall, nor by what comes after it in the new one.
  if (leaves(entity, object, action)) entity.history = { ...entity.history, failuresAfterWrite: 0 };
  const input = toInput(entity, object, action);
  const child = await start(entity, input);
  if (child === null) return;
  await reportStart(entity);
  const outcome = await watchOver(entity, child);
  finish(entity, object, outcome);
}

/** What has begun is followed to its end, also when the API server cannot be told of it. */
async function reportStart(entity: Entity): Promise<void> {
  try {
    await report(entity);
  } catch (error) {
    readFailure(error);
  }
}

function toInput(entity: Entity, object: ReleaseObject, action: AttemptKind): AttemptInput {
  const { history, look, input } = entity;
  const n = history.attempts + 1;
  const { spec } = object;
  const uninstall = spec.kind === 'valid' ? spec.desired.uninstall : spec.uninstall;
  return {
    cluster: input.cluster,
    ref: input.ref,
    uid: object.uid,
    generation: object.generation,
    action: action.kind,
    label: attemptLabel(object.uid, n),
    digest: spec.kind === 'valid' ? spec.desired.digest : '',
    replace: action.kind === 'install' && action.replace,
    expectRevision: look.stored?.revision ?? null,
    title: titleOf(action, look, history),
    because: action.because,
    release: releaseOf(object, history),
    options: optionsOf(spec, action.kind),
    keepHistory: uninstall.keepHistory,
    tellWait: true,
    waitsBriefly: true,
    ...(object.follows === undefined ? {} : resolutionOf(history)),
    ...(action.kind === 'rollback' ? { toRevision: action.toRevision } : {}),
    ...(action.kind === 'rollback' && history.pin != null ? { asked: true } : {}),
    // Without this an uninstall refuses an object that is not being deleted.
    ...(action.kind === 'uninstall' && !object.deleting ? { reason: reasonOf(entity, object, action) } : {}),
  };
}

function reasonOf(entity: Entity, object: ReleaseObject, action: AttemptKind): UninstallReason {
  return leaves(entity, object, action) ? 'move' : 'remediation';
}

/** The release is uninstalled because it is wanted elsewhere. */
function leaves({ look }: Entity, { deleting }: ReleaseObject, { kind }: AttemptKind): boolean {
  return kind === 'uninstall' && !deleting && look.move !== undefined;
}

function optionsOf(spec: ReleaseObject['spec'], action: AttemptAction): ActionOptions {
  const uninstall = spec.kind === 'valid' ? spec.desired.uninstall : spec.uninstall;
  const none: ActionOptions = { timeoutMs: uninstall.timeoutMs, wait: false, waitForJobs: false, cleanupOnFail: false };
  if (spec.kind === 'invalid' || action === 'uninstall') return none;
  if (action === 'test') return { ...none, timeoutMs: spec.desired.test?.timeoutMs ?? none.timeoutMs };
  return action === 'rollback' ? (spec.desired.remediation?.rollback ?? none) : spec.desired[action];
}

async function start(entity: Entity, input: AttemptInput): Promise<ChildWorkflowHandle<typeof attempt> | null> {
  const n = entity.history.attempts + 1;
  const workflowId = `${entity.id}/${input.action}/${n}`;
  const record: AttemptRecord = {
    n,
    label: input.label,
    action: input.action,
    because: input.because,
    digest: input.digest,
    version: input.action === 'rollback' ? versionOf(entity.history, input.toRevision) : chartOf(entity.look).version,
    sourceRevision: entity.look.object?.source?.revision ?? null,
    workflowId,
    runId: '',
    startedAt: Date.now(),
    endedAt: null,
    outcome: 'running',
    revision: null,
    chartDigest: null,
    failure: null,
    ...particulars(entity, input),
  };
  try {
    const child = await startChild(attempt, {
      workflowId,
      args: [input],
      staticSummary: input.title,
      staticDetails: input.because,
      // A write is not interrupted by anything; a wait ends with the entity that wanted it.
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    const running = { ...record, runId: child.firstExecutionRunId };
    entity.history = startAttempt(entity.history, running, input.release);
    entity.running = running;
    return child;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    // An attempt of a former entity still runs under this number. Take the next one, once that is over.
    entity.history = { ...entity.history, attempts: n, retryAt: Date.now() + TAKEN_RETRY_MS };
    return null;
  }
}

/** What later tells how a failure counts, which record a rollback has made, and which one was tested. */
function particulars(
  { history, look }: Entity,
  input: AttemptInput,
): Pick<AttemptRecord, 'first' | 'makes' | 'subject'> {
  if (input.action === 'rollback') return { makes: (input.expectRevision ?? 0) + 1 };
  if (input.action === 'test' && look.stored !== null) {
    return { subject: look.stored.attempt, ...(isFirst(look.stored, history) ? { first: true } : {}) };
  }
  const first = history.readyRevision === null && (look.stored?.deployedRevision ?? null) === null;
  return first ? { first } : {};
}

/** The version that a revision was made from, as far as that is remembered. */
function versionOf({ recent }: History, wanted: number | undefined): string {
  return recent.findLast(({ revision }) => revision !== null && revision === wanted)?.version ?? '';
}

const VERB: Readonly<Record<AttemptAction, string>> = {
  install: 'Install',
  upgrade: 'Upgrade',
  rollback: 'Rollback',
  uninstall: 'Uninstall',
  test: 'Test',
};

/** Note the end of the newest attempt, and queue the Event that tells of it. */
function finish(entity: Entity, object: ReleaseObject, outcome: Outcome): void {
  entity.history = endAttempt(entity.history, outcome, {
    at: Date.now(),
    intervalMs: object.intervalMs,
    desired: object.spec.kind === 'valid' ? object.spec.desired : null,
  });
  const attempted = lastAttempt(entity.history);
  if (attempted === undefined) return;
  const title = `${attempted.action} ${attempted.version}`.trim();
  switch (outcome.kind) {
    case 'succeeded': {
      const message = title + whatOf(outcome, attempted, entity.history);
      announce(entity, 'Normal', { reason: `${VERB[attempted.action]}Succeeded`, message });
      if (attempted.chartDigest !== null) tellMovedTag(entity, attempted);
      return;
    }
    case 'failedBeforeWrite':
    case 'failedAfterWrite': {
      const { code, message } = outcome.failure;
      announce(entity, 'Warning', { reason: code, message: `${title} failed: ${message}` });
      entity.announced = message;
      return;
    }
    case 'interrupted':
    case 'lost':
      announce(entity, 'Warning', { reason: 'Interrupted', message: `${title} was interrupted: ${outcome.reason}` });
  }
}

function whatOf(
  { written }: Extract<Outcome, { kind: 'succeeded' }>,
  { action }: AttemptRecord,
  { tested }: History,
): string {
  if (written === null) return '';
  const digest = written.chartDigest === null ? '' : `, chart digest ${written.chartDigest}`;
  const tests = action === 'test' && tested != null ? `, ${testedText(tested)}` : '';
  return `: revision ${written.revision}${digest}${tests}`;
}

/** The same version was installed before, from other contents. */
function tellMovedTag(entity: Entity, { n, version, chartDigest }: AttemptRecord): void {
  const before = entity.history.recent.findLast(
    (one) => one.n < n && one.version === version && one.chartDigest !== null,
  );
  const news = movedTag(version, before?.chartDigest ?? null, chartDigest);
  if (news !== null) announce(entity, 'Warning', { reason: news.code, message: news.message });
}
