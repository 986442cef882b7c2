import { FAILURES, type Failure } from './failures.ts';
import type { Problem } from './git-plan.ts';

/** What a pass found, as far as Ready depends on it. */
export interface PassFacts {
  readonly suspended: boolean;
  readonly deleting: boolean;
  readonly revision: string | null;
  readonly inventory: number;
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly pruneHeldBack: string | null;
}

/** Ready, and what the other conditions follow from. */
export interface GitJudgement {
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** Only a person can mend it. */
  readonly stalled: boolean;
}

const SHOWN = 3;

/** The one place where the state of a GitRepository is worded: conditions, Events, API and details read it. */
export function judgeGitPass(pass: PassFacts | null, failure: Failure | null): GitJudgement {
  if (failure !== null) return judgeFailure(failure);
  if (pass === null) return { ready: 'Unknown', reason: 'Pending', message: 'not fetched yet', stalled: false };
  if (pass.deleting) return { ready: 'False', reason: 'Deleting', message: 'is being deleted', stalled: false };
  if (pass.suspended) return judgeSuspended(pass.revision);
  const [first] = pass.problems;
  if (first !== undefined) {
    const reason = pass.problems.every(({ code }) => code === first.code) ? first.code : 'ApplyFailed';
    return { ready: 'False', reason, message: problemText(pass), stalled: false };
  }
  if (pass.pruneHeldBack !== null) {
    return { ready: 'False', reason: 'PruneConfirmationRequired', message: pass.pruneHeldBack, stalled: true };
  }
  const message = `applied ${pass.revision ?? 'nothing'}: ${pass.inventory} objects`;
  return { ready: 'True', reason: 'Succeeded', message, stalled: false };
}

function judgeFailure({ code, message }: Failure): GitJudgement {
  const disposition = FAILURES[code];
  return {
    ready: disposition === 'transient' ? 'Unknown' : 'False',
    reason: code,
    message,
    stalled: disposition === 'stalled',
  };
}

function judgeSuspended(revision: string | null): GitJudgement {
  const message = revision === null ? 'suspended; nothing was applied yet' : `suspended; ${revision} was applied last`;
  return { ready: revision === null ? 'False' : 'True', reason: 'Suspended', message, stalled: false };
}

function problemText({ problems, problemCount, revision, pruneHeldBack }: PassFacts): string {
  const shown = problems.slice(0, SHOWN).map(({ where, message }) => `${where}: ${message}`);
  const more = problemCount > shown.length ? `; and ${problemCount - shown.length} more` : '';
  const held = pruneHeldBack === null ? '' : `; ${pruneHeldBack}`;
  return `${revision ?? 'the commit'} has ${problemCount} ${problemCount === 1 ? 'problem' : 'problems'}, all else is applied: ${shown.join('; ')}${more}${held}`;
}
