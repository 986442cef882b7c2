import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure } from '../../../../activities/failures.ts';
import { parseValues } from '../../../../activities/kube/values/parse.ts';
import { canonicalValues } from '../../../../activities/kube/values/value.ts';

const canonical = (text: string): string => canonicalValues(parseValues(text, (why) => failure('ValuesInvalid', why)));

describe('parseValues', () => {
  const equal: { name: string; text: string; line: string }[] = [
    { name: 'nothing', text: '', line: '{}' },
    { name: 'null', text: '~', line: '{}' },
    { name: 'sorted keys at every level', text: 'b: {d: 1, c: 2}\na: 0', line: '{"a":0,"b":{"c":2,"d":1}}' },
    { name: 'whole floats', text: 'a: 1.0\nb: 1e6\nc: 1.5\nd: -0.0', line: '{"a":1,"b":1000000,"c":1.5,"d":0}' },
    { name: 'large integers', text: 'a: 18446744073709551615', line: '{"a":18446744073709551615}' },
    { name: 'YAML 1.1', text: 'a: yes\nb: 0o17\nc: 017\nd: off', line: '{"a":true,"b":"0o17","c":15,"d":false}' },
    { name: 'dates and times of day', text: 'a: 2026-01-02\nb: 12:30', line: '{"a":"2026-01-02","b":"12:30"}' },
    { name: 'keys that are not text', text: '1: a\ntrue: b', line: '{"1":"a","true":"b"}' },
    { name: 'anchors and merges', text: 'a: &x {k: 1}\nb: {<<: *x, l: 2}', line: '{"a":{"k":1},"b":{"k":1,"l":2}}' },
    { name: '__proto__ as an ordinary key', text: '__proto__: {a: 1}', line: '{"__proto__":{"a":1}}' },
    { name: 'blocks of text', text: 'a: |\n  x\n  y\nb: >-\n  x\n  y', line: '{"a":"x\\ny\\n","b":"x y"}' },
  ];
  for (const { name, text, line } of equal) {
    it(`reads ${name}`, () => {
      assert.equal(canonical(text), line);
    });
  }

  const depth = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefg'
    .split('')
    .map((key, i) => `${key}: &${key} [${Array.from({ length: 10 }, () => `*${'abcdef'.charAt(i)}`).join(', ')}]`)
    .join('\n')}`;
  const refused: { name: string; text: string; why: string | RegExp }[] = [
    { name: 'a list', text: '- canary', why: 'they are a list, not a mapping' },
    { name: 'a word', text: 'canary', why: 'they are a string, not a mapping' },
    { name: 'a tab', text: 'a:\n\tcanary: 1', why: 'line 2, column 1: tab as indent' },
    { name: 'a key twice', text: 'canary: 1\nb: 2\ncanary: 3', why: 'line 3, column 1: duplicate key' },
    { name: 'an open bracket', text: 'a: [canary', why: /^line 1, column 11: / },
    { name: 'two documents', text: 'a: 1\n---\ncanary: 2', why: /^line 2, column 1: multiple docs$/ },
    { name: 'infinity', text: 'a: {b: .inf}', why: 'a.b is not a finite number; quote it if it is text' },
    { name: 'an unknown alias', text: 'a: *canary', why: /^(line 1, column 4: bad alias|an alias is unknown.*)$/ },
    {
      name: 'aliases of aliases',
      text: bomb,
      why: /^an alias is unknown, or there are more than 100 uses of aliases$/,
    },
    { name: '900 open brackets', text: `a: ${depth(900)}`, why: 'line 1 is nested deeper than 128 levels' },
    { name: '20,000 open brackets', text: `a: ${depth(20_000)}`, why: 'line 1 is nested deeper than 128 levels' },
    {
      name: '5,000 indents',
      text: Array.from({ length: 5_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      why: 'line 129 is nested deeper than 128 levels',
    },
    { name: '5,000 dashes', text: `a:\n${'- '.repeat(5_000)}x`, why: 'line 2 is nested deeper than 128 levels' },
  ];
  for (const { name, text, why } of refused) {
    it(`refuses ${name} without quoting it`, () => {
      assert.throws(
        () => canonical(text),
        (error: unknown) => {
          assert.ok(error instanceof Error && 'code' in error);
          assert.equal(error.code, 'ValuesInvalid');
          assert.ok(!error.message.includes('canary'), error.message);
          if (typeof why === 'string') assert.equal(error.message, why);
          else assert.match(error.message, why);
          return true;
        },
      );
    });
  }
});
