import { judgeGitPass, type GitJudgement } from '../workflows/core/git-judgement.ts';
import { recordEvent } from './kube/events.ts';
import { writeGitStatus, type GitStatus, type Written } from './kube/git-repository.ts';
import type { Kube } from './ports.ts';
import type { GitActivities, ReportedEvent } from './types.ts';

type Report = Parameters<GitActivities['reportGitRepository']>[0];

/** Write conditions, status and Events; an Event is written when something changed, not at every pass. */
export async function reportGitRepository(kube: Kube, report: Report): Promise<void> {
  const judgement = judgeGitPass(report.pass, report.failure);
  const written = await writeGitStatus(kube, report.ref, { judgement, status: toStatus(report, judgement) });
  if (written === null) return;
  for (const event of eventsOf(report, judgement, written)) await recordEvent(kube, written.involved, event);
}

function toStatus({ pass, failure, workflowId, runId }: Report, { ready }: GitJudgement): GitStatus {
  const ids = { workflowId, runId };
  if (pass === null || failure !== null) return ids;
  const heard = { ...ids, lastHandledRequestedAt: pass.requestedAt };
  if (pass.suspended || pass.deleting) return heard;
  return {
    ...heard,
    ...(pass.revision === null ? {} : { lastAttemptedRevision: pass.revision }),
    ...(ready === 'True' && pass.revision !== null ? { revision: pass.revision } : {}),
    counts: {
      applied: pass.applied,
      unchanged: pass.unchanged,
      skipped: pass.skipped,
      problems: pass.problemCount,
      inventory: pass.inventory,
    },
    problems: pass.problems.map(({ where, code, message }) => ({ where, reason: code, message })),
  };
}

function eventsOf(report: Report, judgement: GitJudgement, { before }: Written): readonly ReportedEvent[] {
  const { pass, pruned, askedBy } = report;
  const { ready, reason, message } = judgement;
  const events: ReportedEvent[] = [];
  if (askedBy !== null)
    events.push({ type: 'Normal', reason: 'SyncRequested', message: `sync asked for by ${askedBy}` });
  if (pruned.length > 0) events.push({ type: 'Normal', reason: 'Pruned', message: `deleted ${pruned.join(', ')}` });
  const isNew = pass !== null && !pass.suspended && pass.revision !== before.revision;
  if (ready === 'True' && isNew) {
    const counts = `${String(pass.applied)} changed, ${String(pass.unchanged)} unchanged, ${String(pass.skipped)} skipped`;
    events.push({ type: 'Normal', reason: 'Applied', message: `${message} (${counts})` });
  }
  const said = before.ready?.reason === reason && before.ready.message === message;
  if (ready !== 'True' && !said) events.push({ type: typeOf(judgement), reason, message });
  return events;
}

/** A repository that is suspended or on its way out has no problem. */
function typeOf({ reason }: GitJudgement): ReportedEvent['type'] {
  return reason === 'Suspended' || reason === 'Deleting' || reason === 'NotReady' ? 'Normal' : 'Warning';
}
