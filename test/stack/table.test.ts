import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Release } from '../../stack/releases.ts';
import { createTable } from '../../stack/table.ts';

const release = (name: string, changes: Partial<Release> = {}): Release => ({
  namespace: 'sample',
  name,
  chart: 'web',
  version: '1.0.0',
  ready: 'True',
  reason: 'InstallSucceeded',
  message: 'deployed',
  stalled: false,
  ...changes,
});

function recorder(isTTY: boolean) {
  const written: string[] = [];
  const output = { isTTY, columns: 60, write: (text: string) => written.push(text) > 0 };
  return { written, output };
}

describe('the table of releases', () => {
  it('is one line for each change where there is no terminal', () => {
    const { written, output } = recorder(false);
    const table = createTable(output);
    table.show([release('b'), release('a', { ready: 'Unknown', reason: '', message: '' })]);
    table.note('a note');
    table.show([release('b'), release('a')]);
    assert.deepEqual(written, [
      'sample/a  web 1.0.0  Unknown\n',
      'sample/b  web 1.0.0  True  InstallSucceeded: deployed\n',
      'a note\n',
      'sample/a  web 1.0.0  True  InstallSucceeded: deployed\n',
    ]);
  });

  it('is drawn again in place on a terminal, below what was said since, no wider than it', () => {
    const { written, output } = recorder(true);
    const table = createTable(output);
    table.show([release('a', { message: 'deployed '.repeat(20) })]);
    table.show([release('a')]);
    table.note('a note');
    table.show([release('a')]);
    const [first = '', second = '', note = '', third = ''] = written;
    assert.ok(!first.startsWith('\u001b[2A') && first.split('\n').every((line) => line.length < 60 + 4));
    assert.ok(second.startsWith('\u001b[2A'));
    assert.equal(note, 'a note\n');
    assert.ok(third.startsWith('\u001b[2K'));
  });
});
