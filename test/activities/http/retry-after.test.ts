import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRetryAfter, retryAfterIn } from '../../../activities/http/retry-after.ts';

const NOW = Date.parse('2026-11-26T00:30:00Z');
const MINUTE = 60_000;

describe('parseRetryAfter', () => {
  const rows: readonly (readonly [string | null, number | null])[] = [
    ['120', 2 * MINUTE],
    [' 30 ', 30_000],
    ['Thu, 26 Nov 2026 00:31:30 GMT', 90_000],
    ['Thursday, 26-Nov-26 00:31:30 GMT', 90_000],
    ['1m30s', 90_000],
    ['1.5s', 1_500],
    // what is shorter than a second is one, also what is over already
    ['880.092µs', 1_000],
    ['0', 1_000],
    ['Thu, 26 Nov 2026 00:29:00 GMT', 1_000],
    // nobody is believed for longer than a quarter of an hour
    ['86400', 15 * MINUTE],
    ['24h', 15 * MINUTE],
    ['Fri, 27 Nov 2026 00:30:00 GMT', 15 * MINUTE],
    ['-5', null],
    ['2027', 15 * MINUTE],
    ['soon', null],
    ['1 fortnight', null],
    ['', null],
    [null, null],
  ];
  for (const [text, expected] of rows) {
    it(JSON.stringify(text), () => {
      assert.equal(parseRetryAfter(text, NOW), expected);
    });
  }
});

describe('retryAfterIn', () => {
  const rows: readonly (readonly [string, string | null])[] = [
    ['toomanyrequests: retry-after: 880.092µs, allowed: 44000/minute', '880.092µs'],
    ['Retry-After: 7', '7'],
    ['toomanyrequests: You have reached your pull rate limit', null],
  ];
  for (const [sentence, expected] of rows) {
    it(sentence, () => {
      assert.equal(retryAfterIn(sentence), expected);
    });
  }
});
