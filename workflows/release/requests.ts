import { answerRequests, retryNow, takeUpRequest, withoutFailures } from '../core/history.ts';
import type { ReleaseObject, Request, RequestOutcome } from '../core/model.ts';
import { summarize } from '../core/summarize.ts';
import { wish } from '../core/wishes.ts';
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
    const refusal = refuseSync(object, request);
    if (refusal !== null) return { kind: 'refused', message: refusal };
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

/** Why nothing can come of a sync; null: it can. */
function refuseSync({ suspension, deleting }: ReleaseObject, { force }: Request): string | null {
  if (deleting) return force === true ? 'the HelmRelease is being deleted: there is nothing to upgrade' : null;
  if (suspension === null) return null;
  return `suspended by ${suspension.by}; ${suspension.inSpec ? 'set it to false where the object comes from' : 'resume it first'}`;
}

/** What a sync changes in what is remembered, once: the back-off ends; failures are forgotten, or an upgrade is wanted. */
function takeUp(entity: Entity, request: Request): void {
  if (request.takenUp === true) return;
  const { by, reason, reset, force } = request;
  const history = takeUpRequest(entity.history, request);
  const asked = reset === true ? withoutFailures(history) : retryNow(history, 'person');
  entity.history = force === true ? wish(asked, { kind: 'force', by, reason }) : asked;
  const how = [...(reset === true ? ['reset'] : []), ...(force === true ? ['force'] : [])];
  const what = how.length === 0 ? 'sync' : `sync with ${how.join(' and ')}`;
  announce(entity, 'Normal', { reason: 'SyncRequested', message: `${what} requested by ${by}${because(reason)}` });
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
