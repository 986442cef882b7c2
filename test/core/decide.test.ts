import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from '../../workflows/core/decide.ts';
import type { HelmStatus } from '../../workflows/core/model.ts';
import { attempt, history, look, NOW, object, stored } from './builders.ts';
import { deleting, ROWS } from './decide-rows.ts';
import { DEPENDENCY_ROWS } from './dependency-rows.ts';
import { DRIFT_ROWS } from './drift-rows.ts';
import { LATE_ROWS } from './late-rows.ts';
import { MESSAGE_ROWS } from './message-rows.ts';
import { MOVE_ROWS } from './move-rows.ts';
import { PIN_ROWS } from './pin-rows.ts';
import { REMEDY_ROWS } from './remedy-rows.ts';
import { TEST_ROWS } from './test-rows.ts';
import { UNMANAGED_ROWS } from './unmanaged-rows.ts';

describe('decide', () => {
  for (const row of [
    ...ROWS,
    ...LATE_ROWS,
    ...DRIFT_ROWS,
    ...REMEDY_ROWS,
    ...DEPENDENCY_ROWS,
    ...MESSAGE_ROWS,
    ...MOVE_ROWS,
    ...UNMANAGED_ROWS,
    ...TEST_ROWS,
    ...PIN_ROWS,
  ]) {
    it(row.name, () => {
      assert.deepEqual(decide(row.look ?? look(), row.history ?? history(), NOW), row.then);
    });
  }

  it('has an answer for every status of Helm, deleted or not', () => {
    const statuses: readonly HelmStatus[] = [
      'unknown',
      'deployed',
      'uninstalled',
      'superseded',
      'failed',
      'uninstalling',
      'pending-install',
      'pending-upgrade',
      'pending-rollback',
    ];
    for (const status of statuses) {
      for (const seen of [object(), deleting]) {
        const { kind } = decide({ object: seen, stored: stored({ status }) }, history(), NOW);
        if (!seen.deleting) assert.notEqual(kind, 'uninstall', status);
      }
    }
  });

  it('changes nothing that it is given', () => {
    const given = { look: look({ stored: stored({ status: 'failed' }) }), history: history({ recent: [attempt()] }) };
    const copy = structuredClone(given);
    decide(given.look, given.history, NOW);
    assert.deepEqual(given, copy);
  });
});
