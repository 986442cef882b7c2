import { hasTimedOut, optionsFor } from '../workflows/core/classify.ts';
import { EMPTY_HISTORY } from '../workflows/core/history.ts';
import type { Look, NotReady, TimedOut } from '../workflows/core/model.ts';
import { look, type LookDeps, type LookInput } from './kube/look.ts';
import type { Toolbox } from './operation.ts';
import { observe } from './wait-release.ts';

/** What goes into history is bounded: it matters that some are not ready, and which ones for example. */
const MAX_SHOWN = 20;

/** One look; of a newest revision whose wait has timed out also whether its objects are ready by now. */
export async function lookRelease(
  deps: LookDeps & Pick<Toolbox, 'records'>,
  input: LookInput & { readonly timedOut?: TimedOut | null },
  signal: AbortSignal,
): Promise<Look> {
  const seen = await look(deps, input);
  const { object, stored } = seen;
  if (stored === null || object === null || object.deleting || object.suspension !== null) return seen;
  if (!hasTimedOut(stored, { timedOut: input.timedOut ?? null }) || object.spec.kind === 'invalid') return seen;
  const { release } = object.spec.desired;
  const { waitForJobs } = optionsFor(stored.revision, object.spec.desired, EMPTY_HISTORY);
  const { ref, target } = input;
  const { revision } = stored;
  const notReady = await seeReadiness(() =>
    observe(deps, { ref, release: target ?? release, revision, waitForJobs }, signal),
  );
  return notReady === null ? seen : { ...seen, stored: { ...stored, notReady } };
}

/** Null when it is not to be known: what else the look has seen counts all the same. */
async function seeReadiness(ask: () => Promise<readonly NotReady[]>): Promise<readonly NotReady[] | null> {
  try {
    return (await ask()).slice(0, MAX_SHOWN);
  } catch {
    return null;
  }
}
