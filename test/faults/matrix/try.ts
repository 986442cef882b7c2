/** Tests of cells: each wave of them shares one kill. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { openScene, toolsOf, type Scene } from '../scene.ts';
import { tollPaid, truthOf } from '../truth.ts';
import { caseOf, cellName, type Cell } from './cells.ts';
import { killAt } from './kill.ts';
import { noteRow, rowOf } from './rows.ts';
import { tollsOf } from './tolls.ts';

/** So many releases at their moments at once are no burden for two cores. */
const AT_ONCE = 9;

export function tryCells(cells: readonly Cell[]): void {
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  for (const wave of wavesOf(cells)) {
    describe(`${wave[0]?.victim ?? 'nobody'} is killed, and started again`, () => {
      before(() => killAt(scene, wave));
      for (const cell of wave) {
        it(cellName(cell), async () => {
          const one = caseOf(cell);
          const toll = await tollPaid(scene, one, tollsOf(cell));
          const row = rowOf(cell, toll, await truthOf(scene, one));
          assert.equal(row.revisions, row.declared + row.left, 'a revision that nobody declared and no death explains');
          assert.ok(row.left <= row.died, 'a revision too many for the attempts that died');
          noteRow(row);
        });
      }

      it('leaves no process behind', () => {
        assert.deepEqual(toolsOf(scene), []);
      });
    });
  }
}

/** One victim in each. Those whose worker is stopped for the moment are kept apart: it is stopped for all others, too. */
function wavesOf(cells: readonly Cell[]): readonly (readonly Cell[])[] {
  const groups = Map.groupBy(cells, ({ victim, moment }) => {
    const stops = victim !== 'worker' && moment === 'after the write, before the report';
    return `${victim} ${stops ? 'stopped' : ''}`;
  });
  return [...groups.values()].flatMap(chunked);
}

function chunked(cells: readonly Cell[]): readonly (readonly Cell[])[] {
  const count = Math.ceil(cells.length / AT_ONCE);
  const size = Math.ceil(cells.length / count);
  return Array.from({ length: count }, (_, index) => cells.slice(index * size, (index + 1) * size));
}
