import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedact } from '../../../activities/helm/redact.ts';

const VALUES = `
image: { tag: "2.1.0" }
password: canary-one
nested:
  list: [canary-two, 'canary"three']
  number: 0123456789
  block: |
    user=app
    secret = canary-four
    key: "canary-five"
release: webapp
canaryKey: true
`;

const redact = createRedact({ yaml: [VALUES], plain: ['canary-token\n'], known: ['webapp'] });

describe('redaction', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['got canary-one here', 'got ••• here'],
    ['got [canary-two]', 'got [•••]'],
    ['quoted "canary\\"three"', 'quoted "•••"'],
    ['number 0123456789', 'number •••'],
    ['part canary-four', 'part •••'],
    ['part canary-five', 'part •••'],
    ['credentials canary-token', 'credentials •••'],
    [`encoded ${Buffer.from('canary-one').toString('base64')}`, 'encoded •••'],
    ['names stay: webapp, canaryKey', 'names stay: webapp, canaryKey'],
    ['short ones stay: 2.1.0', 'short ones stay: 2.1.0'],
  ];
  for (const [text, expected] of rows) {
    it(text, () => {
      assert.equal(redact(text), expected);
    });
  }

  it('takes words from what cannot be parsed', () => {
    const broken = createRedact({ yaml: ['a: [canary-six\nb: }'], plain: [], known: [] });
    assert.equal(broken('line 1: canary-six'), 'line 1: •••');
  });
});
