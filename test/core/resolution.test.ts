import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Resolution } from '../../workflows/core/model.ts';
import { answered, askAgainAt, newsOf, notAnswered, toResolve } from '../../workflows/core/resolution.ts';
import { NOW, object } from './builders.ts';

const follows = { range: '^1', key: 'k1' };
const following = object({ follows });
const known = answered({ ...follows, version: '1.0.0', digest: 'sha256:a' }, NOW + 1000);
const failure = { code: 'RegistryUnreachable', message: 'away' } as const;
const failed = notAnswered(known, follows, { failure, now: NOW });
const suspension = { by: 'me', reason: '', inSpec: true };

describe('toResolve', () => {
  const at = (now: number, urge: 'asked' | 'none' = 'none') => ({ now, urge });
  const rows: [string, Parameters<typeof toResolve>, typeof follows | null][] = [
    ['asks when nothing is known', [following, undefined, at(NOW)], follows],
    ['asks when the question is another', [following, { ...known, key: 'k0' }, at(NOW)], follows],
    ['leaves a fresh answer', [following, known, at(NOW)], null],
    ['asks again when it is due', [following, known, at(NOW + 1000)], follows],
    ['asks again for a person', [following, known, at(NOW, 'asked')], follows],
    ['asks nothing of an exact version', [object(), known, at(NOW, 'asked')], null],
    ['asks nothing of a deleted object', [object({ follows, deleting: true }), null, at(NOW)], null],
    ['asks nothing while suspended', [object({ follows, suspension }), null, at(NOW)], null],
    ['asks nothing where no object is', [null, null, at(NOW)], null],
  ];
  for (const [name, args, expected] of rows) {
    it(name, () => {
      assert.deepEqual(toResolve(...args), expected);
    });
  }
});

describe('a question without an answer', () => {
  it('keeps what was known, and comes again soon and then ever later', () => {
    assert.deepEqual(failed, { ...known, failure, failures: 1, dueAt: NOW + 10_000 });
    assert.equal(notAnswered(failed, follows, { failure, now: NOW }).dueAt, NOW + 20_000);
  });
  it('does not come again before the time that was asked for', () => {
    const later = notAnswered(known, follows, { failure, retryAfterMs: 900_000, now: NOW });
    assert.deepEqual(later, { ...known, failure, failures: 1, dueAt: NOW + 900_000 });
  });
  it('knows nothing of another question', () => {
    const other = notAnswered(known, { range: '^2', key: 'k2' }, { failure, now: NOW });
    assert.deepEqual([other.version, other.digest, other.failures], [null, null, 1]);
  });
  it('is asked again at its time, and only as long as somebody wants to know', () => {
    assert.equal(askAgainAt(following, failed), NOW + 10_000);
    assert.equal(askAgainAt(following, known), null);
    assert.equal(askAgainAt(object(), failed), null);
    assert.equal(askAgainAt(object({ follows, suspension }), failed), null);
  });
});

describe('newsOf', () => {
  const rows: [string, Resolution | null, Resolution, string | null][] = [
    ['a first answer is none', null, known, null],
    ['the same answer is none', known, known, null],
    ['a newer version is none: its upgrade tells', known, { ...known, version: '1.1.0', digest: 'sha256:b' }, null],
    ['a moved tag is', known, { ...known, digest: 'sha256:b' }, 'TagMoved'],
    ['a failure is', known, failed, 'RegistryUnreachable'],
    ['the same failure again is none', failed, { ...failed, failures: 2 }, null],
  ];
  for (const [name, before, now, code] of rows) {
    it(name, () => {
      assert.equal(newsOf(before, now)?.code ?? null, code);
    });
  }
});
