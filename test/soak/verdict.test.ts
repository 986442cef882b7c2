import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Revision } from './releases.ts';
import { judge } from './verdict.ts';

const record = (revision: number, state: string, change: number): Revision => {
  const [status = '', ...description] = state.split(': ');
  return { release: 'app', revision, status, description: description.join(': '), change };
};
const DIED = 'Release "app" failed: interrupted: its helm is dead';

const rows: readonly { name: string; revisions: readonly Revision[]; says: readonly string[] }[] = [
  {
    name: 'the change that was declared last',
    revisions: [record(1, 'superseded', 1), record(2, 'deployed', 3)],
    says: [],
  },
  {
    name: 'a change that died and was carried out again',
    revisions: [record(1, 'superseded', 1), record(2, `failed: ${DIED}`, 3), record(3, 'deployed', 3)],
    says: [],
  },
  {
    name: 'one that died and was superseded since',
    revisions: [record(1, `superseded: ${DIED}`, 3), record(2, 'deployed', 3)],
    says: [],
  },
  {
    name: 'a change that never came',
    revisions: [record(1, 'superseded', 1), record(2, 'deployed', 2)],
    says: ['app: change 3 is lost; the newest revision is 2, deployed, of change 2'],
  },
  {
    name: 'nothing at all',
    revisions: [],
    says: ['app: 0 revisions are deployed instead of one', 'app: change 3 is lost; the newest revision is none'],
  },
  {
    name: 'a change that was carried out twice',
    revisions: [record(1, 'superseded', 3), record(2, 'deployed', 3)],
    says: ['app: change 3 was carried out twice'],
  },
  {
    name: 'a record that is left pending',
    revisions: [record(1, 'deployed', 3), record(2, 'pending-upgrade', 3)],
    says: [
      'app: revision 2 is left pending-upgrade',
      'app: change 3 is lost; the newest revision is 2, pending-upgrade, of change 3',
    ],
  },
  {
    name: 'two deployed revisions',
    revisions: [record(1, 'deployed', 2), record(2, 'deployed', 3)],
    says: ['app: 2 revisions are deployed instead of one'],
  },
  {
    name: 'a release that nobody declared',
    revisions: [record(1, 'deployed', 3), { ...record(1, 'deployed', 1), release: 'other' }],
    says: ['other: nobody declared it'],
  },
];

describe('the verdict of a soak', () => {
  for (const { name, revisions, says } of rows) {
    it(`on ${name}`, () => {
      assert.deepEqual(judge([{ name: 'app', change: 3 }], revisions), says);
    });
  }
});
