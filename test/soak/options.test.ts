import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDice } from './dice.ts';
import { parseSoakArgs } from './options.ts';

const parse = (...args: readonly string[]): ReturnType<typeof parseSoakArgs> => parseSoakArgs(args, () => 42);

describe('the arguments of npm run test:soak', () => {
  it('are half an hour, 50 releases and a kill every 20 s where none are given', () => {
    assert.deepEqual(parse(), { minutes: 30, releases: 50, every: 20, seed: 42, json: null });
  });

  it('are taken as given', () => {
    const given = parse('--minutes=5', '--releases', '7', '--every=3', '--seed=9', '--json', 'a.json');
    assert.deepEqual(given, { minutes: 5, releases: 7, every: 3, seed: 9, json: 'a.json' });
  });

  it('are refused where they cannot be meant', () => {
    assert.throws(() => parse('--minutes=0'), /--minutes is "0": expected a whole number from 1 to 1440/);
    assert.throws(() => parse('--every=1.5'), /--every is "1.5": expected a whole number from 1 to 600/);
    assert.throws(() => parse('--json='), /--json is empty: expected a path/);
    assert.throws(() => parse('--minute=1'), /Unknown option '--minute'/);
  });
});

describe('dice', () => {
  const draw = (seed: number): readonly number[] => {
    const dice = createDice(seed);
    return Array.from({ length: 200 }, () => dice.below(6));
  };

  it('draw the same for the same seed, and all there is', () => {
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.deepEqual([...new Set(draw(7))].sort(), [0, 1, 2, 3, 4, 5]);
  });
});
