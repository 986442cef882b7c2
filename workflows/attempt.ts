import {
  ActivityCancellationType,
  ApplicationFailure,
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  proxySinks,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ReleaseActivities, TestResult, UninstallReason, WriteResult } from '../activities/types.ts';
import { helmTaskQueue } from './contract.ts';
import type { ObjectRef } from './core/ids.ts';
import type { ActionOptions, AttemptAction, Outcome, Resolution, Written } from './core/model.ts';
import { MOST_TESTS } from './core/tests.ts';
import { readFailure } from './failures.ts';
import type { AttemptSinks } from './sinks.ts';
import { waitBriefly, waitForRevision } from './wait.ts';

/** Everything one attempt needs to know; no values, no credentials: its steps read those themselves. */
export interface AttemptInput {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly generation: number;
  readonly action: AttemptAction;
  readonly label: string;
  readonly digest: string;
  readonly replace: boolean;
  readonly expectRevision: number | null;
  readonly title: string;
  readonly because: string;
  readonly release: ObjectRef;
  readonly options: ActionOptions;
  readonly keepHistory: boolean;
  /** The entity wants to hear when the write is done and a wait begins. */
  readonly tellWait?: boolean;
  /** Wait for a moment inside the worker before a wait is a step of its own. Older runs did not. */
  readonly waitsBriefly?: boolean;
  /** The version that the range of the spec stood for when it was decided. Absent: the spec has an exact one. */
  readonly resolution?: Pick<Resolution, 'key' | 'version' | 'failure'>;
  /** Of a rollback. */
  readonly toRevision?: number;
  /** Of a rollback: a person has named the revision. */
  readonly asked?: boolean;
  /** Of an uninstall whose object stays. */
  readonly reason?: UninstallReason;
}

/** The attempt's word to its entity: the revision is written, and its objects are waited for. */
export const waitBegan = defineSignal<[string]>('waitBegan');

/** The entity's word that another state is desired by now: a wait ends at once, a write does not. */
export const superseded = defineSignal<[string]>('superseded');

/** The entity's word that the release was abandoned: a wait ends at once, and so does an uninstall; a write does not. */
export const abandoned = defineSignal<[string]>('abandoned');

const { attempts } = proxySinks<AttemptSinks>();

/** Time that a helm has beyond its own timeouts before its activity is given up: pull, render, clean up. */
const GRACE_MS = 120_000;

/**
 * One attempt to change something: fetch the chart, write, wait. One that fails ends as a failed workflow, so that lists
 * in the Temporal UI show it red, and carries its `Outcome` in the failure's details.
 */
export async function attempt(input: AttemptInput): Promise<Outcome> {
  const begun = Date.now();
  const outcome = await perform(input);
  const failure = 'failure' in outcome ? outcome.failure.code : null;
  attempts.ended({ action: input.action, outcome: outcome.kind, failure, seconds: (Date.now() - begun) / 1_000 });
  if (outcome.kind === 'succeeded' || outcome.kind === 'interrupted') {
    setCurrentDetails(`**${input.title}**\n\n${outcome.kind}`);
    return outcome;
  }
  const { code, message } =
    outcome.kind === 'lost' ? { code: 'Interrupted' as const, message: outcome.reason } : outcome.failure;
  setCurrentDetails(`**${input.title}**\n\n${outcome.kind}: ${message}`);
  const thrown = ApplicationFailure.nonRetryable(message, code, outcome);
  // It would only tell where the worker's files lie.
  thrown.stack = '';
  throw thrown;
}

async function perform(input: AttemptInput): Promise<Outcome> {
  const scopes = createScopes();
  const told: Told = { reason: null };
  const leave = (reason: string): void => {
    told.reason ??= reason;
    scopes.wait.cancel();
  };
  setHandler(superseded, (reason) => {
    if (input.action !== 'uninstall') leave(reason);
  });
  setHandler(abandoned, (reason) => {
    leave(reason);
    scopes.uninstall.cancel();
  });
  setCurrentDetails(`**${input.title}**`);
  if (input.action === 'uninstall') return unlessTold(told, null, () => uninstall(input, scopes));
  if (input.action === 'test') return test(input);

  const result = input.action === 'rollback' ? await rollback(input) : await write(input);
  if (result.kind !== 'written') return result;
  const { written, waitedByHelm, ready = false } = result;
  if (waitedByHelm || ready || !input.options.wait) return { kind: 'succeeded', written };
  setCurrentDetails(`**${input.title}**\n\nrevision ${written.revision} is written; waiting for its objects`);
  return unlessTold(told, written, () => scopes.wait.run(() => waitAfter(input, written)));
}

/** What a message may end. */
interface Scopes {
  readonly wait: CancellationScope;
  /** Helm's uninstall: nothing but an abandoned release ends it, not even a cancelled workflow. */
  readonly uninstall: CancellationScope;
}

function createScopes(): Scopes {
  const shield = new CancellationScope({ cancellable: false });
  return { wait: new CancellationScope(), uninstall: new CancellationScope({ cancellable: true, parent: shield }) };
}

interface Told {
  reason: string | null;
}

/** What ended because a message said so was interrupted; it has not failed. */
async function unlessTold(told: Told, written: Written | null, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (told.reason === null || !isCancellation(error)) throw error;
    return { kind: 'interrupted', reason: told.reason, written };
  }
}

/** Not awaited: the wait begins in the same step, and goes on whether or not the entity hears. */
function tellWait({ label }: AttemptInput): void {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  const { workflowId } = parent;
  // Told even where the wait is over before it began, as it has always been: histories depend on it.
  void CancellationScope.nonCancellable(() =>
    getExternalWorkflowHandle(workflowId)
      .signal(waitBegan, label)
      .catch(() => undefined),
  );
}

async function waitAfter(input: AttemptInput, written: Written): Promise<Outcome> {
  const { cluster, ref, release, options } = input;
  const deadline = Date.now() + options.timeoutMs;
  const waiting = { cluster, ref, release, revision: written.revision, deadline, options };
  if (input.waitsBriefly === true && (await waitBriefly(waiting))) return { kind: 'succeeded', written };
  if (input.tellWait === true) tellWait(input);
  const waited = await waitForRevision(waiting);
  return waited.kind === 'ready'
    ? { kind: 'succeeded', written }
    : { kind: 'failedAfterWrite', failure: waited.failure, written };
}

type WriteEnd = Extract<WriteResult, { kind: 'written' }> | Exclude<Outcome, { kind: 'succeeded' }>;

async function write(input: AttemptInput): Promise<WriteEnd> {
  const { action, replace, title } = input;
  const { writeRelease } = proxyActivities<ReleaseActivities>({ ...oneHelm(input) });
  const step = { ...stepOf(input), action, replace };
  return toEnd(input, () => writeRelease.executeWithOptions({ summary: title }, [step]), toWriteEnd);
}

async function rollback(input: AttemptInput): Promise<WriteEnd> {
  const { title, toRevision = 0, asked } = input;
  const { rollbackRelease } = proxyActivities<ReleaseActivities>({ ...oneHelm(input) });
  const step = { ...stepOf(input), toRevision, ...(asked === undefined ? {} : { asked }) };
  return toEnd(input, () => rollbackRelease.executeWithOptions({ summary: title }, [step]), toWriteEnd);
}

function stepOf(input: AttemptInput) {
  const { cluster, ref, uid, generation, digest, label, expectRevision, because, resolution = null } = input;
  return { cluster, ref, uid, generation, digest, attempt: label, expectRevision, because, resolution };
}

function toWriteEnd(result: WriteResult): WriteEnd {
  if (result.kind === 'written') return result;
  return { kind: 'failedAfterWrite', failure: result.failure, written: result.written };
}

/** Nothing interrupts a helm that writes, not even a cancelled workflow: half a write is worse than a late one. */
async function toEnd<R, E>(
  input: AttemptInput,
  step: () => Promise<R>,
  toResult: (result: R) => E,
): Promise<E | ReturnType<typeof ended>> {
  try {
    return toResult(await CancellationScope.nonCancellable(step));
  } catch (error) {
    return ended(error, input);
  }
}

async function uninstall(input: AttemptInput, scopes: Scopes): Promise<Outcome> {
  const { cluster, ref, uid, release, options, keepHistory, label, title, because, reason } = input;
  const about = { cluster, ref, uid, release, timeoutMs: options.timeoutMs, keepHistory, attempt: label, because };
  const step = reason === undefined ? about : { ...about, reason };
  const { uninstallRelease } = proxyActivities<ReleaseActivities>({
    ...oneHelm(input),
    // Its end is awaited: a helm that still runs would go on deleting.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  const { waitGone } = proxyActivities<ReleaseActivities>({
    startToCloseTimeout: '60 seconds',
    scheduleToCloseTimeout: Math.max(options.timeoutMs, 1000),
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
  });
  try {
    await scopes.uninstall.run(() => uninstallRelease.executeWithOptions({ summary: title }, [step]));
    const summary = `wait until every object of ${release.name} is gone`;
    await scopes.wait.run(() => waitGone.executeWithOptions({ summary }, [step]));
    return { kind: 'succeeded', written: null };
  } catch (error) {
    return notGone(ended(error, input));
  }
}

/** Like a write it goes on to its end: helm notes in its record what has run. */
async function test(input: AttemptInput): Promise<Outcome> {
  const { testRelease } = proxyActivities<ReleaseActivities>({ ...oneHelm(input) });
  const run = (): Promise<TestResult> => testRelease.executeWithOptions({ summary: input.title }, [stepOf(input)]);
  return toEnd(input, run, ({ failure, written, tests }) =>
    failure === null ? { kind: 'succeeded', written, tests } : { kind: 'failedAfterWrite', failure, written, tests },
  );
}

/** That objects are not gone in time is the failure of the uninstall, not of a wait for something to come up. */
function notGone(outcome: Exclude<Outcome, { kind: 'succeeded' }>): Outcome {
  if (outcome.kind !== 'failedBeforeWrite' || outcome.failure.code !== 'NotReady') return outcome;
  return { ...outcome, failure: { code: 'UninstallFailed', message: outcome.failure.message } };
}

/** One Temporal attempt: after any loss the entity looks again and decides again. */
function oneHelm(input: AttemptInput) {
  return {
    taskQueue: helmTaskQueue(input.cluster),
    startToCloseTimeout: limitOf(input),
    heartbeatTimeout: '15 seconds',
    retry: { maximumAttempts: 1 },
  } as const;
}

/** Helm's `--timeout` is per operation: pre hook, wait, post hook and a clean-up may each take it, and so may each test. */
function limitOf({ action, options }: AttemptInput): number {
  return (action === 'test' ? MOST_TESTS : 4) * options.timeoutMs + GRACE_MS;
}

function ended(error: unknown, input: AttemptInput): Exclude<Outcome, { kind: 'succeeded' }> {
  const step = readFailure(error);
  if (step.kind === 'vanished') {
    const lost = { attempt: input.label, process: step.process, deadAt: Date.now() + limitOf(input) };
    return { kind: 'lost', reason: step.reason, lost };
  }
  const { failure } = step;
  if (failure.code === 'Interrupted' || failure.code === 'Conflict') {
    return { kind: 'interrupted', reason: failure.message, written: null };
  }
  return { ...step, kind: 'failedBeforeWrite' };
}
