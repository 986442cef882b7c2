import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import { waitBegan } from '../attempt.ts';
import {
  abandon,
  changed,
  outcome,
  releaseStatus,
  resume,
  rollbackTo,
  suspend,
  sync,
  type Accepted,
  type Ask,
  type ReleaseStatus,
} from '../contract.ts';
import { chartOf, failuresOf } from '../core/facts.ts';
import { addRequest, outcomeOf, retryNow } from '../core/history.ts';
import type { Look, Request } from '../core/model.ts';
import { summarize } from '../core/summarize.ts';
import type { Entity } from './entity.ts';

/** Install the handlers. All are synchronous: they note and wake, the loop does the work. */
export function listen(entity: Entity): void {
  setHandler(
    changed,
    () => {
      entity.history = retryNow(entity.history, 'cluster');
      entity.woken = true;
    },
    { description: 'the object, or something that it refers to, changed' },
  );
  setHandler(
    waitBegan,
    (label) => {
      entity.waitBegan = label;
    },
    { description: 'the attempt has written its revision, and waits for its objects' },
  );
  const accept = (kind: Request['kind']) => (ask: Ask) => acceptRequest(entity, kind, ask);
  setHandler(sync, accept('sync'), { description: 'look now, and try again what failed', validator: checkAsk });
  setHandler(suspend, accept('suspend'), { description: 'stop acting until resumed', validator: checkAsk });
  setHandler(resume, accept('resume'), { description: 'act again', validator: checkAsk });
  setHandler(abandon, accept('abandon'), {
    description: 'delete the object without an uninstall',
    validator: checkAsk,
  });
  setHandler(rollbackTo, accept('rollbackTo'), {
    description: 'run an older revision until another state is declared',
    validator: checkRollback,
  });
  setHandler(outcome, (id) => outcomeOf(entity.history, id), { description: 'how a request fared' });
  setHandler(releaseStatus, () => toStatus(entity), { description: 'state, reason and the last attempts' });
}

function acceptRequest(entity: Entity, kind: Request['kind'], { id, by, reason, ...more }: Ask): Accepted {
  const position = entity.history.requests.filter(
    (request) => request.outcome.kind === 'pending' && request.id !== id,
  ).length;
  entity.history = addRequest(entity.history, {
    id,
    kind,
    by,
    reason,
    at: Date.now(),
    ...(more.reset === true ? { reset: true } : {}),
    ...(more.force === true ? { force: true } : {}),
    ...(more.revision === undefined ? {} : { revision: more.revision }),
  });
  entity.woken = true;
  return { request: id, position };
}

/** Ids and names end up in history and Events: they are short and plain. */
export function checkAsk({ id, by, reason }: Ask): void {
  if (!/^[\w.:-]{1,128}$/.test(id)) {
    throw ApplicationFailure.nonRetryable('id must be 1 to 128 letters, digits, or . _ : -', 'RequestInvalid');
  }
  if (by.length === 0 || by.length > 128 || reason.length > 500) {
    throw ApplicationFailure.nonRetryable('by must have 1 to 128 characters, reason at most 500', 'RequestInvalid');
  }
}

function checkRollback(ask: Ask): void {
  checkAsk(ask);
  if (!Number.isSafeInteger(ask.revision) || (ask.revision ?? 0) < 1) {
    throw ApplicationFailure.nonRetryable('revision must be a whole number from 1', 'RequestInvalid');
  }
}

/** The answer to the query `status`. */
export function toStatus(entity: Entity): ReleaseStatus {
  const { history, look, running, nextLookAt, trouble, input } = entity;
  const summary = summarize(entity);
  const chart = chartOf(look);
  const { reason, message } = trouble === null ? summary : { ...trouble.failure, reason: trouble.failure.code };
  return {
    kind: 'HelmRelease',
    ref: input.ref,
    phase: summary.phase,
    // While the cluster cannot be asked nobody knows.
    ready: summary.ready === 'True' && running === null && trouble === null,
    reason,
    message,
    ...objectFacts(look),
    chart: chart.name,
    version: chart.version,
    revision: look.stored?.revision ?? null,
    failures: failuresOf(history),
    lastFailure: history.lastFailure,
    notReady: history.notReady,
    dependencies: look.dependencies ?? [],
    attempts: history.recent,
    nextLookAt,
  };
}

function objectFacts({ object }: Look): Pick<ReleaseStatus, 'suspension' | 'generation' | 'source'> {
  if (object === null) return { suspension: null, generation: 0, source: null };
  return { suspension: object.suspension, generation: object.generation, source: object.source };
}
