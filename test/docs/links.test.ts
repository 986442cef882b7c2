import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LINK = /\]\(([^)\s]+)\)/g;

describe('links between documents', () => {
  for (const file of [...globSync('*.md', { cwd: ROOT }), ...globSync('docs/**/*.md', { cwd: ROOT })]) {
    it(`lead somewhere: ${file}`, () => {
      const links = [...read(file).matchAll(LINK)].map(([, link = '']) => link);
      for (const link of links.filter((each) => !/^https?:/.test(each))) {
        const [path = '', heading] = link.split('#');
        const target = path === '' ? file : join(dirname(file), path);
        assert.ok(existsSync(join(ROOT, target)), `${link}: there is no ${target}`);
        if (heading !== undefined) {
          assert.ok(anchorsOf(target).includes(heading), `${link}: ${target} has no such heading`);
        }
      }
    });
  }
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Headings as the Git hosts make anchors of them. */
function anchorsOf(file: string): readonly string[] {
  const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
