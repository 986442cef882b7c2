import { delayBeforeWrite } from './backoff.ts';
import type { Failure } from './failures.ts';
import type { Instant } from './ids.ts';
import type { ReleaseObject, Resolution } from './model.ts';

type Follows = NonNullable<ReleaseObject['follows']>;
type Known = Resolution | null | undefined;

/** Why it is asked again before its time: a person wants it, or something outside changed. */
export type Urge = 'asked' | 'none';

/** What has to be asked now. Null: the version is exact, or known well enough, or nothing would be done with it. */
export function toResolve(
  object: ReleaseObject | null,
  known: Known,
  { now, urge }: { readonly now: Instant; readonly urge: Urge },
): Follows | null {
  const follows = followedNow(object);
  const fresh = known?.key === follows?.key && known != null && known.dueAt > now && urge === 'none';
  return fresh ? null : follows;
}

/** When the question that nobody answered comes again. Null: there is no such question. */
export function askAgainAt(object: ReleaseObject | null, known: Known): Instant | null {
  const follows = followedNow(object);
  return follows === null || known?.key !== follows.key || known.failure === null ? null : known.dueAt;
}

function followedNow(object: ReleaseObject | null): Follows | null {
  if (object?.follows === undefined || object.deleting || object.suspension !== null) return null;
  return object.follows;
}

/** An answer came. */
export function answered(
  { key, range, version, digest }: Pick<Resolution, 'key' | 'range' | 'version' | 'digest'>,
  dueAt: Instant,
): Resolution {
  return { key, range, version, digest, failure: null, failures: 0, dueAt };
}

interface NoAnswer {
  readonly failure: Failure;
  /** Whoever refused wants to be left alone for so long. */
  readonly retryAfterMs?: number;
  readonly now: Instant;
}

/** No answer came. What was known of the same question stays, and it is asked again soon, then ever more slowly. */
export function notAnswered(known: Known, follows: Follows, failed: NoAnswer): Resolution {
  const before = known?.key === follows.key ? known : null;
  const failures = (before?.failures ?? 0) + 1;
  return {
    ...follows,
    version: before?.version ?? null,
    digest: before?.digest ?? null,
    failure: failed.failure,
    failures,
    dueAt: failed.now + delayBeforeWrite(failures, failed.retryAfterMs),
  };
}

export interface News {
  readonly code: string;
  readonly message: string;
}

/** What is to be told of a resolution, beside the one before: that nobody answers, or that a tag was moved. */
export function newsOf(before: Known, now: Resolution): News | null {
  const same = before?.key === now.key ? before : null;
  if (now.failure !== null) return now.failure.message === same?.failure?.message ? null : now.failure;
  if (same?.version == null || same.version !== now.version) return null;
  return movedTag(same.version, same.digest, now.digest);
}

/** A version was published twice, with different contents. Null: it was not, as far as is known. */
export function movedTag(version: string, before: string | null, now: string | null): News | null {
  if (before === null || now === null || before === now) return null;
  const message = `version ${version} of the chart is another one than before: its digest was ${before} and is ${now}; publish changes under a new version`;
  return { code: 'TagMoved', message };
}
