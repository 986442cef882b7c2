import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  makeContinueAsNewFunc,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { GitActivities, GitPass } from '../activities/types.ts';
import { changed, outcome, sourceStatus, sync, type Accepted, type Ask, type EntityInput } from './contract.ts';
import { BEFORE_WRITE, delayAfter } from './core/backoff.ts';
import { refText } from './core/facts.ts';
import { FAILURES, type Failure } from './core/failures.ts';
import { entityId, hashText, jitterOf, type Instant } from './core/ids.ts';
import { readFailure } from './failures.ts';
import {
  answer,
  createMemory,
  enqueue,
  isWoken,
  judge,
  outcomeIn,
  pendingOf,
  remember,
  toStatus,
  wake,
  type GitHistory,
  type Memory,
} from './git/memory.ts';
import { show } from './git/show.ts';
import { checkAsk } from './release/messages.ts';

export type { GitHistory } from './git/memory.ts';

/** Passes of a run; a short history replays fast. */
const MAX_PASSES = 20;
const DEFAULT_INTERVAL_MS = 60_000;

/** What only time or a person mends is not tried again within a pass. */
const NOT_TRANSIENT = Object.entries(FAILURES).flatMap(([code, disposition]) =>
  disposition === 'transient' ? [] : [code],
);

const { syncGitRepository } = proxyActivities<GitActivities>({
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { maximumAttempts: 3, initialInterval: '1 second', nonRetryableErrorTypes: NOT_TRANSIENT },
});

const { pruneGitRepository } = proxyActivities<GitActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '15 seconds',
  // Uninstalling may take long; then the next pass waits on.
  scheduleToCloseTimeout: '15 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
});

const { reportGitRepository } = proxyLocalActivities<GitActivities>({
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '60 seconds',
  // Few: as long as they go on, the workflow hears no message. The next pass reports again.
  retry: { initialInterval: '200 milliseconds', maximumAttempts: 3 },
});

/**
 * The life of one GitRepository: fetch, apply, prune, report, wait; until its object is gone. What it applied is
 * listed in the status of the object, so that nothing hangs on this workflow: ending it deletes nothing.
 */
export async function gitRepository(input: EntityInput<GitHistory>): Promise<void> {
  const memory = createMemory(input);
  listen(memory);
  for (let passes = 1; ; passes += 1) {
    memory.woken = false;
    const next = await pass(memory);
    if (next.kind === 'gone' && !isWoken(memory)) return;
    if (next.kind === 'sleep') await sleep(memory, next);
    if (passes >= MAX_PASSES || workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueWith({ ...input, history: memory.history });
    }
  }
}

const continueWith = makeContinueAsNewFunc<typeof gitRepository>({});

/** Install the handlers. All are synchronous: they note and wake, the loop does the work. */
function listen(memory: Memory): void {
  const woken = (): void => {
    wake(memory);
  };
  const accept = ({ id, by, reason }: Ask): Accepted => {
    const position = pendingOf(memory.history).filter((request) => request.id !== id).length;
    memory.history = enqueue(memory, { id, kind: 'sync', by, reason, at: Date.now() });
    wake(memory);
    return { request: id, position };
  };
  setHandler(changed, woken, { description: 'the object, or something that it refers to, changed' });
  setHandler(sync, accept, { description: 'fetch and apply now', validator: checkAsk });
  setHandler(outcome, (id) => outcomeIn(memory.history, id), { description: 'how a request fared' });
  setHandler(sourceStatus, () => toStatus(memory), { description: 'what was applied last, and what is wrong' });
}

type Next =
  | { readonly kind: 'again' }
  | { readonly kind: 'gone' }
  /** Null: until a message comes. */
  | { readonly kind: 'sleep'; readonly until: Instant | null };

async function sleep(memory: Memory, { until }: { readonly until: Instant | null }): Promise<void> {
  memory.nextPassAt = until;
  if (until === null) await condition(() => memory.woken);
  else if (!memory.woken) {
    await condition(() => memory.woken, Math.max(1, until - Date.now()), { summary: 'next fetch' });
  }
  memory.nextPassAt = null;
}

/** One pass over the repository, from the fetch to the report. */
async function pass(memory: Memory): Promise<Next> {
  const pending = pendingOf(memory.history);
  const asked = pending.map(({ id }) => id);
  const fetched = await attempt(() => fetchAndApply(memory));
  const seen = fetched.kind === 'done' ? fetched.value : null;
  const pruned = seen === null ? NOTHING : await prune(memory, seen);
  if (pruned.kind === 'interrupted') return { kind: 'again' };
  const failure = failureOf(fetched) ?? failureOf(pruned);
  if (failure === null && (seen === null || seen.deleting)) {
    memory.history = answer(memory.history, asked, { kind: 'refused', message: 'the GitRepository is gone' });
    return { kind: 'gone' };
  }
  const gone = pruned.kind === 'done' ? pruned.value : [];
  const left = seen === null ? null : { ...seen, inventory: seen.inventory - gone.length };
  memory.history = remember(memory.history, left, failure);
  await report(memory, { pruned: gone, askedBy: whoAsked(pending) });
  const { ready, message } = judge(memory.history);
  memory.history = answer(memory.history, asked, { kind: 'done', ready: ready === 'True', message, revision: null });
  show(memory);
  return { kind: 'sleep', until: nextPass(memory) };
}

function whoAsked(pending: GitHistory['requests']): string | null {
  const names = pending.map(({ by, reason }) => (reason === '' ? by : `${by} (${reason})`));
  return names.length === 0 ? null : names.join(', ');
}

function fetchAndApply({ input, history }: Memory): Promise<GitPass | null> {
  const { cluster, ref } = input;
  const branch = history.pass?.revision?.split('@')[0];
  const what = branch === undefined ? refText(ref) : `${branch} of ${history.pass?.url ?? ''}`;
  return syncGitRepository.executeWithOptions({ summary: `fetch and apply ${what}`.slice(0, 200) }, [{ cluster, ref }]);
}

type Tried<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'failed'; readonly failure: Failure };

const failureOf = (tried: Tried<unknown>): Failure | null => (tried.kind === 'failed' ? tried.failure : null);

const NOTHING: Tried<readonly string[]> = { kind: 'done', value: [] };

async function attempt<T>(step: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { kind: 'done', value: await step() };
  } catch (error) {
    const told = readFailure(error);
    const vanished = { code: 'Interrupted' as const, message: told.kind === 'vanished' ? told.reason : '' };
    return { kind: 'failed', failure: told.kind === 'failed' ? told.failure : vanished };
  }
}

type Pruned = Tried<readonly string[]> | { readonly kind: 'interrupted' };

/** Delete what Git no longer names, or all that a deleted repository leaves. A message ends the wait for releases. */
async function prune(memory: Memory, seen: GitPass): Promise<Pruned> {
  if (!seen.deleting && seen.prune.length === 0) return NOTHING;
  if (!seen.deleting) await reportPruning(memory, seen);
  const { cluster, ref } = memory.input;
  const summary = seen.deleting
    ? `let go of what ${refText(ref)} applied`
    : `delete ${String(seen.prune.length)} objects that are gone from Git`;
  const scope = new CancellationScope();
  memory.pruning = scope;
  try {
    const work = (): Promise<{ readonly pruned: readonly string[] }> =>
      scope.run(() => pruneGitRepository.executeWithOptions({ summary }, [{ cluster, ref, uid: seen.uid }]));
    return await attempt(async () => (await work()).pruned);
  } catch (error) {
    if (isCancellation(error) && !CancellationScope.current().consideredCancelled) return { kind: 'interrupted' };
    throw error;
  } finally {
    memory.pruning = null;
  }
}

/** Releases are waited for, which may take minutes: say so before. */
async function reportPruning(memory: Memory, seen: GitPass): Promise<void> {
  const failure: Failure = {
    code: 'NotReady',
    message: `applied ${seen.revision ?? ''}; deletes what is gone from Git: ${seen.prune.join(', ')}`,
  };
  const { failures } = memory.history;
  memory.history = { ...remember(memory.history, seen, failure), failures };
  show(memory);
  await report(memory, { pruned: [], askedBy: null });
}

interface Said {
  readonly pruned: readonly string[];
  readonly askedBy: string | null;
}

/** Write status and Events when anything differs from the last report. */
async function report(memory: Memory, said: Said): Promise<void> {
  const { input, history } = memory;
  const { pass: last, failure } = history;
  const print = hashText(JSON.stringify({ last, failure }));
  if (print === memory.reported && said.pruned.length === 0 && said.askedBy === null) return;
  const { workflowId, runId } = workflowInfo();
  const written = await attempt(() =>
    reportGitRepository({ ref: input.ref, pass: last, failure, workflowId, runId, ...said }),
  );
  // A cluster that is away is told by the next pass.
  memory.reported = written.kind === 'done' ? print : null;
}

/** When the next pass is due: after the interval, or sooner when this one failed; null while suspended. */
function nextPass({ input, history }: Memory): Instant | null {
  const { ready, stalled } = judge(history);
  if (history.failure === null && history.pass?.suspended === true) return null;
  const intervalMs = history.pass?.intervalMs ?? DEFAULT_INTERVAL_MS;
  const soon = ready === 'True' || stalled ? intervalMs : delayAfter(history.failures, BEFORE_WRITE);
  const spread = 1 + 0.1 * jitterOf(entityId(input.cluster, 'GitRepository', input.ref));
  return Date.now() + Math.round(Math.min(intervalMs, soon) * spread);
}
