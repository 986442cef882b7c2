import {
  allHandlersFinished,
  condition,
  makeContinueAsNewFunc,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RepositoryActivities } from '../activities/types.ts';
import { changed, outcome, sourceStatus, sync, type EntityInput, type SourceStatus } from './contract.ts';
import { delayBeforeWrite } from './core/backoff.ts';
import { refText } from './core/facts.ts';
import type { Failure } from './core/failures.ts';
import { addRequest, answerRequests, EMPTY_HISTORY, outcomeOf } from './core/history.ts';
import { entityId, jitterOf, type Instant } from './core/ids.ts';
import { readFailure } from './failures.ts';
import { checkAsk } from './release/messages.ts';

export interface RepositoryHistory {
  readonly schema: 1;
  readonly failures: number;
  readonly requests: typeof EMPTY_HISTORY.requests;
}

type Input = EntityInput<RepositoryHistory>;

const MAX_CYCLES = 20;

interface State {
  woken: boolean;
  failures: number;
  requests: RepositoryHistory['requests'];
  status: SourceStatus;
}

/** The life of one HelmRepository: ask its registry at every interval whether it answers and lets us in. */
export async function helmRepository(input: EntityInput<RepositoryHistory>): Promise<void> {
  const { failures, requests } = input.history ?? { failures: 0, requests: [] };
  const state: State = { woken: false, failures, requests, status: unknownStatus(input) };
  listen(state);
  for (let cycles = 1; ; cycles += 1) {
    state.woken = false;
    const asked = state.requests.map(({ id }) => id);
    const seen = await check(input);
    if (seen !== null) {
      const until = note(state, { input, seen, asked });
      if (seen.keepsValues === true) await keepValues(input);
      await condition(() => state.woken, until - Date.now(), { summary: 'next check' });
    } else if (!isWoken(state)) {
      return;
    }
    if (cycles >= MAX_CYCLES || workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueWith({ ...input, history: { schema: 1, failures: state.failures, requests: state.requests } });
    }
  }
}

function listen(state: State): void {
  const requests = () => ({ ...EMPTY_HISTORY, requests: state.requests });
  setHandler(changed, () => void (state.woken = true));
  setHandler(
    sync,
    ({ id, by, reason }) => {
      const position = state.requests.filter(({ outcome: { kind } }) => kind === 'pending').length;
      state.requests = addRequest(requests(), { id, kind: 'sync', by, reason, at: Date.now() }).requests;
      state.woken = true;
      return { request: id, position };
    },
    { validator: checkAsk },
  );
  setHandler(outcome, (id) => outcomeOf(requests(), id));
  setHandler(sourceStatus, () => state.status);
}

/** Take up what a check found, answer those who asked for it, and say when the next one is due. */
function note(state: State, { input, seen, asked }: { input: Input; seen: Seen; asked: readonly string[] }): Instant {
  state.failures = seen.failure === null ? 0 : state.failures + 1;
  const { retryAfterMs = 0 } = seen;
  const retry = seen.failure === null ? seen.intervalMs : delayBeforeWrite(state.failures);
  const spread = 0.95 + 0.1 * jitterOf(entityId(input.cluster, 'HelmRepository', input.ref));
  const until = Date.now() + Math.max(retryAfterMs, Math.round(Math.min(seen.intervalMs, retry) * spread));
  state.status = toStatus(input, seen, until);
  const { ready, reason, message } = state.status;
  const done = { kind: 'done', ready, message, revision: null } as const;
  const answered = answerRequests({ ...EMPTY_HISTORY, requests: state.requests }, ({ id }) =>
    asked.includes(id) ? done : null,
  );
  state.requests = answered.requests;
  setCurrentDetails(`### ${refText(input.ref)}: ${ready ? 'Ready' : reason}\n\n${message}`);
  return until;
}

/** Read anew: a handler may have set it while an activity ran, which the compiler cannot see. */
const isWoken = (state: State): boolean => state.woken;

const continueWith = makeContinueAsNewFunc<typeof helmRepository>({});

interface Seen {
  readonly url: string;
  readonly suspended: boolean;
  readonly intervalMs: number;
  readonly failure: Failure | null;
  readonly retryAfterMs?: number;
  readonly keepsValues?: true;
}

async function check({ cluster, ref }: EntityInput<RepositoryHistory>): Promise<Seen | null> {
  const { checkHelmRepository } = proxyActivities<RepositoryActivities>({
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '60 seconds',
    retry: { maximumAttempts: 2, initialInterval: '1 second' },
  });
  try {
    const { workflowId } = workflowInfo();
    const summary = `ask the registry of ${refText(ref)}`;
    return await checkHelmRepository.executeWithOptions({ summary }, [{ cluster, ref, workflowId }]);
  } catch (error) {
    const step = readFailure(error);
    const failure = step.kind === 'failed' ? step.failure : { code: 'Unexpected' as const, message: step.reason };
    return { url: '', suspended: false, intervalMs: 60_000, failure };
  }
}

/** They are there for people to read: that one cannot be written keeps nothing else from being done. */
async function keepValues({ cluster, ref }: Input): Promise<void> {
  const { keepChartValues } = proxyActivities<RepositoryActivities>({
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '60 seconds',
    retry: { maximumAttempts: 2, initialInterval: '1 second' },
  });
  try {
    const summary = `keep the default values of the charts of ${refText(ref)}`;
    await keepChartValues.executeWithOptions({ summary }, [{ cluster, ref }]);
  } catch (error) {
    // Shown where its steps are; the next check comes to it again. What ends the workflow is thrown on.
    readFailure(error);
  }
}

function unknownStatus({ ref }: EntityInput<RepositoryHistory>): SourceStatus {
  return {
    kind: 'HelmRepository',
    ref,
    url: '',
    ready: false,
    reason: 'Pending',
    message: 'not asked yet',
    suspended: false,
    revision: null,
    objects: null,
    nextLookAt: null,
  };
}

function toStatus(
  input: EntityInput<RepositoryHistory>,
  { url, suspended, failure }: Seen,
  nextLookAt: number,
): SourceStatus {
  const base = { ...unknownStatus(input), url, suspended, nextLookAt };
  if (failure !== null) return { ...base, reason: failure.code, message: failure.message };
  return { ...base, ready: true, reason: 'Succeeded', message: suspended ? 'suspended' : 'the registry answers' };
}
