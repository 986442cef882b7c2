import { ActivityCancellationType, isCancellation, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ReleaseActivities } from '../activities/types.ts';
import { taskQueue } from './contract.ts';
import { refText } from './core/facts.ts';
import type { Failure } from './core/failures.ts';
import type { Instant, ObjectRef } from './core/ids.ts';
import type { ActionOptions, NotReady } from './core/model.ts';
import { readFailure, readNotReady } from './failures.ts';

/** A written revision whose objects are to become ready. */
export interface Waiting {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly release: ObjectRef;
  readonly revision: number;
  readonly deadline: Instant;
  readonly options: ActionOptions;
}

/** Beyond the deadline, for a last try that is under way. */
const GRACE_MS = 60_000;

export type Waited =
  | { readonly kind: 'ready' }
  | { readonly kind: 'timedOut'; readonly failure: Failure; readonly notReady: readonly NotReady[] };

/** At once, and after 0.5, 1.3 and 2.4 s: most objects are ready by then. The step itself says how long it pauses. */
const BRIEF_LOOKS = 4;

/**
 * Wait for a moment inside the worker, which costs Temporal less than a step of its own. False: some objects were not
 * ready by then, or could not be asked.
 */
export async function waitBriefly({ ref, release, revision, deadline, options }: Waiting): Promise<boolean> {
  const { waitReady } = proxyLocalActivities<ReleaseActivities>({
    startToCloseTimeout: '10 seconds',
    retry: { maximumAttempts: BRIEF_LOOKS },
  });
  try {
    await waitReady({ ref, release, revision, waitForJobs: options.waitForJobs, deadline });
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    readFailure(error);
    return false;
  }
}

/**
 * Wait until the objects of a revision are ready; holds no slot meanwhile. When the deadline passes the record is
 * marked as Helm marks it after a failed wait of its own, and `cleanupOnFail` is carried out. Cancelling the scope
 * around it ends the wait at once and changes nothing.
 */
export async function waitForRevision(waiting: Waiting): Promise<Waited> {
  const { cluster, ref, release, revision, deadline, options } = waiting;
  const { waitReady } = proxyActivities<ReleaseActivities>({
    taskQueue: taskQueue(cluster),
    // Without a heartbeat this is how long a killed worker is waited for.
    startToCloseTimeout: '30 seconds',
    // The step itself knows the deadline; Temporal would give up as soon as the next try did not fit any more.
    scheduleToCloseTimeout: Math.max(0, deadline - Date.now()) + GRACE_MS,
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
  });
  try {
    await waitReady.executeWithOptions({ summary: `wait for ${release.name} revision ${revision} to become ready` }, [
      { ref, release, revision, waitForJobs: options.waitForJobs, deadline },
    ]);
    return { kind: 'ready' };
  } catch (error) {
    readFailure(error);
    return timedOut(waiting, readNotReady(error));
  }
}

async function timedOut(
  { cluster, ref, release, revision, options }: Waiting,
  notReady: readonly NotReady[],
): Promise<Waited> {
  const reason = describe(notReady, options.timeoutMs);
  const { failRevision, cleanUpRevision } = proxyActivities<ReleaseActivities>({
    taskQueue: taskQueue(cluster),
    startToCloseTimeout: '2 minutes',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  await failRevision.executeWithOptions({ summary: `mark revision ${revision} failed: not ready in time` }, [
    { release, revision, reason },
  ]);
  if (options.cleanupOnFail) {
    await cleanUpRevision.executeWithOptions(
      { summary: `delete what revision ${revision} of ${refText(release)} created` },
      [{ ref, release, revision }],
    );
  }
  return { kind: 'timedOut', failure: { code: 'WaitTimedOut', message: reason }, notReady };
}

function describe(notReady: readonly NotReady[], timeoutMs: number): string {
  const shown = notReady.slice(0, 3).map(({ object, reason }) => `${object}: ${reason}`);
  const more = notReady.length > 3 ? ` and ${notReady.length - 3} more` : '';
  const what = shown.length === 0 ? 'its objects' : shown.join('; ') + more;
  return `not ready within ${Math.round(timeoutMs / 1000)} s: ${what}`;
}
