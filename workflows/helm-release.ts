import { allHandlersFinished, condition, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { EntityInput } from './contract.ts';
import { assertNever } from './core/assert-never.ts';
import { decide } from './core/decide.ts';
import { isAttempt } from './core/facts.ts';
import { addRequest, forDesired, forObject, withoutFailures } from './core/history.ts';
import type { Instant } from './core/ids.ts';
import type { Action, History, Look, ReleaseObject, Request } from './core/model.ts';
import { leavePlace, rememberPlace } from './core/move.ts';
import { unpinGone } from './core/pin.ts';
import { noteRolledBack } from './core/remedy.ts';
import { askAgainAt } from './core/resolution.ts';
import { summarize } from './core/summarize.ts';
import { withoutFulfilled } from './core/wishes.ts';
import { readFailure } from './failures.ts';
import { lookForDrift, performCorrect } from './release/drift.ts';
import { createEntity, nextInterval, type Entity } from './release/entity.ts';
import { hold } from './release/hold.ts';
import { sleepWatching } from './release/late.ts';
import { listen } from './release/messages.ts';
import { performAttempt } from './release/perform-attempt.ts';
import { performAccept, performRelease, performUnlock, performWait } from './release/perform.ts';
import { announce, report } from './release/report.ts';
import { answerMessages, settle } from './release/requests.ts';
import { lookResolved } from './release/resolve.ts';

/** Cycles of a run; a short history replays fast. */
const MAX_CYCLES = 20;
/** The API server is away: ask again, at most a minute apart. */
const TROUBLE_MS = { first: 2_000, cap: 60_000 };

/**
 * The life of one HelmRelease: look, decide, act, look again, until its object is gone.
 *
 * Everything that happens to the release goes through here, one thing after the other. What was done before is read
 * from the world; what the world cannot tell is in `History`, the only thing that a new run inherits.
 */
export async function helmRelease(input: EntityInput<History>): Promise<void> {
  const entity = createEntity(input);
  listen(entity);
  for (let cycles = 1; ; cycles += 1) {
    const next = await cycle(entity);
    if (next.kind === 'gone' && !entity.woken) return;
    if (next.kind === 'sleep') await sleepWatching(entity, soonest(next.until, entity), next.summary);
    if (cycles >= MAX_CYCLES || workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueWith({ ...input, history: entity.history });
    }
  }
}

const continueWith = makeContinueAsNewFunc<typeof helmRelease>({});

/** A question that nobody answered is asked again before the next look is due. */
function soonest(until: Instant, { look, history }: Entity): Instant {
  return Math.min(until, askAgainAt(look.object, history.resolution) ?? until);
}

type Next =
  | { readonly kind: 'again' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'sleep'; readonly until: Instant; readonly summary: string };

/** One look and what follows from it. An API server that is away, at whatever step, means: the same again, later. */
async function cycle(entity: Entity): Promise<Next> {
  const urge = entity.woken ? 'asked' : 'none';
  entity.woken = false;
  try {
    const next = await act(entity, await lookResolved(entity, urge));
    entity.trouble = null;
    return next;
  } catch (error) {
    const step = readFailure(error);
    const failure = step.kind === 'failed' ? step.failure : { code: 'Unexpected' as const, message: step.reason };
    const count = (entity.trouble?.count ?? 0) + 1;
    entity.trouble = { failure, count };
    const delay = Math.min(TROUBLE_MS.cap, TROUBLE_MS.first * 2 ** Math.min(count - 1, 10));
    return { kind: 'sleep', until: Date.now() + delay, summary: `try again: ${failure.code}` };
  }
}

async function act(entity: Entity, look: Look): Promise<Next> {
  entity.look = look;
  const { object } = look;
  if (object === null) return { kind: 'gone' };
  const asked = remember(entity, object);
  const left = leavePlace(entity.history, object, look);
  if (left !== null) {
    entity.history = left;
    return { kind: 'again' };
  }
  if (await answerMessages(entity, object)) return { kind: 'again' };
  if (object.suspension === null && look.stored?.ownedByUs === true) await hold(entity, object);
  const action = await decideCompared(entity);
  entity.action = action;
  const next = await perform(entity, object, action);
  if (next.kind === 'sleep') {
    settle(entity, asked);
    await report(entity);
  }
  return next;
}

/** What is to be done; where that is nothing, the objects in the cluster may tell otherwise. */
async function decideCompared(entity: Entity): Promise<Action> {
  const action = decide(entity.look, entity.history, Date.now());
  const compared = await lookForDrift(entity, entity.look, action);
  if (compared === entity.look) return action;
  entity.look = compared;
  return decide(compared, entity.history, Date.now());
}

/** Take up what the look says about identity and wishes; returns the ids of the requests that this look can answer. */
function remember(entity: Entity, object: ReleaseObject): readonly string[] {
  let history = rememberPlace(forObject(entity.history, object.uid), entity.look);
  if (object.spec.kind === 'valid') history = forDesired(history, object.spec.desired.digest);
  const token = object.requestedAt;
  if (token !== null && token !== history.handledRequestedAt) {
    history = addRequest({ ...history, handledRequestedAt: token }, annotated(token, object));
  }
  history = noteRolledBack(withoutFulfilled(history, entity.look.stored), entity.look.stored);
  history = unpinGone(history, entity.look.stored);
  entity.history = { ...history, notReady: entity.look.stored?.notReady ?? history.notReady };
  return history.requests.filter(({ outcome }) => outcome.kind === 'pending').map(({ id }) => id);
}

/** A sync or a rollback as annotations ask for it. */
function annotated(token: string, { reset, force, rollbackTo }: ReleaseObject): Request {
  const about = { id: `annotation:${token}`, by: 'annotation', reason: '', at: Date.now() };
  if (rollbackTo !== undefined) return { ...about, kind: 'rollbackTo', revision: rollbackTo };
  const request = { ...about, kind: 'sync' } as const;
  return { ...request, ...(reset === true ? { reset } : {}), ...(force === true ? { force } : {}) };
}

async function perform(entity: Entity, object: ReleaseObject, action: Action): Promise<Next> {
  if (isAttempt(action)) {
    await performAttempt(entity, object, action);
    return { kind: 'again' };
  }
  switch (action.kind) {
    case 'none':
      noteReady(entity);
      return { kind: 'sleep', until: nextInterval(entity), summary: 'next look' };
    case 'stall':
      tellFailure(entity);
      return { kind: 'sleep', until: nextInterval(entity), summary: `next look: ${action.failure.code}` };
    case 'hold':
      tellFailure(entity);
      return {
        kind: 'sleep',
        until: Math.min(action.until, nextInterval(entity)),
        summary: `retry after ${action.failure.code}`,
      };
    case 'defer':
      tellFailure(entity);
      // What it waits for wakes it; the interval is for a message that got lost.
      return {
        kind: 'sleep',
        until: Math.min(action.until ?? Infinity, nextInterval(entity)),
        summary: `others come first: ${action.failure.code}`,
      };
    case 'unlock':
      await performUnlock(entity, object, action);
      return { kind: 'again' };
    case 'wait':
      await performWait(entity, object, action);
      return { kind: 'again' };
    case 'accept':
      await performAccept(entity, object, action);
      return { kind: 'again' };
    case 'correct':
      await performCorrect(entity, object, action);
      return { kind: 'again' };
    case 'release':
      await performRelease(entity, object);
      return { kind: 'again' };
    default:
      return assertNever(action);
  }
}

/** In sync and nothing to wait for: the revision is as ready as its spec asks. */
function noteReady(entity: Entity): void {
  const { object, stored } = entity.look;
  if (object?.suspension != null || stored?.status !== 'deployed') return;
  const { history } = entity;
  // Those of tests that are not asked for any more, or whose failure does not count any more.
  const settled = history.failuresAfterWrite > 0 ? withoutFailures(history) : history;
  entity.history = { ...settled, readyRevision: stored.revision, lost: null };
  entity.announced = null;
}

/** One Event for a failure, or a wait for others, that no attempt has told of yet. */
function tellFailure(entity: Entity): void {
  const { ready, reason, message } = summarize(entity);
  if (entity.announced === message) return;
  entity.announced = message;
  announce(entity, ready === 'Unknown' ? 'Normal' : 'Warning', { reason, message });
}
