import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forDesired, forObject, takeUpRequest } from '../../workflows/core/history.ts';
import type { AttemptRecord, StoredRelease } from '../../workflows/core/model.ts';
import { wish, withoutFulfilled } from '../../workflows/core/wishes.ts';
import { attempt, history, NOW, stored } from './builders.ts';

const wanted = { kind: 'force', by: 'ada', reason: '' } as const;
const forced = wish(history({ attempts: 4 }), wanted);

interface Row {
  readonly name: string;
  readonly attempt: Partial<AttemptRecord>;
  readonly stored?: StoredRelease | null;
  readonly fulfilled: boolean;
}

const rows: readonly Row[] = [
  { name: 'by an upgrade', attempt: {}, fulfilled: true },
  { name: 'by an install', attempt: { action: 'install' }, fulfilled: true },
  { name: 'by one that failed after the write', attempt: { outcome: 'failedAfterWrite' }, fulfilled: true },
  { name: 'not by one that was begun before', attempt: { n: 4 }, fulfilled: false },
  { name: 'not by one that failed before the write', attempt: { outcome: 'failedBeforeWrite' }, fulfilled: false },
  { name: 'not by one that runs', attempt: { outcome: 'running' }, stored: null, fulfilled: false },
  { name: 'not by a rollback', attempt: { action: 'rollback' }, fulfilled: false },
  { name: 'not by an uninstall', attempt: { action: 'uninstall' }, fulfilled: false },
  {
    name: 'by one that was lost, once its record is found',
    attempt: { outcome: 'lost' },
    stored: stored({ attempt: 'a5' }),
    fulfilled: true,
  },
  {
    name: 'not by one that was lost, as long as its record is pending',
    attempt: { outcome: 'lost' },
    stored: stored({ attempt: 'a5', status: 'pending-upgrade' }),
    fulfilled: false,
  },
  { name: 'not by one that was lost without a record', attempt: { outcome: 'lost' }, fulfilled: false },
];

describe('a forced upgrade', () => {
  for (const row of rows) {
    it(`is fulfilled ${row.name}`, () => {
      const before = { ...forced, recent: [attempt({ n: 5, label: 'a5', ...row.attempt })] };
      const left = withoutFulfilled(before, row.stored === undefined ? stored() : row.stored).wish;
      assert.deepEqual(left, row.fulfilled ? null : { ...wanted, since: 4 });
    });
  }

  it('is given up for another desired state, which is upgraded to anyway, and for another object', () => {
    assert.equal(forDesired(forced, 'd1').wish, forced.wish);
    assert.equal(forDesired(forced, 'd2').wish, null);
    assert.equal(forObject(forced, 'another').wish, undefined);
  });

  it('is noted once for each request', () => {
    const request = { id: 'r1', kind: 'sync', by: 'ada', reason: '', at: NOW, outcome: { kind: 'pending' } } as const;
    const other = { ...request, id: 'r2' };
    const taken = takeUpRequest(history({ requests: [request, other] }), request);
    assert.deepEqual(taken.requests, [{ ...request, takenUp: true }, other]);
  });
});
