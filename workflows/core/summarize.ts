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
import type { Tested } from './test-model.ts';
import { lostTest, testedText, testFailure, testsOf } from './tests.ts';

type Truth = 'True' | 'False' | 'Unknown';

/** A Kubernetes condition without its times. */
export interface ConditionFact {
  readonly type: 'Ready' | 'Released' | 'TestSuccess' | 'Remediated' | 'Drifted' | 'Reconciling' | 'Stalled';
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
      return unlocking(action.revision, history);
    case 'release':
      return letGo(look);
    default:
      return assertNever(action);
  }
}

function unlocking(revision: number, history: History): Verdict {
  return lostTest(history) === undefined
    ? progressing('Upgrading', 'RecordLocked', `closing revision ${revision}, whose helm died`)
    : progressing('Testing', 'RecordLocked', `making sure that the helm that tests revision ${revision} is dead`);
}

const PHASE_OF: Readonly<Record<AttemptAction, Phase>> = {
  install: 'Installing',
  upgrade: 'Upgrading',
  rollback: 'RollingBack',
  uninstall: 'Uninstalling',
  test: 'Testing',
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
  const good = asked && testFailure(stored, spec.desired, history) === null;
  const ready = good && stored.status === 'deployed' && stored.revision === history.readyRevision;
  const why = suspension?.reason === '' || suspension == null ? '' : `: ${suspension.reason}`;
  const message = `suspended by ${suspension?.by ?? 'spec.suspend'}${why}`;
  return verdict('Suspended', ready ? 'True' : 'False', 'Suspended', message);
}

function succeeded(look: Look, history: History): Verdict {
  const { stored } = look;
  const attempt = history.recent.findLast(
    ({ action, revision }) => action !== 'test' && revision !== null && revision === stored?.revision,
  );
  const reason = attempt?.action === 'install' || stored?.revision === 1 ? 'InstallSucceeded' : 'UpgradeSucceeded';
  const version = attempt === undefined ? '' : ` with version ${attempt.version}`;
  const message = `revision ${stored?.revision ?? 0} is deployed${version}`;
  const tested = shownTests(look, history);
  if (tested === null) return verdict('Ready', 'True', reason, message);
  return tested.failure === null
    ? verdict('Ready', 'True', 'TestSucceeded', `${message}; ${testedText(tested)}`)
    : verdict('Ready', 'True', reason, `${message}; its tests failed, which the spec says to ignore`);
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
    ...testSuccess(look, history),
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

/** What the tests of the newest revision came to, or those that were remedied since; absent while they are due. */
function testSuccess(look: Look, history: History): readonly ConditionFact[] {
  const tested = shownTests(look, history);
  if (tested === null) return [];
  const { failure, revision } = tested;
  return failure === null
    ? [
        {
          type: 'TestSuccess',
          status: 'True',
          reason: 'TestSucceeded',
          message: `revision ${revision}: ${testedText(tested)}`,
        },
      ]
    : [{ type: 'TestSuccess', status: 'False', reason: 'TestFailed', message: failure.message }];
}

function shownTests({ object, stored }: Look, history: History): Tested | null {
  if (object?.spec.kind !== 'valid' || object.spec.desired.test === undefined) return null;
  const remediedTests = remedied(history)?.failed.action === 'test' ? (history.tested ?? null) : null;
  return remediedTests ?? (stored === null ? null : testsOf(stored, history));
}

/** A failure that was remedied since is what the newest write of the desired state came to. */
function releasedBefore(history: History): ConditionFact | null {
  const failed = remedied(history)?.failed;
  // What failed its tests was released all the same.
  if (failed === undefined || failed.action === 'test') return null;
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
  if (attempt.outcome === 'failedAfterWrite') {
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
