import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ACTIONS } from '../cases.ts';
import { ALL_MOMENTS, cellName, CELLS, EXCLUDED, product, VICTIMS, type Combination } from './cells.ts';

const names = (cells: readonly Combination[]): readonly string[] => cells.map(cellName);

describe('the kill matrix', () => {
  const excluded = EXCLUDED.flatMap(({ cells }) => cells);

  it('is the product of victims, actions and moments: each combination is a cell, or excluded for a reason', () => {
    const all = names(product(VICTIMS, ACTIONS, ALL_MOMENTS));
    assert.deepEqual([...names(CELLS), ...names(excluded)].sort(), all.toSorted());
  });

  it('gives a reason for whatever is excluded', () => {
    for (const { cells, reason } of EXCLUDED) assert.ok(cells.length > 0 && reason.length > 10, reason);
  });
});
