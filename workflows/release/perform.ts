import { CancellationScope, condition, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { ReleaseActivities } from '../../activities/types.ts';
import { taskQueue } from '../contract.ts';
import { optionsFor } from '../core/classify.ts';
import { releaseOf } from '../core/facts.ts';
import { acceptLate, failedAfterWrite } from '../core/history.ts';
import type { Action, LostHelm, ReleaseObject } from '../core/model.ts';
import { writerOf } from '../core/remedy.ts';
import { abandonedText } from '../core/summarize.ts';
import { lostTest } from '../core/tests.ts';
import { readFailure } from '../failures.ts';
import { waitForRevision } from '../wait.ts';
import type { Entity } from './entity.ts';
import { announce, local, report } from './report.ts';

/** Ask again whether the helm of a locked record is dead. */
const LOCK_RETRY_MS = 10_000;

/** Keep waiting for a revision that is written; a message interrupts, and the next look decides whether to go on. */
export async function performWait(
  entity: Entity,
  object: ReleaseObject,
  action: Extract<Action, { kind: 'wait' }>,
): Promise<void> {
  if (object.spec.kind === 'invalid') return;
  const { desired } = object.spec;
  const { cluster, ref } = entity.input;
  const { revision, deadline } = action;
  entity.history = { ...entity.history, waiting: { revision, deadline } };
  await report(entity);
  const scope = new CancellationScope();
  const options = optionsFor(revision, desired, entity.history);
  const waiting = scope.run(() =>
    waitForRevision({ cluster, ref, release: desired.release, revision, deadline, options }),
  );
  const interrupt = condition(() => entity.woken).then(() => {
    scope.cancel();
  });
  try {
    const waited = await waiting;
    if (waited.kind === 'ready') {
      entity.history = { ...entity.history, waiting: null, notReady: [], readyRevision: revision, lost: null };
      announce(entity, 'Normal', { reason: 'ObjectsReady', message: `every object of revision ${revision} is ready` });
    } else {
      const attempt = entity.look.stored?.attempt ?? null;
      const failed = failedAfterWrite(entity.history, waited.failure, { at: Date.now(), revision, attempt });
      entity.history = { ...failed, notReady: waited.notReady };
    }
  } catch (error) {
    if (!isCancellation(error) || !entity.woken) throw error;
  } finally {
    interrupt.catch(() => undefined);
  }
}

/** Close the record of a revision whose wait had timed out as what it is by now: deployed, and ready. */
export async function performAccept(
  entity: Entity,
  object: ReleaseObject,
  { revision }: Extract<Action, { kind: 'accept' }>,
): Promise<void> {
  const { succeedRevision } = proxyActivities<ReleaseActivities>({
    taskQueue: taskQueue(entity.input.cluster),
    startToCloseTimeout: '60 seconds',
    scheduleToCloseTimeout: '5 minutes',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  });
  await succeedRevision.executeWithOptions({ summary: `mark revision ${revision} deployed: it got ready late` }, [
    { release: releaseOf(object, entity.history), revision },
  ]);
  entity.history = acceptLate(entity.history, revision, Date.now());
  announce(entity, 'Normal', {
    reason: 'ObjectsReady',
    message: `every object of revision ${revision} is ready, though not in time; the revision is kept`,
  });
}

/** Whose helm the step asks for, under the label that is on the record: a rollback or a test puts none there before its end. */
function lostFor({ history, look: { stored } }: Entity): LostHelm | null {
  const { lost } = history;
  const another = stored?.status === 'pending-rollback' || lostTest(history) !== undefined;
  if (lost === null || !another || stored === null || stored.attempt === null) return lost;
  return writerOf(stored, history) === lost.attempt ? { ...lost, attempt: stored.attempt } : lost;
}

/** Close a record whose helm is dead, or hold until it is known to be. */
export async function performUnlock(
  entity: Entity,
  object: ReleaseObject,
  action: Extract<Action, { kind: 'unlock' }>,
): Promise<void> {
  const { ref } = entity.input;
  const lost = lostFor(entity);
  const { revision, leaseOver } = action;
  const tests = lostTest(entity.history) !== undefined;
  const reason =
    lost === null ? 'interrupted: its helm died' : `interrupted: attempt ${lost.attempt} died with its worker`;
  const steps = proxyActivities<ReleaseActivities>({
    taskQueue: taskQueue(entity.input.cluster),
    startToCloseTimeout: '60 seconds',
    scheduleToCloseTimeout: '5 minutes',
    retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
  });
  try {
    const summary = tests
      ? `make sure that the helm that tests revision ${revision} is dead`
      : `close revision ${revision} as failed: its helm died`;
    const about = { ref, release: releaseOf(object, entity.history), revision, lost, leaseOver, reason };
    await steps.unlockRelease.executeWithOptions({ summary }, [tests ? { ...about, tests } : about]);
    entity.history = { ...entity.history, lost: null };
    if (tests) return;
    announce(entity, 'Warning', {
      reason: 'Unlocked',
      message: `revision ${revision} was left locked and is closed as failed: ${reason}`,
    });
  } catch (error) {
    const step = readFailure(error);
    if (step.kind === 'failed' && step.failure.code !== 'RecordLocked' && step.failure.code !== 'Conflict') {
      entity.history = { ...entity.history, lastFailure: step.failure };
    }
    entity.history = { ...entity.history, retryAt: Date.now() + LOCK_RETRY_MS };
  }
}

/** Remove the finalizer: nothing is left, or what is left is to stay. */
export async function performRelease(entity: Entity, object: ReleaseObject): Promise<void> {
  const { abandoned } = object;
  announce(
    entity,
    'Normal',
    abandoned === undefined
      ? { reason: 'Uninstalled', message: 'the release is uninstalled; the object may go' }
      : { reason: 'Abandoned', message: abandonedText(abandoned, entity.look.stored) },
  );
  await report(entity);
  await local.letGoRelease({ ref: entity.input.ref, uid: object.uid });
}
