import type { CancellationScope } from '@temporalio/workflow';
import type { GitPass } from '../../activities/types.ts';
import type { EntityInput, SourceStatus } from '../contract.ts';
import type { Failure } from '../core/failures.ts';
import { judgeGitPass, type GitJudgement } from '../core/git-judgement.ts';
import { addRequest, answerRequests, EMPTY_HISTORY, outcomeOf } from '../core/history.ts';
import type { Instant } from '../core/ids.ts';
import type { Request, RequestOutcome } from '../core/model.ts';

/** All that a `gitRepository` workflow carries from run to run; the inventory is in the cluster. */
export interface GitHistory {
  readonly schema: 1;
  readonly uid: string | null;
  /** Passes in a row that did not end Ready. */
  readonly failures: number;
  /** The newest pass that got as far as the cluster, and what went wrong since. */
  readonly pass: GitPass | null;
  readonly failure: Failure | null;
  /** Applied last in full. */
  readonly revision: string | null;
  /** Newest last, at most 50. */
  readonly requests: typeof EMPTY_HISTORY.requests;
}

const EMPTY: GitHistory = {
  schema: 1,
  uid: null,
  failures: 0,
  pass: null,
  failure: null,
  revision: null,
  requests: [],
};

/** What the workflow holds in memory between two commands. Only `history` survives its run. */
export interface Memory {
  readonly input: EntityInput<GitHistory>;
  history: GitHistory;
  /** Set by every message, cleared when a pass begins. */
  woken: boolean;
  /** A wait for releases to go, which a message ends: a new pass may want something else. */
  pruning: CancellationScope | null;
  nextPassAt: Instant | null;
  /** The report that was last written, and the attributes last upserted, as text. */
  reported: string | null;
  attributes: string | null;
}

export function createMemory(input: EntityInput<GitHistory>): Memory {
  const history = input.history ?? EMPTY;
  return { input, history, woken: false, pruning: null, nextPassAt: null, reported: null, attributes: null };
}

/** Read anew: a handler may have set it while an activity ran, which the compiler cannot see. */
export const isWoken = (memory: Memory): boolean => memory.woken;

export function wake(memory: Memory): void {
  memory.woken = true;
  memory.pruning?.cancel();
}

export function enqueue({ history }: Memory, request: Request): GitHistory {
  return { ...history, requests: addRequest({ ...EMPTY_HISTORY, requests: history.requests }, request).requests };
}

export function pendingOf({ requests }: GitHistory): GitHistory['requests'] {
  return requests.filter(({ outcome }) => outcome.kind === 'pending');
}

/** Answer the requests that were there when a pass began. */
export function answer(history: GitHistory, asked: readonly string[], outcome: RequestOutcome): GitHistory {
  const answered = answerRequests({ ...EMPTY_HISTORY, requests: history.requests }, ({ id }) =>
    asked.includes(id) ? outcome : null,
  );
  return { ...history, requests: answered.requests };
}

export function outcomeIn({ requests }: GitHistory, id: string): RequestOutcome {
  return outcomeOf({ ...EMPTY_HISTORY, requests }, id);
}

/** Take up what a pass found. An object created anew under the same name starts from nothing. */
export function remember(history: GitHistory, pass: GitPass | null, failure: Failure | null): GitHistory {
  const another = pass !== null && pass.uid !== history.uid;
  const base = another ? { ...EMPTY, uid: pass.uid, requests: history.requests } : history;
  const ready = judgeGitPass(pass, failure).ready === 'True';
  return {
    ...base,
    pass: pass ?? base.pass,
    failure,
    failures: ready ? 0 : base.failures + 1,
    revision: ready && pass?.revision != null ? pass.revision : base.revision,
  };
}

export function judge({ pass, failure }: GitHistory): GitJudgement {
  return judgeGitPass(pass, failure);
}

/** The answer to the query `status`. */
export function toStatus({ input, history, nextPassAt }: Memory): SourceStatus {
  const { ready, reason, message } = judge(history);
  return {
    kind: 'GitRepository',
    ref: input.ref,
    url: history.pass?.url ?? '',
    ready: ready === 'True',
    reason,
    message,
    suspended: history.pass?.suspended ?? false,
    revision: history.revision,
    objects: history.pass?.inventory ?? null,
    nextLookAt: nextPassAt,
  };
}
