import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leavePlace, rememberPlace } from '../../workflows/core/move.ts';
import { attempt, history, look, NOW, object, stored } from './builders.ts';

const from = { namespace: 'default', name: 'old' };
const move = { from, takenBy: null };
const moving = history({
  target: from,
  failuresAfterWrite: 2,
  retryAt: NOW,
  recent: [attempt({ action: 'uninstall' })],
  timedOut: { revision: 3, attempt: 'a1' },
});

describe('the place of a release', () => {
  it('that was forgotten is the one where the look found it', () => {
    assert.deepEqual(rememberPlace(history(), look({ move })).target, from);
    assert.equal(rememberPlace(moving, look({ move: { from: { ...from, name: 'older' }, takenBy: null } })), moving);
    assert.equal(rememberPlace(history(), look()).target, null);
  });

  it('is left when nothing of ours is there any more, with all that is known of it', () => {
    for (const left of [null, stored({ status: 'uninstalled' }), stored({ ownedByUs: false })]) {
      const after = leavePlace(moving, object(), look({ move, stored: left }));
      const { target, failuresAfterWrite, retryAt, readyRevision, timedOut } = after ?? moving;
      assert.deepEqual(
        { target, failuresAfterWrite, retryAt, readyRevision, timedOut },
        { target: null, failuresAfterWrite: 0, retryAt: null, readyRevision: null, timedOut: null },
      );
    }
  });

  it('is not left before the uninstall has come to its end', () => {
    const lost = { ...moving, recent: [attempt({ action: 'uninstall', outcome: 'lost' })] };
    assert.equal(leavePlace(lost, object(), look({ move, stored: stored({ status: 'uninstalled' }) })), null);
    assert.equal(leavePlace(moving, object(), look({ move })), null);
    assert.equal(leavePlace(history(), object(), look({ stored: null })), null);
  });
});
