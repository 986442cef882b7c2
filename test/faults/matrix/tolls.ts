/** What the death of a victim may cost, cell by cell. */
import type { Moment } from '../cases.ts';
import type { Toll } from '../truth.ts';
import { caseOf, type Cell, type Victim } from './cells.ts';

const UNHARMED: Toll = { hit: null, left: 'nothing' };

/** Its worker was stopped for longer than Temporal waits to hear of it. */
const GIVEN_UP: Toll = { hit: 'lost', left: 'deployed' };

const NO_CLUSTER: Toll = { hit: 'noCluster', left: 'nothing' };

/** Whether it is known that nothing was written depends on who is back first, helm or the API server. */
const BEFORE_WRITE: readonly Toll[] = [{ hit: 'interrupted', left: 'nothing' }, NO_CLUSTER];
const IN_WRITE: readonly Toll[] = [
  { hit: 'interrupted', left: 'closed' },
  { hit: 'interrupted', left: 'failed' },
];
const WITHOUT_CLUSTER: Readonly<Partial<Record<Moment, readonly Toll[]>>> = {
  record: BEFORE_WRITE,
  hook: [UNHARMED, ...IN_WRITE],
  objects: IN_WRITE,
  postHook: [UNHARMED, ...IN_WRITE],
  report: [UNHARMED, GIVEN_UP, { hit: 'interrupted', left: 'deployed' }],
  wait: [UNHARMED],
};

/** More than one where it is not the moment alone that decides, but also who is back first. */
export function tollsOf(cell: Cell): readonly Toll[] {
  const { moment, action } = caseOf(cell);
  if (action === 'unlock' || action === 'correction') return [UNHARMED];
  const tolls = TOLLS[cell.victim](moment);
  // It makes no revision.
  return action === 'test' ? tolls.map(({ hit }) => ({ hit, left: 'nothing' })) : tolls;
}

const TOLLS: Readonly<Record<Victim, (moment: Moment) => readonly Toll[]>> = {
  worker: (moment) => [WITHOUT_WORKER[moment] ?? { hit: 'lost', left: 'closed' }],
  helm: (moment) => [{ hit: 'interrupted', left: moment === 'record' ? 'nothing' : 'closed' }],
  temporal: (moment) => (moment === 'report' ? [UNHARMED, GIVEN_UP] : [UNHARMED]),
  'kube-apiserver': (moment) => WITHOUT_CLUSTER[moment] ?? [],
  // Its API server lives, and may keep a request until etcd is back.
  etcd: (moment) => [UNHARMED, ...(WITHOUT_CLUSTER[moment] ?? [])],
};

const WITHOUT_WORKER: Readonly<Partial<Record<Moment, Toll>>> = {
  record: { hit: 'lost', left: 'nothing' },
  report: { hit: 'lost', left: 'deployed' },
  wait: UNHARMED,
};
