import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from '../../workflows/core/decide.ts';
import { noteRolledBack } from '../../workflows/core/remedy.ts';
import { summarize } from '../../workflows/core/summarize.ts';
import { look, NOW, stored } from './builders.ts';
import { after, asking, backAgain, failed, rollback } from './remedy-rows.ts';

const unheard = { ...after(1, failed, rollback({ outcome: 'lost', revision: null })), readyRevision: 4 };

describe('a rollback of which nobody heard the end', () => {
  it('has been carried out when its revision is found deployed, and stays an attempt that was lost', () => {
    const found = noteRolledBack(unheard, backAgain);
    assert.deepEqual(found.recent.at(-1), rollback({ outcome: 'lost', revision: 4 }));
    assert.deepEqual({ ...found, recent: [] }, { ...unheard, recent: [] });
  });

  it('is told of like any other', () => {
    const seen = look({ object: asking({}), stored: backAgain });
    const memory = noteRolledBack(unheard, backAgain);
    const { conditions } = summarize({ look: seen, history: memory, action: decide(seen, memory, NOW), running: null });
    assert.deepEqual(
      conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
      [
        'Ready False RetriesExceeded',
        'Released False UpgradeFailed',
        'Remediated True RollbackSucceeded',
        'Reconciling False Idle',
        'Stalled True RetriesExceeded',
      ],
    );
  });

  it('has not been carried out while its record is pending, closed as failed, or another revision is there', () => {
    for (const record of [
      { ...backAgain, status: 'pending-rollback' as const },
      { ...backAgain, status: 'failed' as const },
      stored(),
      null,
    ]) {
      assert.equal(noteRolledBack(unheard, record), unheard);
    }
  });
});
