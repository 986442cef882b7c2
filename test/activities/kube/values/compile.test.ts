import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure } from '../../../../activities/failures.ts';
import type { ValuesReference } from '../../../../activities/kube/schema.ts';
import { compileValues } from '../../../../activities/kube/values/compile.ts';
import type { FoundSource } from '../../../../activities/kube/values/sources.ts';

const from = (text: string, more: Partial<ValuesReference> = {}): FoundSource => ({
  kind: 'found',
  reference: { kind: 'Secret', name: 'db', ...more },
  text,
});
const canonical = (fields: { values?: string; valuesObject?: Record<string, unknown> }, ...sources: FoundSource[]) =>
  compileValues('apps', fields, sources).canonical;

describe('compileValues', () => {
  it('ranks the entries of valuesFrom in their order, then values, then valuesObject', () => {
    const sources = [from('a: 1\nb: 1\nc: 1\nd: 1'), from('2', { targetPath: 'b' }), from('c: 2\nd: 2')];
    const fields = { values: 'd: 3\ne: 3', valuesObject: { e: 4, f: { g: 4 } } };
    assert.equal(canonical(fields, ...sources), '{"a":1,"b":2,"c":2,"d":3,"e":4,"f":{"g":4}}');
  });

  it('hands what a person wrote to Helm as it is when it is all', () => {
    assert.equal(compileValues('apps', { values: 'a: 1.0 # one\n' }, []).text, 'a: 1.0 # one\n');
  });

  it('leaves out an optional source that is absent', () => {
    assert.equal(canonical({ values: 'a: 1' }, { kind: 'absent' }), '{"a":1}');
  });

  it('knows all that messages must not quote, also what was replaced', () => {
    const { hidden } = compileValues('apps', { values: 'a: x', valuesObject: { b: 'y' } }, [
      from('a: secret-one'),
      from('{secret-two,secret-three}', { targetPath: 'c' }),
    ]);
    assert.deepEqual(hidden.yaml, ['a: x', '{"b":"y"}', 'a: secret-one']);
    assert.deepEqual(hidden.plain, ['{secret-two,secret-three}', '', 'secret-two', 'secret-three', '']);
  });

  const refused: { name: string; run: () => unknown; code: string; message: RegExp }[] = [
    {
      name: 'a source that is missing',
      run: () =>
        canonical({}, { kind: 'failed', error: failure('ValuesSourceNotFound', 'there is no Secret apps/db') }),
      code: 'ValuesSourceNotFound',
      message: /^there is no Secret apps\/db$/,
    },
    {
      name: 'a source that is no YAML',
      run: () => canonical({}, from('a: [canary')),
      code: 'ValuesSourceInvalid',
      message: /^key values\.yaml of Secret apps\/db cannot be used by spec\.valuesFrom: line 1, column 11: /,
    },
    {
      name: 'a source that is no mapping',
      run: () => canonical({}, from('canary', { kind: 'ConfigMap', name: 'common', valuesKey: 'all.yaml' })),
      code: 'ValuesSourceInvalid',
      message: /^key all\.yaml of ConfigMap apps\/common cannot be used .*: they are a string, not a mapping$/,
    },
    {
      name: 'a value that cannot be set',
      run: () => canonical({}, from('canary,canary', { targetPath: 'a' })),
      code: 'ValuesSourceInvalid',
      message: /holds a comma/,
    },
    {
      name: 'an integer that JSON may have rounded',
      run: () => canonical({ valuesObject: { a: { b: 2 ** 60 } } }),
      code: 'ValuesInvalid',
      message: /^spec\.valuesObject cannot be used: a\.b is larger than 2\^53/,
    },
    {
      name: 'values that are a list',
      run: () => canonical({ values: '- canary' }),
      code: 'ValuesInvalid',
      message: /^spec\.values cannot be used: they are a list/,
    },
  ];
  for (const { name, run, code, message } of refused) {
    it(`refuses ${name} by name, without its words`, () => {
      assert.throws(run, (error: Error & { code?: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.ok(!error.message.includes('canary'), error.message);
        return true;
      });
    });
  }
});

describe('inputs that let the original upgrade in a loop change nothing', () => {
  const rows: { name: string; a: Parameters<typeof canonical>; b: Parameters<typeof canonical> }[] = [
    { name: 'cleared values', a: [{ values: '' }], b: [{}] },
    { name: '{} and only comments', a: [{ values: '{}' }], b: [{ values: '# nothing\n' }] },
    { name: 'integers of a million and more', a: [{ values: 'a: 1000000' }], b: [{ valuesObject: { a: 1e6 } }] },
    { name: 'floats such as 1.0', a: [{ values: 'a: 1.0' }], b: [{ valuesObject: { a: 1 } }] },
    { name: 'the order of keys', a: [{ values: 'a: 1\nb: 2' }], b: [{ values: 'b: 2\na: 1' }] },
    { name: 'where they lie', a: [{ values: 'a: {b: x}' }], b: [{}, from('x', { targetPath: 'a.b' })] },
    { name: 'what is replaced anyway', a: [{ values: 'a: 1' }], b: [{ values: 'a: 1' }, from('a: 2')] },
  ];
  for (const { name, a, b } of rows) {
    it(name, () => {
      assert.equal(canonical(...a), canonical(...b));
    });
  }
});
