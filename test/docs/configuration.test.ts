import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const documented = readFileSync('docs/configuration.md', 'utf8');
const sources = globSync('{api,runtime,stack,worker}/**/*.{ts,mjs}');

/** Names that are read: a key of a schema, or an element of an environment. */
const READ = /^ {2}(HOLDFAST_[A-Z_]+):|\[['"](HOLDFAST_[A-Z_]+)['"]\]/gm;

/** How `npm test` names its stack to the test files. */
const INTERNAL = /^HOLDFAST_TEST_/;

const read = new Set(
  sources
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(READ)].map(([, key, element]) => key ?? element ?? ''))
    .filter((name) => !INTERNAL.test(name)),
);

describe('docs/configuration.md', () => {
  it('looks at sources that read variables', () => {
    assert.ok(read.size > 30, [...read].join(', '));
  });

  for (const name of read) {
    it(`has ${name}`, () => {
      assert.ok(documented.includes(`\`${name}\``));
    });
  }

  it('names no variable that nothing knows', () => {
    const texts = sources.map((file) => readFileSync(file, 'utf8')).join('\n');
    const names = [...documented.matchAll(/`(HOLDFAST_[A-Z_]+[A-Z])`/g)].map(([, name]) => name ?? '');
    const known = (name: string): boolean => texts.includes(name) || name.startsWith('HOLDFAST_TOOL_');
    assert.deepEqual(
      names.filter((name) => !known(name)),
      [],
    );
  });

  it('has every flag that npm start and npm run remove take', () => {
    const usages = globSync('stack/commands/*.ts').map((file) => readFileSync(file, 'utf8'));
    const flags = usages.flatMap((text) => [...text.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag ?? ''));
    assert.ok(flags.length > 0);
    assert.deepEqual(
      flags.filter((flag) => !documented.includes(`\`${flag}`)),
      [],
    );
  });
});
