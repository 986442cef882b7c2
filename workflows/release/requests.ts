import { answerRequests, retryNow, withoutFailures } from '../core/history.ts';
import type { ReleaseObject, Request, RequestOutcome } from '../core/model.ts';
import { summarize } from '../core/summarize.ts';
import type { Entity } from './entity.ts';
import { announce, local } from './report.ts';

/**
 * Carry out the messages that are answered before anything else is decided: all but a sync change the object, so the
 * look is stale afterwards (true). A sync only ends the back-off, or is refused while suspended.
 */
export async function answerMessages(entity: Entity, object: ReleaseObject): Promise<boolean> {
  let stale = false;
  for (const request of entity.history.requests.filter(({ outcome }) => outcome.kind === 'pending')) {
    const outcome = await answer(entity, object, request);
    if (outcome === null) continue;
    entity.history = answerRequests(entity.history, ({ id }) => (id === request.id ? outcome : null));
    stale ||= outcome.kind === 'done';
  }
  return stale;
}

async function answer(entity: Entity, object: ReleaseObject, request: Request): Promise<RequestOutcome | null> {
  const { ref } = entity.input;
  const { suspension } = object;
  if (request.kind === 'abandon') return abandon(entity, object, request);
  if (request.kind === 'sync') {
    if (suspension !== null && !object.deleting)
      return { kind: 'refused', message: `suspended by ${suspension.by}; resume it first` };
    takeUp(entity, request);
    return null;
  }
  if (request.kind === 'resume' && suspension?.inSpec === true) {
    return { kind: 'refused', message: 'spec.suspend is true; set it to false where the object comes from' };
  }
  const { by, reason } = request;
  await local.setSuspension({ ref, suspension: request.kind === 'suspend' ? { by, reason } : null });
  const did = request.kind === 'suspend' ? 'Suspended' : 'Resumed';
  announce(entity, 'Normal', { reason: did, message: `${request.kind} by ${by}${because(reason)}` });
  return { kind: 'done', ready: false, message: did.toLowerCase(), revision: entity.look.stored?.revision ?? null };
}

/** Whatever else is the matter: who abandons a release wants nothing more of it. The object tells the next look. */
async function abandon(entity: Entity, { uid }: ReleaseObject, { by, reason }: Request): Promise<RequestOutcome> {
  await local.abandonRelease({ ref: entity.input.ref, uid, abandonment: { by, reason } });
  return { kind: 'done', ready: false, message: 'abandoned', revision: entity.look.stored?.revision ?? null };
}

/** What a sync changes in what is remembered, once: the back-off ends, and with a reset the failures are forgotten. */
function takeUp(entity: Entity, request: Request): void {
  if (announced(entity, request)) return;
  entity.history = request.reset === true ? withoutFailures(entity.history) : retryNow(entity.history, 'person');
}

/** Tell once who asked for a sync and why; true when it was told before. */
function announced(entity: Entity, { id, by, reason, reset }: Request): boolean {
  if (entity.told.includes(id)) return true;
  const what = reset === true ? 'sync with reset' : 'sync';
  entity.told = [...entity.told, id].slice(-50);
  announce(entity, 'Normal', { reason: 'SyncRequested', message: `${what} requested by ${by}${because(reason)}` });
  return false;
}

function because(reason: string): string {
  return reason === '' ? '' : `: ${reason}`;
}

/** Answer the syncs that this look has seen: the release has come to rest. */
export function settle(entity: Entity, asked: readonly string[]): void {
  const { ready, message } = summarize(entity);
  const revision = entity.look.stored?.revision ?? null;
  entity.history = answerRequests(entity.history, ({ id }) =>
    asked.includes(id) ? { kind: 'done', ready: ready === 'True', message, revision } : null,
  );
}
