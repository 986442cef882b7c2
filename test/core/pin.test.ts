/** How long a rollback that was asked for is remembered, and what is told of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide } from '../../workflows/core/decide.ts';
import { endAttempt, forDesired } from '../../workflows/core/history.ts';
import { leavePlace } from '../../workflows/core/move.ts';
import { pinTo, unpin, unpinGone } from '../../workflows/core/pin.ts';
import { summarize } from '../../workflows/core/summarize.ts';
import { wish } from '../../workflows/core/wishes.ts';
import { history, look, NOW, object, stored } from './builders.ts';
import { heldBack, pinned } from './pin-rows.ts';
import { after, backAgain, failed, rollback } from './remedy-rows.ts';

const asked = { revision: 2, by: 'ada', reason: '' } as const;

describe('a rollback that was asked for', () => {
  it('forgets failures and a forced upgrade, and knows that attempts before it are none of it', () => {
    const before = wish(after(2, failed), { kind: 'force', by: 'bob', reason: '' });
    const { pin, wish: wanted, failuresAfterWrite, retryAt } = pinTo({ ...before, attempts: 7 }, asked);
    assert.deepEqual([pin, wanted, failuresAfterWrite, retryAt], [{ ...asked, since: 7 }, null, 0, null]);
  });

  it('is over when another state is declared, and not when the same is', () => {
    assert.equal(forDesired(pinned, 'd1').pin, pinned.pin);
    assert.equal(forDesired(pinned, 'd2').pin, null);
  });

  it('is over when it is resumed, when nothing is installed any more, and when the release is to lie elsewhere', () => {
    assert.equal(unpin(pinned).pin, null);
    assert.equal(unpinGone(pinned, stored()), pinned);
    assert.equal(unpinGone(pinned, null).pin, null);
    assert.equal(unpinGone(pinned, stored({ status: 'uninstalled' })).pin, null);
    const from = { namespace: 'old', name: 'app' };
    const seen = look({ stored: null, move: { from, takenBy: null } });
    assert.equal(leavePlace({ ...pinned, target: from }, object(), seen)?.pin, null);
  });

  it('changes nothing in the memory of who asked for none', () => {
    const plain = history();
    assert.equal(unpin(plain), plain);
    assert.ok(!('pin' in forDesired(plain, 'd2')));
  });

  it('leaves no failure when it succeeds', () => {
    const running = { ...pinned, recent: [rollback({ outcome: 'running', revision: null })] };
    const written = { revision: 4, chart: 'app', version: '0.9.0', appVersion: null, chartDigest: null };
    const ended = endAttempt(running, { kind: 'succeeded', written }, { at: NOW, intervalMs: 600_000 });
    assert.deepEqual(
      [ended.readyRevision, ended.failuresAfterWrite, ended.retryAt, ended.pin],
      [4, 0, null, pinned.pin],
    );
  });

  it('is told as what it is: not what is declared, and for a person to change', () => {
    const seen = look({ stored: backAgain });
    const action = decide(seen, heldBack, NOW);
    const { phase, conditions } = summarize({ look: seen, history: heldBack, action, running: null });
    assert.equal(phase, 'Stalled');
    assert.deepEqual(
      conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
      ['Ready False RolledBack', 'Released True UpgradeSucceeded', 'Reconciling False Idle', 'Stalled True RolledBack'],
    );
  });
});
