import { refText, releaseOf } from '../core/facts.ts';
import { answerRequests, retryNow, takeUpRequest, withoutFailures } from '../core/history.ts';
import type { ReleaseObject, Request, RequestOutcome, Suspension } from '../core/model.ts';
import { pinTo, unpin } from '../core/pin.ts';
import { summarize } from '../core/summarize.ts';
import { wish } from '../core/wishes.ts';
import type { Entity } from './entity.ts';
import { announce, local } from './report.ts';

/**
 * Carry out the messages that are answered before anything else is decided: most change the object, so the look is stale
 * afterwards (true). A sync or a rollback only changes what is remembered, or is refused, for instance while suspended.
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
  switch (request.kind) {
    case 'abandon':
      return abandon(entity, object, request);
    case 'rollbackTo':
      return rollBack(entity, object, request);
    case 'sync': {
      const refusal = refuseSync(object, request);
      if (refusal !== null) return { kind: 'refused', message: refusal };
      takeUp(entity, request);
      return null;
    }
    case 'suspend':
    case 'resume':
      return suspend(entity, object, request);
  }
}

async function suspend(entity: Entity, { suspension }: ReleaseObject, request: Request): Promise<RequestOutcome> {
  const { kind, by, reason } = request;
  if (kind === 'resume' && suspension?.inSpec === true) {
    return { kind: 'refused', message: 'spec.suspend is true; set it to false where the object comes from' };
  }
  if (kind === 'resume') entity.history = unpin(entity.history);
  const { ref } = entity.input;
  await local.setSuspension({ ref, suspension: kind === 'suspend' ? { by, reason } : null });
  const did = kind === 'suspend' ? 'Suspended' : 'Resumed';
  announce(entity, 'Normal', { reason: did, message: `${kind} by ${by}${because(reason)}` });
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
  return suspension === null ? null : suspendedBy(suspension);
}

function suspendedBy(suspension: Suspension): string {
  return `suspended by ${suspension.by}; ${suspension.inSpec ? 'set it to false where the object comes from' : 'resume it first'}`;
}

/** Refused, or remembered: then it is answered when the release has come to rest. */
async function rollBack(entity: Entity, object: ReleaseObject, request: Request): Promise<RequestOutcome | null> {
  if (request.takenUp === true) return null;
  const { by, reason, revision = 0 } = request;
  const refusal = await refuseRollback(entity, object, revision);
  const asked = `rollback to revision ${revision} requested by ${by}${because(reason)}`;
  if (refusal !== null) {
    announce(entity, 'Warning', { reason: 'RollbackRefused', message: `${asked}: ${refusal}` });
    return { kind: 'refused', message: refusal };
  }
  entity.history = pinTo(takeUpRequest(entity.history, request), { revision, by, reason });
  announce(entity, 'Normal', { reason: 'RollbackRequested', message: asked });
  return null;
}

/** Why nothing can come of a rollback; null: it can. */
async function refuseRollback(entity: Entity, object: ReleaseObject, revision: number): Promise<string | null> {
  const { deleting, suspension, spec } = object;
  const { stored, move } = entity.look;
  if (deleting) return 'the HelmRelease is being deleted: there is nothing to roll back';
  if (suspension !== null) return suspendedBy(suspension);
  if (spec.kind === 'invalid') return `nothing is done with a spec that cannot be used: ${spec.failure.message}`;
  if (move !== undefined) return 'the release is about to be installed elsewhere: there is nothing to roll back';
  if (stored?.ownedByUs !== true || stored.status === 'uninstalled') return 'no release is installed';
  const release = releaseOf(object, entity.history);
  const { revisions } = await local.listRevisions({ release });
  if (!revisions.includes(revision)) {
    return `release ${refText(release)} has no revision ${revision}; it has ${revisions.join(', ')}`;
  }
  if (revision !== revisions.at(-1)) return null;
  return `revision ${revision} is the newest one; to keep it whatever is declared, suspend the release`;
}

/** What a sync changes in what is remembered, once: the back-off ends; failures are forgotten, or an upgrade is wanted. */
function takeUp(entity: Entity, request: Request): void {
  if (request.takenUp === true) return;
  const { by, reason, reset, force } = request;
  const history = takeUpRequest(entity.history, request);
  const asked = reset === true ? withoutFailures(history) : retryNow(history, 'person');
  entity.history = force === true ? wish(unpin(asked), { kind: 'force', by, reason }) : asked;
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
