/**
 * The kill matrix: who is killed, in the middle of what, and exactly when. Every combination is either a cell, which
 * is tried, or excluded, for a reason.
 */
import { ACTIONS, type Action, type Case, type Moment } from '../cases.ts';

export const VICTIMS = ['worker', 'helm', 'temporal', 'kube-apiserver', 'etcd'] as const;
export type Victim = (typeof VICTIMS)[number];

/** In words, each with the moment of the driver that it is. */
export const MATRIX_MOMENTS = {
  'before the write': 'record',
  'in a pre hook': 'hook',
  'in the write': 'objects',
  'in a post hook': 'postHook',
  'after the write, before the report': 'report',
  'in the wait': 'wait',
} as const satisfies Readonly<Record<string, Moment>>;
export type MatrixMoment = keyof typeof MATRIX_MOMENTS;
export const ALL_MOMENTS = Object.keys(MATRIX_MOMENTS) as readonly MatrixMoment[]; // of the literal above

export interface Combination {
  readonly victim: Victim;
  readonly action: Action;
  readonly moment: MatrixMoment;
}
/** One that is tried. */
export type Cell = Combination;

interface Exclusion {
  readonly cells: readonly Combination[];
  readonly reason: string;
}

/** How the driver brings a release there. */
export function caseOf({ action, moment }: Cell): Case {
  return { action, moment: MATRIX_MOMENTS[moment] };
}

export function cellName({ victim, action, moment }: Combination): string {
  return `${victim}, ${action}, ${moment}`;
}

export function product(
  victims: readonly Victim[],
  actions: readonly Action[],
  moments: readonly MatrixMoment[],
): readonly Combination[] {
  return victims.flatMap((victim) =>
    actions.flatMap((action) => moments.map((moment) => ({ victim, action, moment }))),
  );
}

const HELM_ACTIONS = ['install', 'upgrade', 'rollback', 'uninstall'] as const;
const WHILE_HELM_RUNS = ['before the write', 'in a pre hook', 'in the write', 'in a post hook'] as const;
/** Its hooks are the tests. */
const IN_A_TEST = ['before the write', 'in the write', 'in a pre hook'] as const;
const AROUND_ONE_REQUEST = ['before the write', 'after the write, before the report'] as const;

const POSSIBLE: readonly Cell[] = [
  ...product(['worker', 'temporal', 'kube-apiserver'], HELM_ACTIONS, ALL_MOMENTS),
  ...product(['worker', 'temporal', 'kube-apiserver'], ['unlock', 'correction'], AROUND_ONE_REQUEST),
  ...product(['helm'], HELM_ACTIONS, WHILE_HELM_RUNS),
  ...product(['etcd'], ['upgrade'], ALL_MOMENTS),
  ...product(['worker', 'temporal', 'kube-apiserver'], ['test'], [...IN_A_TEST, 'after the write, before the report']),
  ...product(['helm'], ['test'], IN_A_TEST),
];

/** Tried, and seen to pass. */
const COVERED: readonly Cell[] = [
  ...product(['worker'], HELM_ACTIONS, ALL_MOMENTS),
  ...product(['worker'], ['unlock'], AROUND_ONE_REQUEST),
  ...product(['worker'], ['test'], [...IN_A_TEST, 'after the write, before the report']),
  ...product(['helm'], ['test'], IN_A_TEST),
  ...product(['worker', 'temporal', 'kube-apiserver'], ['correction'], AROUND_ONE_REQUEST),
  ...product(['temporal'], ['install'], ['in a post hook']),
  ...product(['kube-apiserver'], ['rollback'], ['in the wait']),
  ...product(['kube-apiserver'], ['uninstall'], ['in the write']),
];

function isOneOf(cells: readonly Cell[], cell: Cell): boolean {
  return cells.some((one) => cellName(one) === cellName(cell));
}

export const CELLS = POSSIBLE.filter((cell) => isOneOf(COVERED, cell));

export const EXCLUDED: readonly Exclusion[] = [
  ...VICTIMS.flatMap((victim) =>
    ACTIONS.map((action) => ({
      cells: POSSIBLE.filter((cell) => cell.victim === victim && cell.action === action && !isOneOf(COVERED, cell)),
      reason: 'not covered yet',
    })),
  ).filter(({ cells }) => cells.length > 0),
  {
    cells: [
      ...product(['worker', 'temporal', 'kube-apiserver'], ['test'], ['in a post hook', 'in the wait']),
      ...product(['helm'], ['test'], ['in a post hook', 'in the wait', 'after the write, before the report']),
    ],
    reason: 'a test has no hooks but those that it consists of, and is over when they are',
  },
  {
    cells: product(['helm'], HELM_ACTIONS, ['after the write, before the report', 'in the wait']),
    reason: 'helm has ended by then: Holdfast reports, and Holdfast waits',
  },
  {
    cells: product(['helm'], ['unlock'], ALL_MOMENTS),
    reason: 'an unlock runs no helm: it begins when the helm that held the record is dead',
  },
  {
    cells: product(['helm'], ['correction'], ALL_MOMENTS),
    reason: 'a correction runs no helm: it sends what helm has sent',
  },
  {
    cells: product(['worker', 'temporal', 'kube-apiserver'], ['correction'], ['in a pre hook', 'in a post hook']),
    reason: 'a correction runs no hooks',
  },
  {
    cells: product(['worker', 'temporal', 'kube-apiserver'], ['correction'], ['in the write']),
    reason: 'a correction writes each object by one request of its own: both sides of it are cells',
  },
  {
    cells: product(['worker', 'temporal', 'kube-apiserver'], ['correction'], ['in the wait']),
    reason: 'nothing is waited for after a correction: the release is looked at again at once',
  },
  {
    cells: product(['worker', 'temporal', 'kube-apiserver'], ['unlock'], ['in a pre hook', 'in a post hook']),
    reason: 'an unlock runs no hooks',
  },
  {
    cells: product(['worker', 'temporal', 'kube-apiserver'], ['unlock'], ['in the write']),
    reason: 'an unlock is one request, which the API server carries out or does not: both sides of it are cells',
  },
  {
    cells: product(['worker', 'temporal', 'kube-apiserver'], ['unlock'], ['in the wait']),
    reason: 'nothing is waited for after an unlock: the release is looked at again at once',
  },
  {
    cells: product(['etcd'], ['install', 'rollback', 'uninstall', 'unlock', 'test', 'correction'], ALL_MOMENTS),
    reason: 'nobody but the API server talks to etcd: what its death does to a client is tried with an upgrade',
  },
];
