import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { summarize, type Moment, type Summary } from '../../workflows/core/summarize.ts';
import { attempt, history, look, NOW, object, stored } from './builders.ts';

function moment(change: Partial<Moment> = {}): Moment {
  return {
    look: look(),
    history: history({ recent: [attempt()] }),
    action: { kind: 'none' },
    running: null,
    ...change,
  };
}

type Head = Omit<Summary, 'conditions'> & { readonly others: string };
const head = (summary: Summary): Head => {
  const { conditions, ...rest } = summary;
  const others = conditions
    .filter(({ type }) => type !== 'Ready')
    .map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  return { ...rest, others: others.join(', ') };
};

const IDLE = 'Reconciling=False Idle, Stalled=False NotStalled';
const notReady = [
  { object: 'Deployment app', reason: '0 of 2 pods are ready' },
  { object: 'Service app', reason: 'no endpoints' },
];

const rows: readonly { readonly name: string; readonly moment: Moment; readonly then: Head }[] = [
  {
    name: 'in sync: Ready',
    moment: moment(),
    then: {
      phase: 'Ready',
      ready: 'True',
      reason: 'UpgradeSucceeded',
      message: 'revision 3 is deployed with version 1.0.0',
      others: `Released=True UpgradeSucceeded, ${IDLE}`,
    },
  },
  {
    name: 'an attempt runs: Reconciling, and Ready is unknown',
    moment: moment({ running: attempt({ version: '1.1.0', outcome: 'running' }) }),
    then: {
      phase: 'Upgrading',
      ready: 'Unknown',
      reason: 'Progressing',
      message: 'upgrade 1.1.0 is running: chart, version or values changed',
      others: 'Released=True UpgradeSucceeded, Reconciling=True Progressing, Stalled=False NotStalled',
    },
  },
  {
    name: 'waiting names the first object and counts the rest',
    moment: moment({
      history: history({ notReady, waiting: { revision: 3, deadline: NOW } }),
      action: { kind: 'wait', revision: 3, deadline: NOW },
    }),
    then: {
      phase: 'Waiting',
      ready: 'Unknown',
      reason: 'NotReady',
      message: 'waiting for Deployment app: 0 of 2 pods are ready (and 1 more)',
      others: 'Released=True UpgradeSucceeded, Reconciling=True NotReady, Stalled=False NotStalled',
    },
  },
  {
    name: 'held after a failed write: not Ready, and not stalled, for it is tried again',
    moment: moment({
      look: look({ stored: stored({ status: 'failed' }) }),
      history: history({ recent: [attempt({ failure: { code: 'WaitTimedOut', message: 'not ready' } })] }),
      action: { kind: 'hold', until: NOW + 1, failure: { code: 'WaitTimedOut', message: 'not ready' } },
    }),
    then: {
      phase: 'Failed',
      ready: 'False',
      reason: 'WaitTimedOut',
      message: 'not ready',
      others: `Released=False UpgradeFailed, ${IDLE}`,
    },
  },
  {
    name: 'waits for a release that comes first: not stalled, and as unknown as any wait',
    moment: moment({
      action: { kind: 'defer', until: null, failure: { code: 'DependencyNotReady', message: 'waits for shop/db' } },
    }),
    then: {
      phase: 'Waiting',
      ready: 'Unknown',
      reason: 'DependencyNotReady',
      message: 'waits for shop/db',
      others: 'Released=True UpgradeSucceeded, Reconciling=True DependencyNotReady, Stalled=False NotStalled',
    },
  },
  {
    name: 'a dependency that somebody has to create: not Ready, and nothing is being done',
    moment: moment({
      action: { kind: 'defer', until: null, failure: { code: 'DependencyMissing', message: 'there is no shop/db' } },
    }),
    then: {
      phase: 'Failed',
      ready: 'False',
      reason: 'DependencyMissing',
      message: 'there is no shop/db',
      others: `Released=True UpgradeSucceeded, ${IDLE}`,
    },
  },
  {
    name: 'deleted and waiting for its dependants: uninstalling',
    moment: moment({
      action: { kind: 'defer', until: null, failure: { code: 'DependantsRemain', message: 'waits for shop/web' } },
    }),
    then: {
      phase: 'Uninstalling',
      ready: 'Unknown',
      reason: 'DependantsRemain',
      message: 'waits for shop/web',
      others: 'Released=True UpgradeSucceeded, Reconciling=True DependantsRemain, Stalled=False NotStalled',
    },
  },
  {
    name: 'only a commit can mend it: Stalled',
    moment: moment({ action: { kind: 'stall', failure: { code: 'ValuesInvalid', message: 'values are no map' } } }),
    then: {
      phase: 'Stalled',
      ready: 'False',
      reason: 'ValuesInvalid',
      message: 'values are no map',
      others: 'Released=True UpgradeSucceeded, Reconciling=False Idle, Stalled=True ValuesInvalid',
    },
  },
  {
    name: 'suspended keeps the last truth about readiness',
    moment: moment({ look: look({ object: object({ suspension: { by: 'ops', reason: 'freeze', inSpec: false } }) }) }),
    then: {
      phase: 'Suspended',
      ready: 'True',
      reason: 'Suspended',
      message: 'suspended by ops: freeze',
      others: `Released=True UpgradeSucceeded, ${IDLE}`,
    },
  },
  {
    name: 'suspended before its change was carried out: what runs is not what it asks for',
    moment: moment({
      look: look({
        object: object({ suspension: { by: 'ops', reason: '', inSpec: true } }),
        stored: stored({ digest: 'd0' }),
      }),
    }),
    then: {
      phase: 'Suspended',
      ready: 'False',
      reason: 'Suspended',
      message: 'suspended by ops',
      others: `Released=True UpgradeSucceeded, ${IDLE}`,
    },
  },
  {
    name: 'abandoned: who wanted it, why, and what stays',
    moment: moment({
      look: look({ object: object({ deleting: true, held: true, abandoned: { by: 'ada', reason: 'it moves' } }) }),
      action: { kind: 'release' },
    }),
    then: {
      phase: 'Uninstalling',
      ready: 'Unknown',
      reason: 'Abandoned',
      message: 'abandoned by ada: it moves; revision 3 (deployed) stays as it is',
      others: 'Released=True UpgradeSucceeded, Reconciling=True Abandoned, Stalled=False NotStalled',
    },
  },
  {
    name: 'held by finalizers of others: says so, as something that goes on',
    moment: moment({
      look: look({ object: object({ deleting: true, held: false }), stored: null }),
      action: { kind: 'defer', until: null, failure: { code: 'FinalizersRemain', message: 'others hold it' } },
    }),
    then: {
      phase: 'Uninstalling',
      ready: 'Unknown',
      reason: 'FinalizersRemain',
      message: 'others hold it',
      others: 'Released=False NotReleased, Reconciling=True FinalizersRemain, Stalled=False NotStalled',
    },
  },
  {
    name: 'a locked record is being closed',
    moment: moment({
      look: look({ stored: stored({ status: 'pending-upgrade' }) }),
      action: { kind: 'unlock', revision: 3, leaseOver: false },
    }),
    then: {
      phase: 'Upgrading',
      ready: 'Unknown',
      reason: 'RecordLocked',
      message: 'closing revision 3, whose helm died',
      others: 'Released=Unknown PendingRelease, Reconciling=True RecordLocked, Stalled=False NotStalled',
    },
  },
  {
    name: 'nothing installed yet',
    moment: moment({
      look: look({ stored: null }),
      history: history(),
      action: { kind: 'install', because: 'not installed', replace: false },
    }),
    then: {
      phase: 'Installing',
      ready: 'Unknown',
      reason: 'Progressing',
      message: 'not installed',
      others: 'Released=False NotReleased, Reconciling=True Progressing, Stalled=False NotStalled',
    },
  },
];

describe('summarize', () => {
  for (const row of rows) {
    it(row.name, () => {
      assert.deepEqual(head(summarize(row.moment)), row.then);
    });
  }
});
