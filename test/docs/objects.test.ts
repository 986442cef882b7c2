import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldsOf, withFieldTables } from './field-tables.ts';
import { readDocument, tableUnder } from './markdown.ts';

const CRDS = ['helmrelease', 'helmrepository', 'gitrepository'];

describe('docs/objects.md', () => {
  const text = readDocument('objects.md');

  it('says what the schemas say: after a change of crds/ run `node test/docs/write-objects.ts`', () => {
    assert.equal(text, withFieldTables(text));
  });

  it('names every field of every kind', () => {
    for (const crd of CRDS) {
      for (const { path } of [...fieldsOf(crd, 'spec'), ...fieldsOf(crd, 'status')]) {
        assert.ok(text.includes(`| \`${path}\` |`), `${crd}: ${path}`);
      }
    }
  });

  it('describes every field', () => {
    for (const crd of CRDS) {
      for (const { path, description } of [...fieldsOf(crd, 'spec'), ...fieldsOf(crd, 'status')]) {
        assert.match(description, /\S/, `${crd}: ${path}`);
      }
    }
  });

  it('lists every field that the schema calls not supported', () => {
    const listed = tableUnder(text, '## What this version does not act on').map(([field = '']) => field);
    for (const crd of CRDS) {
      for (const { path, description } of fieldsOf(crd, 'spec').filter(saysUnsupported)) {
        assert.ok(
          listed.some((cell) => cell.includes(`\`${path}\``)),
          `${crd}: ${path}: ${description}`,
        );
      }
    }
  });
});

function saysUnsupported({ description }: { readonly description: string }): boolean {
  return /supported yet/.test(description);
}
