import { CancellationScope, condition, isCancellation, patched, type ChildWorkflowHandle } from '@temporalio/workflow';
import { abandoned, superseded, type attempt } from '../attempt.ts';
import { delayAfter } from '../core/backoff.ts';
import { isPending, optionsFor } from '../core/classify.ts';
import { releaseOf } from '../core/facts.ts';
import { lastAttempt } from '../core/history.ts';
import type { Look, Outcome, ReleaseObject, StoredRelease } from '../core/model.ts';
import { readFailure, readOutcome } from '../failures.ts';
import type { Entity } from './entity.ts';
import { local, report } from './report.ts';
import { lookOnce } from './resolve.ts';

/** When an attempt that waits is looked at, to show what it waits for: soon at first, then once a minute. */
const PROGRESS = { firstMs: 10_000, capMs: 60_000 };
/** Until it has said that it waits there is nothing to show; this is for a word that was lost. */
const BEFORE_WAIT_MS = 10 * 60_000;

/**
 * An attempt was terminated: its helm is told so by the answer to its next heartbeat, and is killed when it does not
 * heed that. After this long it is gone for certain.
 */
const ORPHAN_MS = 120_000;

type Child = ChildWorkflowHandle<typeof attempt>;

/** Follow an attempt to its end: tell it when another state is desired by now, and show what it waits for. */
export async function watchOver(entity: Entity, child: Child): Promise<Outcome> {
  const end: { outcome: Outcome | null; error: unknown } = { outcome: null, error: null };
  child.result().then(
    (outcome) => (end.outcome = outcome),
    (error: unknown) => (end.error = error),
  );
  const ended = () => end.outcome !== null || end.error !== null;
  const waits = () => entity.waitBegan === entity.running?.label;
  let told = false;
  let left = false;
  // An uninstall goes on whatever is desired by now; it ends only when the release is abandoned.
  const listens = () => !left && (!told || entity.running?.action === 'uninstall');
  let looks = 0;
  while (!ended()) {
    const before = waits();
    const delayMs = before ? delayAfter((looks += 1), PROGRESS) : BEFORE_WAIT_MS;
    const messaged = await condition(() => ended() || (entity.woken && listens()) || waits() !== before, delayMs, {
      summary: 'look what the attempt waits for',
    });
    if (ended()) break;
    if (waits() !== before) continue;
    const look = await lookAgain(entity);
    if (look === null) continue;
    if (!left && isAbandoned(entity, look)) {
      left = true;
      await child.signal(abandoned, 'the release was abandoned');
      continue;
    }
    const why = told ? null : reasonToLeave(entity, look);
    if (why !== null) {
      told = true;
      await child.signal(superseded, why);
    } else if (!messaged) {
      await showProgress(entity, look);
    }
  }
  entity.running = null;
  return end.outcome ?? readEnd(entity, end.error);
}

function readEnd(entity: Entity, error: unknown): Outcome {
  if (isCancellation(error)) {
    if (CancellationScope.current().consideredCancelled) throw error;
    return { kind: 'interrupted', reason: 'the attempt was cancelled in Temporal', written: null };
  }
  const outcome = readOutcome(error);
  if (outcome !== null) return outcome;
  const step = readFailure(error);
  const reason = step.kind === 'failed' ? step.failure.message : step.reason;
  const attempt = lastAttempt(entity.history)?.label ?? '';
  return { kind: 'lost', reason, lost: { attempt, process: null, deadAt: Date.now() + ORPHAN_MS } };
}

/** Null when the API server cannot be asked: an attempt goes on without being watched. */
async function lookAgain(entity: Entity): Promise<Look | null> {
  entity.woken = false;
  try {
    return await lookOnce(entity);
  } catch (error) {
    readFailure(error);
    return null;
  }
}

/** By a message that is not answered yet, or by the annotation of a deleted object. */
function isAbandoned({ history }: Entity, { object }: Look): boolean {
  const asked = history.requests.some(({ kind, outcome }) => kind === 'abandon' && outcome.kind === 'pending');
  return asked || object?.abandoned !== undefined;
}

/** Why what is being waited for is not what is wanted any more; null: it is. */
function reasonToLeave(entity: Entity, look: Look): string | null {
  return newerState(entity.look.object, look.object) ?? asksForRollback(entity, look);
}

/** Who wants to go back from what is being waited for does not wait for it. */
function asksForRollback({ history }: Entity, { object }: Look): string | null {
  const annotated = object?.rollbackTo !== undefined && object.requestedAt !== history.handledRequestedAt;
  const asked = history.requests.some(
    ({ kind, outcome, takenUp }) => kind === 'rollbackTo' && outcome.kind === 'pending' && takenUp !== true,
  );
  return asked || annotated ? 'a rollback was asked for' : null;
}

function newerState(before: ReleaseObject | null, now: ReleaseObject | null): string | null {
  if (now === null || before === null || now.uid !== before.uid) return 'the HelmRelease was replaced';
  if (now.deleting && !before.deleting) return 'the HelmRelease was deleted';
  if (now.generation !== before.generation) return NEWER;
  // Values that lie in other objects change without a new generation. Older runs did not look at that.
  const [wanted, attempted] = [digestOf(now), digestOf(before)];
  const another = wanted !== null && wanted !== attempted;
  return another && patched('superseded-by-digest') ? NEWER : null;
}

const NEWER = 'another state is desired by now';

/** Null when it cannot be told: a source that is missing for a moment is no other desired state. */
function digestOf({ spec }: ReleaseObject): string | null {
  return spec.kind === 'valid' ? spec.desired.digest : null;
}

async function showProgress(entity: Entity, { object, stored }: Look): Promise<void> {
  if (object?.spec.kind !== 'valid' || stored === null || !inWait(entity, stored)) return;
  const { waitForJobs, timeoutMs } = optionsFor(stored.revision, object.spec.desired, entity.history);
  try {
    const { notReady } = await local.observeReadiness({
      ref: entity.input.ref,
      release: releaseOf(object, entity.history),
      revision: stored.revision,
      waitForJobs,
    });
    const deadline = (entity.running?.startedAt ?? Date.now()) + timeoutMs;
    entity.look = { ...entity.look, stored };
    entity.history = { ...entity.history, notReady, waiting: { revision: stored.revision, deadline } };
    await report(entity);
  } catch (error) {
    readFailure(error);
  }
}

/** Our own revision stands in Helm's storage, so its helm is done and what goes on is the wait. */
function inWait({ running }: Entity, stored: StoredRelease): boolean {
  return (
    running !== null && running.action !== 'uninstall' && stored.attempt === running.label && !isPending(stored.status)
  );
}
