import { ActivityCancellationType, CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { ReleaseActivities } from '../../activities/types.ts';
import { taskQueue } from '../contract.ts';
import { optionsFor } from '../core/classify.ts';
import { releaseOf } from '../core/facts.ts';
import type { Instant } from '../core/ids.ts';
import type { Action } from '../core/model.ts';
import { sleepUntil, type Entity } from './entity.ts';

/** What was given up on is looked at ever more slowly, down to this. */
const SLOWEST_MS = 30_000;
/** Beyond the end of the sleep, for a look that is under way. */
const GRACE_MS = 60_000;

/** A release that sleeps because of these would act if its objects got ready. */
const FAILED: readonly Action['kind'][] = ['hold', 'stall', 'defer'];

/**
 * Sleep; and should the objects of a revision whose wait timed out get ready meanwhile, wake. It is a step that is
 * asked again and again, which holds no slot and adds nothing to the history until then; what is done about it is for
 * the look that follows.
 */
export async function sleepWatching(entity: Entity, until: Instant, summary: string): Promise<void> {
  const { object, stored } = entity.look;
  if (object?.spec.kind !== 'valid' || stored?.notReady === undefined || !FAILED.includes(entity.action.kind)) {
    await sleepUntil(entity, until, summary);
    return;
  }
  const { cluster, ref } = entity.input;
  const { revision } = stored;
  const { waitReady } = proxyActivities<ReleaseActivities>({
    taskQueue: taskQueue(cluster),
    startToCloseTimeout: '60 seconds',
    scheduleToCloseTimeout: Math.max(0, until - Date.now()) + GRACE_MS,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: SLOWEST_MS },
  });
  const { waitForJobs } = optionsFor(revision, object.spec.desired, entity.history);
  const input = { ref, release: releaseOf(object, entity.history), revision, waitForJobs, deadline: until };
  const scope = new CancellationScope();
  const watching = scope
    .run(() =>
      waitReady.executeWithOptions({ summary: `see whether revision ${revision} gets ready late` }, [
        { ...input, slowestMs: SLOWEST_MS },
      ]),
    )
    .then(
      () => {
        entity.woken = true;
      },
      () => undefined, // not ready, or not to be known: the sleep ends as it would have
    );
  await sleepUntil(entity, until, summary);
  scope.cancel();
  await watching;
}
