import { proxyActivities } from '@temporalio/workflow';
import type { ReleaseActivities } from '../../activities/types.ts';
import { forObject } from '../core/history.ts';
import type { Look, ReleaseObject, Resolution } from '../core/model.ts';
import { answered, newsOf, notAnswered, toResolve, type Urge } from '../core/resolution.ts';
import { readFailure } from '../failures.ts';
import { nextInterval, type Entity } from './entity.ts';
import { announce, local } from './report.ts';

/** One look. Where the version is a range, the newest that fits is asked for when that is due, and looked with. */
export async function lookResolved(entity: Entity, urge: Urge): Promise<Look> {
  const look = await lookOnce(entity);
  const { object } = look;
  // What is known of an object of the same name that was there before is no answer for this one.
  if (object !== null) entity.history = forObject(entity.history, object.uid);
  const follows = toResolve(object, entity.history.resolution, { now: Date.now(), urge });
  if (object !== null && object.follows === undefined) entity.history = withoutResolution(entity.history);
  if (follows === null || object === null) return look;
  entity.look = look;
  const before = entity.history.resolution;
  const now = await resolve(entity, follows);
  const news = newsOf(before, now);
  if (news !== null) announce(entity, 'Warning', { reason: news.code, message: news.message });
  // One Event is enough: the summary of a release that has no version yet says the same.
  if (now.failure !== null) entity.announced = now.failure.message;
  entity.history = { ...entity.history, resolution: now };
  return lookOnce(entity);
}

function withoutResolution(history: Entity['history']): Entity['history'] {
  return history.resolution == null ? history : { ...history, resolution: null };
}

/** Look with the version that is known. */
export function lookOnce({ input, history }: Entity): Promise<Look> {
  const { cluster, ref } = input;
  const { target, timedOut } = history;
  return local.lookRelease({
    cluster,
    ref,
    target,
    ...resolutionOf(history),
    ...(timedOut == null ? {} : { timedOut }),
  });
}

/** What the steps have to know of the version that the range stands for. */
export function resolutionOf({ resolution }: Entity['history']): {
  readonly resolution?: Pick<Resolution, 'key' | 'version' | 'failure'>;
} {
  if (resolution == null) return {};
  const { key, version, failure } = resolution;
  return { resolution: { key, version, failure } };
}

async function resolve(entity: Entity, follows: NonNullable<ReleaseObject['follows']>): Promise<Resolution> {
  const { cluster, ref } = entity.input;
  const { resolveVersion } = proxyActivities<ReleaseActivities>({
    startToCloseTimeout: '3 minutes',
    heartbeatTimeout: '30 seconds',
    retry: { maximumAttempts: 2, initialInterval: '1 second' },
  });
  const known = entity.history.resolution;
  try {
    const summary = `find the newest version in ${follows.range}`;
    const answer = await resolveVersion.executeWithOptions({ summary }, [{ cluster, ref }]);
    if (answer !== null) return answered(answer, nextInterval(entity));
    const failure = {
      code: 'Interrupted' as const,
      message: 'the HelmRelease changed while its version was looked up',
    };
    return notAnswered(known, follows, { failure, now: Date.now() });
  } catch (error) {
    const step = readFailure(error);
    // Nobody can be told anything: the loop deals with that.
    if (step.kind === 'failed' && step.failure.code === 'ClusterUnreachable') throw error;
    const failed = step.kind === 'failed' ? step : { failure: { code: 'Unexpected' as const, message: step.reason } };
    return notAnswered(known, follows, { ...failed, now: Date.now() });
  }
}
