import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAILURES } from '../../workflows/core/failures.ts';
import { readDocument, tableUnder } from './markdown.ts';

describe('docs/failures.md', () => {
  const rows = tableUnder(readDocument('failures.md'), '## Codes');

  it('has one row per code, with the disposition of the table in the code', () => {
    const documented = rows.map(([code = '', disposition = '']) => [code.replaceAll('`', ''), disposition]);
    assert.deepEqual(documented, Object.entries(FAILURES));
  });

  it('gives each code a meaning and a way out', () => {
    for (const [code, , meaning, wayOut] of rows) {
      assert.match(meaning ?? '', /\.$/, `${code ?? ''}: the meaning is a sentence`);
      assert.match(wayOut ?? '', /\S/, `${code ?? ''}: there is a way out`);
    }
  });
});
