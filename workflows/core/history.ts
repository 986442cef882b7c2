import { AFTER_LOSS, AFTER_WRITE, BEFORE_WRITE, delayAfter, delayBeforeWrite } from './backoff.ts';
import { FAILURES, type Failure } from './failures.ts';
import type { Instant, ObjectRef } from './ids.ts';
import type { AttemptRecord, Desired, History, Outcome, Request, RequestOutcome, TimedOut } from './model.ts';
import { lastCounted, policyAfter } from './remedy.ts';
import { ignoresFailures, noteTests } from './tests.ts';

const MAX_RECENT = 20;
const MAX_REQUESTS = 50;

/** The memory of a release that nothing is known about yet. */
export const EMPTY_HISTORY: History = {
  schema: 1,
  uid: null,
  attempts: 0,
  recent: [],
  digest: null,
  failuresBeforeWrite: 0,
  failuresAfterWrite: 0,
  losses: 0,
  lastFailure: null,
  retryAt: null,
  target: null,
  held: false,
  readyRevision: null,
  waiting: null,
  notReady: [],
  lost: null,
  handledRequestedAt: null,
  requests: [],
};

/**
 * Remember that the object is this one. Another uid under the same name is another release: everything is forgotten
 * but the attempt counter, which names workflows, and the requests, which people still ask for.
 */
export function forObject(history: History, uid: string): History {
  if (history.uid === uid) return history;
  return { ...EMPTY_HISTORY, uid, attempts: history.attempts, requests: history.requests };
}

/** Remember what failures belong to; a new desired state starts without any, and is upgraded to without being forced. */
export function forDesired(history: History, digest: string): History {
  if (history.digest === digest) return history;
  const asked = { ...(history.wish == null ? {} : { wish: null }), ...(history.pin == null ? {} : { pin: null }) };
  return { ...withoutFailures(history), digest, ...asked };
}

/** Forget the failures, so that the next look may act at once. */
export function withoutFailures(history: History): History {
  const none = { failuresBeforeWrite: 0, failuresAfterWrite: 0, losses: 0, lastFailure: null, retryAt: null };
  return { ...history, ...none, ...(history.drift == null ? {} : { drift: null }) };
}

/** Something outside changed: a failure that left no trace may be gone, so its back-off ends. */
export function retryNow(history: History, who: 'person' | 'cluster'): History {
  const afterWrite = history.lastFailure !== null && history.failuresAfterWrite > 0;
  if (who === 'cluster' && afterWrite) return history;
  const drift = who === 'person' && history.drift != null ? { drift: { ...history.drift, failed: null } } : {};
  return history.retryAt === null ? { ...history, ...drift } : { ...history, ...drift, retryAt: null };
}

/** Note an attempt before it starts, so that its death leaves a trace. */
export function startAttempt(history: History, attempt: AttemptRecord, target: ObjectRef): History {
  return {
    ...history,
    target,
    attempts: attempt.n,
    recent: [...history.recent, attempt].slice(-MAX_RECENT),
    retryAt: null,
    waiting: null,
    notReady: [],
  };
}

/** Note how the newest attempt ended, and when the next may come. */
export function endAttempt(
  history: History,
  outcome: Outcome,
  { at, intervalMs, desired = null }: { at: Instant; intervalMs: number; desired?: Desired | null },
): History {
  const failed = 'failure' in outcome ? outcome.failure : null;
  const rollsBack = lastAttempt(history)?.action === 'rollback';
  const written = 'written' in outcome ? outcome.written : null;
  const recent = history.recent.map((attempt, index) =>
    index === history.recent.length - 1
      ? {
          ...attempt,
          endedAt: at,
          outcome: outcome.kind,
          version: (rollsBack ? written?.version : null) ?? attempt.version,
          revision: written?.revision ?? attempt.revision,
          chartDigest: written?.chartDigest ?? attempt.chartDigest,
          failure: failed ?? ('reason' in outcome ? { code: 'Interrupted' as const, message: outcome.reason } : null),
        }
      : attempt,
  );
  const ended = noteTests(markIgnored({ ...history, recent }, outcome, desired), outcome);
  const settled = isRemedy(ended) ? settleRemedy(ended, outcome, at) : null;
  const after = settled ?? settle(ended, outcome, { at, intervalMs });
  return { ...asAsked(untilTested(after, history, desired), outcome, { at, desired }), waiting: null };
}

/** Tests that failed and whose failure does not count. */
function markIgnored(history: History, { kind }: Outcome, desired: Desired | null): History {
  const attempt = lastAttempt(history);
  if (attempt?.action !== 'test' || kind !== 'failedAfterWrite' || desired === null) return history;
  if (!ignoresFailures(desired, attempt.first === true)) return history;
  return { ...history, recent: [...history.recent.slice(0, -1), { ...attempt, ignored: true }] };
}

/** What was written has not succeeded before its tests have: the failures of earlier tries still count. */
function untilTested(after: History, before: History, desired: Desired | null): History {
  const attempt = lastAttempt(after);
  const released = attempt?.outcome === 'succeeded' && (attempt.action === 'install' || attempt.action === 'upgrade');
  if (!released || desired?.test === undefined) return after;
  return { ...after, failuresAfterWrite: before.failuresAfterWrite };
}

/** The time before the next try, where the spec names one. */
function asAsked(
  history: History,
  { kind }: Outcome,
  { at, desired }: { at: Instant; desired: Desired | null },
): History {
  if (kind !== 'failedAfterWrite' || desired === null) return history;
  const { retryIntervalMs = null } = policyAfter(lastCounted(history), desired);
  return retryIntervalMs === null ? history : { ...history, retryAt: at + retryIntervalMs };
}

/** What answers a failure of the desired state, not a deletion. */
function isRemedy(history: History): boolean {
  const action = lastAttempt(history)?.action;
  return (action === 'rollback' || action === 'uninstall') && history.failuresAfterWrite > 0;
}

/** The failures stay what they were: they tell whether another try may come. It comes soon: all is as it was before. */
function settleRemedy(history: History, outcome: Outcome, at: Instant): History | null {
  const retryAt = at + delayAfter(history.failuresAfterWrite, BEFORE_WRITE);
  if (outcome.kind === 'failedAfterWrite') return { ...history, retryAt };
  if (outcome.kind !== 'succeeded') return null;
  const done = { ...history, retryAt, failuresBeforeWrite: 0, losses: 0, lost: null, notReady: [] };
  // Nothing is installed any more: the next revision is a first one, and was not seen ready.
  return { ...done, readyRevision: outcome.written?.revision ?? null };
}

function settle(history: History, outcome: Outcome, { at, intervalMs }: { at: Instant; intervalMs: number }): History {
  switch (outcome.kind) {
    case 'succeeded':
      return succeeded(history, outcome.written?.revision);
    case 'failedBeforeWrite': {
      const failures = history.failuresBeforeWrite + 1;
      const stalled = FAILURES[outcome.failure.code] === 'stalled';
      const delay = stalled ? intervalMs : delayBeforeWrite(failures, outcome.retryAfterMs);
      return { ...history, failuresBeforeWrite: failures, lastFailure: outcome.failure, retryAt: at + delay };
    }
    case 'failedAfterWrite':
      if (lastAttempt(history)?.ignored === true) return succeeded(history);
      return failedAfterWrite(history, outcome.failure, {
        at,
        revision: outcome.written.revision,
        attempt: lastAttempt(history)?.label ?? null,
      });
    case 'interrupted':
      return afterLoss(history, at);
    case 'lost':
      return { ...afterLoss(history, at), lost: outcome.lost };
  }
}

function succeeded(history: History, revision: number | null = history.readyRevision): History {
  return { ...withoutFailures(history), lost: null, notReady: [], readyRevision: revision };
}

/** Not counted as a failure; only a row of them slows the next one down. */
function afterLoss(history: History, at: Instant): History {
  const losses = history.losses + 1;
  return { ...history, losses, retryAt: losses === 1 ? null : at + delayAfter(losses - 1, AFTER_LOSS) };
}

/** A revision was written and is no good: count it and hold before the same is tried again. */
export function failedAfterWrite(
  history: History,
  failure: Failure,
  { at, ...written }: TimedOut & { readonly at: Instant },
): History {
  const failures = history.failuresAfterWrite + 1;
  return {
    ...history,
    failuresAfterWrite: failures,
    lastFailure: failure,
    retryAt: at + delayAfter(failures, AFTER_WRITE),
    waiting: null,
    timedOut: failure.code === 'WaitTimedOut' ? written : null,
  };
}

/** The objects of a revision whose wait had timed out got ready: no failure is left, but the attempt stays what it was. */
export function acceptLate(history: History, revision: number, at: Instant): History {
  const attempt = history.recent.findLast((one) => one.revision === revision);
  return {
    ...withoutFailures(history),
    recent: history.recent.map((one) => (one === attempt ? { ...one, readyAt: at } : one)),
    readyRevision: revision,
    notReady: [],
    timedOut: null,
    lost: null,
  };
}

/** Enqueue a request unless its id is known. */
export function addRequest(history: History, request: Request): History {
  if (history.requests.some(({ id }) => id === request.id)) return history;
  const requests = [...history.requests, { ...request, outcome: { kind: 'pending' } as const }];
  return { ...history, requests: requests.slice(-MAX_REQUESTS) };
}

/** Note that a request had its effect on what is remembered. */
export function takeUpRequest(history: History, taken: Pick<Request, 'id'>): History {
  const requests = history.requests.map((one) => (one.id === taken.id ? { ...one, takenUp: true } : one));
  return { ...history, requests };
}

/** Answer every pending request for which `answer` gives an outcome. */
export function answerRequests(history: History, answer: (request: Request) => RequestOutcome | null): History {
  if (!history.requests.some(({ outcome }) => outcome.kind === 'pending')) return history;
  const requests = history.requests.map((request) => {
    if (request.outcome.kind !== 'pending') return request;
    const outcome = answer(request);
    return outcome === null ? request : { ...request, outcome };
  });
  return { ...history, requests };
}

/** How a request fared; an id that is unknown, or so old that it was forgotten, is `unknown`. */
export function outcomeOf(history: History, id: string): RequestOutcome {
  return history.requests.find((request) => request.id === id)?.outcome ?? { kind: 'unknown' };
}

/** The newest attempt, or undefined. */
export function lastAttempt(history: History): AttemptRecord | undefined {
  return history.recent.at(-1);
}
