import { proxyActivities } from '@temporalio/workflow';
import type { DriftInput, ReleaseActivities } from '../../activities/types.ts';
import { taskQueue } from '../contract.ts';
import { driftText, failedText, memoryOf, noteCorrection, noteDrift } from '../core/drift.ts';
import { refText, releaseOf } from '../core/facts.ts';
import type { Action, Drift, Look, ReleaseObject } from '../core/model.ts';
import { readFailure } from '../failures.ts';
import type { Entity } from './entity.ts';
import { announce } from './report.ts';
import { resolutionOf } from './resolve.ts';

/**
 * The same look, with what differs in the cluster from what Helm sent: only where the spec asks for it, and where
 * nothing else is to be done first.
 */
export async function lookForDrift(entity: Entity, look: Look, action: Action): Promise<Look> {
  const { object, stored } = look;
  if (object === null || stored?.status !== 'deployed' || action.kind !== 'none' || !comparesDrift(object)) return look;
  const drift = await orTold(entity, () =>
    steps(entity).observeDrift.executeWithOptions(
      { summary: `compare the objects of revision ${stored.revision} with the cluster` },
      [toInput(entity, object, stored.revision)],
    ),
  );
  tell(entity, stored.revision, drift);
  const { revision } = stored;
  const { intervalMs } = object;
  entity.history = noteDrift(entity.history, { revision, drift }, { at: Date.now(), intervalMs });
  return { ...look, stored: { ...stored, drift } };
}

function comparesDrift({ deleting, suspension, spec }: ReleaseObject): boolean {
  return !deleting && suspension === null && spec.kind === 'valid' && spec.desired.drift !== undefined;
}

/** Send again what differs, and look again: what is still different then is a matter for the next decision. */
export async function performCorrect(
  entity: Entity,
  object: ReleaseObject,
  { revision, because }: Extract<Action, { kind: 'correct' }>,
): Promise<void> {
  const drift = await orTold(entity, () =>
    steps(entity).correctDrift.executeWithOptions({ summary: `correct drift: ${because}`.slice(0, 200) }, [
      toInput(entity, object, revision),
    ]),
  );
  entity.history = noteCorrection(entity.history, { revision, drift }, Date.now());
  if (drift.count > 0) announce(entity, 'Normal', { reason: 'DriftCorrected', message: driftText(drift) });
  if (drift.failed.length > 0) {
    announce(entity, 'Warning', { reason: 'DriftNotCorrected', message: failedText(drift.failed) });
  }
}

function steps(entity: Entity) {
  return proxyActivities<ReleaseActivities>({
    taskQueue: taskQueue(entity.input.cluster),
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '15 seconds',
    // After any loss the release is looked at again, and what is then different is decided on.
    retry: { maximumAttempts: 1 },
  });
}

function toInput(entity: Entity, object: ReleaseObject, revision: number): DriftInput {
  const { cluster, ref } = entity.input;
  return {
    cluster,
    ref,
    uid: object.uid,
    generation: object.generation,
    digest: object.spec.kind === 'valid' ? object.spec.desired.digest : '',
    release: releaseOf(object, entity.history),
    revision,
    ...(object.follows === undefined ? {} : resolutionOf(entity.history)),
  };
}

/** Steps that end so are asked for again after another look, which may tell of another state. */
const PASSING: readonly string[] = ['ClusterUnreachable', 'Interrupted', 'Conflict', 'ObjectGone'];

/** What keeps a step from its work for longer is told, and keeps the release from nothing else. */
async function orTold({ input }: Entity, step: () => Promise<Drift>): Promise<Drift> {
  try {
    return await step();
  } catch (error) {
    const end = readFailure(error);
    if (end.kind === 'vanished' || PASSING.includes(end.failure.code)) throw error;
    return { objects: [], count: 0, failed: [{ object: refText(input.ref), reason: end.failure.message }] };
  }
}

/** Once for each drift that is not the one that was seen before. */
function tell(entity: Entity, revision: number, drift: Drift): void {
  if (drift.count === 0) return;
  const before = memoryOf(revision, entity.history)?.seen;
  const message = driftText(drift);
  if (before !== undefined && before.count > 0 && driftText(before) === message) return;
  announce(entity, 'Warning', { reason: 'DriftDetected', message });
}
