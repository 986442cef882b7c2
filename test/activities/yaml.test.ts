import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseYaml } from '../../activities/yaml.ts';

describe('values as Kubernetes reads them', () => {
  const rows: readonly (readonly [text: string, value: unknown])[] = [
    ['a: yes', { a: true }],
    ['a: "yes"', { a: 'yes' }],
    ['a: 0644', { a: 420 }],
    ['a: 2026-01-02', { a: '2026-01-02' }],
    ['a: 1:30', { a: '1:30' }],
    ['a: 1.5', { a: 1.5 }],
    ['a: 9007199254740991', { a: 9007199254740991 }],
    ['a: ~', { a: null }],
    ['b: &b {p: 1}\nc: {<<: *b, q: 2}', { b: { p: 1 }, c: { p: 1, q: 2 } }],
    ['a: |\n  one\n  [[[\nb: 1', { a: 'one\n[[[\n', b: 1 }],
    ['{"a": [1, 2]}', { a: [1, 2] }],
    ['\ufeffa: 1', { a: 1 }],
    ['a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
  ];
  for (const [text, value] of rows) {
    it(JSON.stringify(text), () => {
      assert.deepEqual(parseYaml(text), [{ kind: 'value', line: 1, value }]);
    });
  }
});

describe('several documents', () => {
  it('gives each its first line, and leaves out the empty ones', () => {
    const text = '# head\n---\na: 1\n---\n\n---\n# only a comment\n--- # note\n\nb: 2\n...\n---\nc: 3\n';
    assert.deepEqual(parseYaml(text), [
      { kind: 'value', line: 3, value: { a: 1 } },
      { kind: 'value', line: 10, value: { b: 2 } },
      { kind: 'value', line: 13, value: { c: 3 } },
    ]);
  });

  it('reads a directive with its document', () => {
    assert.deepEqual(parseYaml('%YAML 1.2\n---\na: yes\n'), [{ kind: 'value', line: 3, value: { a: 'yes' } }]);
  });

  it('reports a broken one with its line, and reads those before and after', () => {
    const parsed = parseYaml('a: 1\n---\nb: [1, 2\nc: 3\n---\nd: 4\n');
    assert.deepEqual(
      parsed.map(({ kind, line }) => [kind, line]),
      [
        ['value', 1],
        ['invalid', 4],
        ['value', 6],
      ],
    );
  });
});

describe('what is refused', () => {
  const rows: readonly (readonly [name: string, text: string, reason: RegExp])[] = [
    ['a duplicate key', 'a: 1\na: 2', /unique/],
    ['a tab for indentation', 'a:\n\tb: 1', /tab/i],
    ['an integer that loses digits', 'a: 9007199254740993', /quote it/],
    ['a number that is not finite', 'a: .inf', /not finite/],
    ['the key __proto__', 'a: {__proto__: {b: 1}}', /__proto__/],
    ['an alias without its anchor', 'a: *b', /alias/i],
    [
      'an alias bomb',
      `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}`,
      /alias/i,
    ],
    [
      'aliases nested deeply',
      `a0: &a0 [x]\n${Array.from({ length: 3000 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`).join('\n')}`,
      /nested deeper|alias/i,
    ],
  ];
  for (const [name, text, reason] of rows) {
    it(name, () => {
      const [parsed] = parseYaml(text);
      assert.equal(parsed?.kind, 'invalid');
      assert.match(parsed.reason, reason);
    });
  }

  it('says nothing of the text around an error', () => {
    for (const text of [
      'a: hunter2\n b: 1',
      'a: "hunter2',
      'a: [hunter2',
      'hunter2: a: b',
      '- a\nhunter2',
      '@hunter2',
      '%hunter2\na: 1: 2',
    ]) {
      for (const parsed of parseYaml(text)) {
        assert.doesNotMatch(JSON.stringify(parsed.kind === 'invalid' ? parsed.reason : ''), /hunter2/, text);
      }
    }
  });

  const deep: readonly (readonly [name: string, text: string])[] = [
    ['brackets', '['.repeat(10_000)],
    ['closed brackets', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['braces', '{a: '.repeat(10_000) + '}'.repeat(10_000)],
    ['dashes in one line', `${'- '.repeat(10_000)}a`],
    ['questions in one line', `${'? '.repeat(10_000)}a`],
    ['indented keys', Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['indented items', Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i)}-`).join('\n')],
    ['brackets in an item', `a:\n  - ${'['.repeat(10_000)}`],
  ];
  for (const [name, text] of deep) {
    it(`10,000 levels of ${name}, twice in one process`, () => {
      for (let round = 0; round < 2; round += 1) {
        const [parsed] = parseYaml(text);
        assert.equal(parsed?.kind, 'invalid');
        assert.match(parsed.reason, /nested deeper than 128/);
      }
    });
  }

  it('takes sixty levels', () => {
    const text = Array.from({ length: 60 }, (_, i) => `${'  '.repeat(i)}a:`).join('\n');
    assert.equal(parseYaml(text)[0]?.kind, 'value');
    assert.equal(parseYaml('['.repeat(60) + ']'.repeat(60))[0]?.kind, 'value');
  });
});
