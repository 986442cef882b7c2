import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { choose, parseWanted } from '../../../activities/semver/wanted.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('parseWanted', () => {
  const kinds: Readonly<Record<string, object>> = {
    '1.2.3': { kind: 'exact', version: '1.2.3' },
    ' v1.2.3 ': { kind: 'exact', version: 'v1.2.3' },
    '1.2.3-rc.1+build.5': { kind: 'exact', version: '1.2.3-rc.1+build.5' },
    [`@${DIGEST}`]: { kind: 'pinned', digest: DIGEST, version: null },
    [`1.2.3@${DIGEST}`]: { kind: 'pinned', digest: DIGEST, version: '1.2.3' },
    '': { kind: 'range', range: '*' },
    '1.2': { kind: 'range', range: '1.2' },
    '^1.2.0': { kind: 'range', range: '^1.2.0' },
  };
  for (const [text, wanted] of Object.entries(kinds)) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const read = parseWanted(text);
      assert.deepEqual(read.kind === 'range' ? { kind: read.kind, range: read.range } : read, wanted);
    });
  }

  const refused: Readonly<Record<string, RegExp>> = {
    latest:
      /^spec\.chart\.version: "latest" is no version and no range; write \* for the newest stable version, or >=0/,
    newest: /write an exact version such as 1\.2\.3, or a range such as \^1\.2\.0/,
    '1.2.3@sha256:abc': /after the @ stands no sha256 digest of 64 hex digits/,
    [`^1@${DIGEST}`]: /before the @ stands no exact version/,
  };
  for (const [text, message] of Object.entries(refused)) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(() => parseWanted(text), { code: 'SpecInvalid', message });
    });
  }
});

describe('choose', () => {
  const rows: { name: string; published: string[]; range: string; best: string | undefined }[] = [
    {
      name: 'the newest stable one',
      published: ['1.0.0', '2.0.0-rc.1', '1.10.0', '1.9.0'],
      range: '*',
      best: '1.10.0',
    },
    { name: 'a pre-release when asked', published: ['1.0.0', '2.0.0-rc.1'], range: '>=1.0.0-0', best: '2.0.0-rc.1' },
    { name: 'the text as published', published: ['v1.0.0', 'v1.1.0'], range: '^1', best: 'v1.1.0' },
    { name: 'the plain one of two', published: ['v1.0.0', '1.0.0'], range: '^1', best: '1.0.0' },
    {
      name: 'the higher metadata',
      published: ['1.0.0+up1.9.0', '1.0.0+up1.10.0', '1.0.0'],
      range: '1',
      best: '1.0.0+up1.10.0',
    },
    {
      name: 'no tag that is no version',
      published: ['latest', 'sha256-0123', '1.2', 'sha256-0.sig'],
      range: '*',
      best: undefined,
    },
    { name: 'nothing where nothing fits', published: ['1.0.0'], range: '^2', best: undefined },
  ];
  for (const { name, published, range, best } of rows) {
    it(`takes ${name}, in whatever order the list comes`, () => {
      const wanted = parseWanted(range);
      assert.ok(wanted.kind === 'range');
      assert.equal(choose(published, wanted.constraint), best);
      assert.equal(choose(published.toReversed(), wanted.constraint), best);
    });
  }
});
