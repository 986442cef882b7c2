/** What a cell came to, as it is kept in `results.json` and shown in docs/reliability.md. */
import { appendFileSync } from 'node:fs';
import type { Machine, Versions } from '../../../bench/record.ts';
import type { Toll, Truth } from '../truth.ts';
import type { Cell } from './cells.ts';

export interface Row extends Cell {
  /** Revisions in Helm's storage at the end. */
  readonly revisions: number;
  /** Those that were declared, or asked for by the policy of the spec: installs, upgrades, rollbacks. */
  readonly declared: number;
  /** Attempts that are recorded as died, and how many of them left a revision. */
  readonly died: number;
  readonly left: number;
  /** Hooks of the action that were started. */
  readonly hooks: number;
}

export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly rows: readonly Row[];
}

const DECLARED: Readonly<Record<Cell['action'], number>> = {
  install: 1,
  upgrade: 2,
  rollback: 3,
  uninstall: 0,
  unlock: 2,
  test: 1,
  correction: 1,
};

export function rowOf(cell: Cell, { hit, left }: Toll, { records, hooks }: Truth): Row {
  // The lock that an unlock opens was left by a helm that was killed for it.
  const before = cell.action === 'unlock' ? 1 : 0;
  return {
    ...cell,
    revisions: records.length,
    declared: DECLARED[cell.action],
    died: before + (hit === null ? 0 : 1),
    left: before + (cell.action !== 'uninstall' && (left === 'closed' || left === 'failed') ? 1 : 0),
    hooks,
  };
}

/** File that `npm run test:matrix` collects rows in; elsewhere nobody asks for them. */
export const ROWS_FILE = 'HOLDFAST_TEST_MATRIX_ROWS';

export function noteRow(row: Row): void {
  const file = process.env[ROWS_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}
