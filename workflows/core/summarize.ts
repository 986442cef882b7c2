import { assertNever } from './assert-never.ts';
import { driftFound, memoryOf } from './drift.ts';
import { isAttempt } from './facts.ts';
import { FAILURES, type Failure } from './failures.ts';
import { lastAttempt } from './history.ts';
import type {
  Abandonment,
  Action,
  AttemptAction,
  AttemptRecord,
  History,
  Look,
  Phase,
  ReleaseObject,
  StoredRelease,
} from './model.ts';
import { remedied } from './remedy.ts';

type Truth = 'True' | 'False' | 'Unknown';

/** A Kubernetes condition without its times. */
export interface ConditionFact {
  readonly type: 'Ready' | 'Released' | 'Remediated' | 'Drifted' | 'Reconciling' | 'Stalled';
  readonly status: Truth;
  readonly reason: string;
  readonly message: string;
}

/** A release in one line for people, and as conditions for machines. */
export interface Summary {
  readonly phase: Phase;
  readonly ready: Truth;
  readonly reason: string;
  readonly message: string;
  readonly conditions: readonly ConditionFact[];
}

/** Where the release stands at a moment of its cycle: about to do `action`, or in the middle of an attempt. */
export interface Moment {
  readonly look: Look;
  readonly history: History;
  readonly action: Action;
  readonly running: AttemptRecord | null;
}

/** The only place where Ready is computed. */
export function summarize(moment: Moment): Summary {
  const { object } = moment.look;
  const head =
    object === null ? verdict('Pending', 'Unknown', 'ObjectGone', 'the object is gone') : judge(object, moment);
  const { phase, ready, reason, message } = head;
  return { phase, ready, reason, message, conditions: toConditions(head, moment) };
}

type Verdict = Omit<Summary, 'conditions'> & { readonly stalled: boolean; readonly reconciling: boolean };

function judge(object: ReleaseObject, { look, history, action, running }: Moment): Verdict {
  if (running !== null) return inProgress(running, history);
  if (object.suspension !== null && !object.deleting) return suspended(object, look.stored, history);
  return judgeAction(action, look, history);
}

function judgeAction(action: Action, look: Look, history: History): Verdict {
  if (isAttempt(action)) return progressing(PHASE_OF[action.kind], 'Progressing', action.because);
  switch (action.kind) {
    case 'none':
      return succeeded(look, history);
    case 'stall':
      return failed('Stalled', action.failure);
    case 'hold':
      return failed(isStalled(action.failure) ? 'Stalled' : 'Failed', action.failure);
    case 'defer':
      return deferred(action.failure);
    case 'wait':
      return progressing('Waiting', 'NotReady', waitingFor(history));
    case 'accept':
      return progressing('Waiting', 'Progressing', `the objects of revision ${action.revision} are ready after all`);
    case 'correct':
      return progressing('Upgrading', 'DriftDetected', action.because);
    case 'unlock':
      return progressing('Upgrading', 'RecordLocked', `closing revision ${action.revision}, whose helm died`);
    case 'release':
      return letGo(look);
    default:
      return assertNever(action);
  }
}

const PHASE_OF: Readonly<Record<AttemptAction, Phase>> = {
  install: 'Installing',
  upgrade: 'Upgrading',
  rollback: 'RollingBack',
  uninstall: 'Uninstalling',
};

function inProgress(running: AttemptRecord, history: History): Verdict {
  if (history.waiting !== null) return progressing('Waiting', 'NotReady', waitingFor(history));
  return progressing(
    PHASE_OF[running.action],
    'Progressing',
    `${running.action} ${running.version} is running: ${running.because}`,
  );
}

function waitingFor({ notReady, waiting }: History): string {
  const [first] = notReady;
  if (first === undefined) return `waiting for the objects of revision ${waiting?.revision ?? ''} to become ready`;
  const more = notReady.length > 1 ? ` (and ${notReady.length - 1} more)` : '';
  return `waiting for ${first.object}: ${first.reason}${more}`;
}

function suspended({ suspension, spec }: ReleaseObject, stored: StoredRelease | null, history: History): Verdict {
  // A change that came with the suspension, or after it, is not carried out.
  const asked = spec.kind === 'valid' && stored?.digest === spec.desired.digest;
  const ready = asked && stored.status === 'deployed' && stored.revision === history.readyRevision;
  const why = suspension?.reason === '' || suspension == null ? '' : `: ${suspension.reason}`;
  const message = `suspended by ${suspension?.by ?? 'spec.suspend'}${why}`;
  return verdict('Suspended', ready ? 'True' : 'False', 'Suspended', message);
}

function succeeded({ stored }: Look, history: History): Verdict {
  const attempt = history.recent.findLast(({ revision }) => revision !== null && revision === stored?.revision);
  const reason = attempt?.action === 'install' || stored?.revision === 1 ? 'InstallSucceeded' : 'UpgradeSucceeded';
  const version = attempt === undefined ? '' : ` with version ${attempt.version}`;
  return verdict('Ready', 'True', reason, `revision ${stored?.revision ?? 0} is deployed${version}`);
}

function letGo({ object, stored }: Look): Verdict {
  if (object?.abandoned === undefined) return progressing('Uninstalling', 'Progressing', 'the release is uninstalled');
  return progressing('Uninstalling', 'Abandoned', abandonedText(object.abandoned, stored));
}

/** Who abandoned a release, why, and what is left of it. */
export function abandonedText({ by, reason }: Abandonment, stored: StoredRelease | null): string {
  const left =
    stored === null ? 'nothing was installed' : `revision ${stored.revision} (${stored.status}) stays as it is`;
  return `abandoned by ${by}${reason === '' ? '' : `: ${reason}`}; ${left}`;
}

function isStalled({ code }: Failure): boolean {
  return FAILURES[code] === 'stalled';
}

function failed(phase: 'Failed' | 'Stalled', { code, message }: Failure): Verdict {
  const stalled = phase === 'Stalled' && isStalled({ code, message });
  return { ...verdict(stalled ? 'Stalled' : 'Failed', 'False', code, message), stalled };
}

/** A wait for others that ends by itself, or something that a person has to mend in one of them. */
function deferred(failure: Failure): Verdict {
  const { code, message } = failure;
  if (code === 'DependantsRemain' || code === 'FinalizersRemain') return progressing('Uninstalling', code, message);
  return code === 'DependencyNotReady' ? progressing('Waiting', code, message) : failed('Failed', failure);
}

function progressing(phase: Phase, reason: string, message: string): Verdict {
  return { ...verdict(phase, 'Unknown', reason, message), reconciling: true };
}

// Four values that only make sense together, in the order in which people read them.
// eslint-disable-next-line max-params -- a record here would only repeat the names
function verdict(phase: Phase, ready: Truth, reason: string, message: string): Verdict {
  return { phase, ready, reason, message, stalled: false, reconciling: false };
}

function toConditions(head: Verdict, { look, history }: Moment): readonly ConditionFact[] {
  const { ready, reason, message } = head;
  const other = { reason, message };
  return [
    { type: 'Ready', status: ready, ...other },
    released(look.stored, history),
    ...remediated(history),
    ...drifted(look, history),
    { type: 'Reconciling', status: head.reconciling ? 'True' : 'False', ...(head.reconciling ? other : IDLE) },
    { type: 'Stalled', status: head.stalled ? 'True' : 'False', ...(head.stalled ? other : NOT_STALLED) },
  ];
}

const IDLE = { reason: 'Idle', message: 'nothing is being done' };
const NOT_STALLED = { reason: 'NotStalled', message: 'nothing waits for a change of the spec' };

/** What the newest write came to, whatever has happened since. */
function released(stored: StoredRelease | null, history: History): ConditionFact {
  const attempt = lastAttempt(history);
  const failed = releasedBefore(history);
  if (failed !== null) return failed;
  if (stored === null || stored.status === 'uninstalled') {
    return { type: 'Released', status: 'False', reason: 'NotReleased', message: 'no release is installed' };
  }
  const action = stored.revision === 1 ? 'Install' : 'Upgrade';
  const message = `revision ${stored.revision} is ${stored.status}`;
  if (stored.status === 'deployed') return { type: 'Released', status: 'True', reason: `${action}Succeeded`, message };
  if (stored.status !== 'failed') return { type: 'Released', status: 'Unknown', reason: 'PendingRelease', message };
  const why = attempt?.failure == null ? '' : `: ${attempt.failure.message}`;
  return { type: 'Released', status: 'False', reason: `${action}Failed`, message: message + why };
}

/** A failure that was remedied since is what the newest write of the desired state came to. */
function releasedBefore(history: History): ConditionFact | null {
  const failed = remedied(history)?.failed;
  if (failed === undefined) return null;
  const reason = failed.action === 'install' ? 'InstallFailed' : 'UpgradeFailed';
  return { type: 'Released', status: 'False', reason, message: failed.failure?.message ?? '' };
}

/** Present while the spec wants to know of drift, and the newest revision was compared. */
function drifted({ object, stored }: Look, history: History): readonly ConditionFact[] {
  const compared = object?.spec.kind === 'valid' && object.spec.desired.drift !== undefined;
  const memory = compared && stored !== null ? memoryOf(stored.revision, history) : null;
  return memory === null ? [] : [{ type: 'Drifted', ...driftFound(memory.seen) }];
}

/** Present while the desired state has failed and something was done about it. */
function remediated(history: History): readonly ConditionFact[] {
  const attempt = remedied(history)?.by;
  if (attempt === undefined) return [];
  const action = attempt.action === 'rollback' ? 'Rollback' : 'Uninstall';
  if (attempt.outcome !== 'succeeded') {
    const why = attempt.failure?.message ?? '';
    return [{ type: 'Remediated', status: 'False', reason: `${action}Failed`, message: why }];
  }
  const what =
    attempt.action === 'rollback'
      ? `rolled back to version ${attempt.version} as revision ${attempt.revision ?? ''}`
      : 'uninstalled';
  return [
    {
      type: 'Remediated',
      status: 'True',
      reason: `${action}Succeeded`,
      message: `${what}, because ${attempt.because}`,
    },
  ];
}
