import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, stringify, type ToStringOptions } from 'yaml';
import { toEntry, type IndexedChart } from '../../../activities/chart-index/entry.ts';
import { parseLine } from '../../../activities/chart-index/lines.ts';
import { MAX_ODD_BYTES, readIndex, type IndexFacts } from '../../../activities/chart-index/read-index.ts';
import { temporaryFolder } from '../../support/harness.ts';
import { BOTH, LAYOUTS } from './layouts.ts';

const folder = temporaryFolder();
const [from, to] = [join(folder, 'index.yaml'), join(folder, 'lines')];

function read(text: string | Buffer): { facts: IndexFacts; charts: readonly IndexedChart[] } {
  writeFileSync(from, text);
  const answer = readIndex(from, to);
  assert.equal(answer.kind, 'read', JSON.stringify(answer));
  const { facts } = answer;
  const lines = readFileSync(to);
  const charts = facts.charts.map(({ offset, length }) => parseLine(lines.subarray(offset, offset + length)));
  return { facts, charts };
}

function whyInvalid(text: string): string {
  writeFileSync(from, text);
  const answer = readIndex(from, to);
  return answer.kind === 'invalid' ? answer.why : 'it was read';
}

const versionsOf = (charts: readonly IndexedChart[]): unknown =>
  Object.fromEntries(charts.map(({ name, versions }) => [name, versions.map(({ version, url }) => [version, url])]));

/** Written as the name says; each holds the charts of `BOTH`. */
describe('an index', () => {
  for (const [name, text] of Object.entries(LAYOUTS)) {
    it(`is read as it is written: ${name}`, () => {
      const { facts, charts } = read(text);
      assert.deepEqual(versionsOf(charts), BOTH);
      assert.deepEqual([facts.charts.length, facts.versions, facts.skipped], [2, 3, 0]);
    });
  }

  it('gives of an entry what counts, and of the chart what it says of itself', () => {
    const [app] = read(LAYOUTS['helm repo index'] ?? '').charts;
    assert.equal(
      app?.description,
      'A chart whose description is folded, because Go folds what is longer than eighty letters',
    );
    assert.deepEqual(app.versions[0], {
      version: '1.1.0',
      url: 'app-1.1.0.tgz',
      digest: `sha256:${'a'.repeat(64)}`,
      created: '2026-01-02T03:04:05.678901234Z',
      appVersion: '1',
    });
  });

  it('does not suffer from broken entries, and counts them', () => {
    const { facts, charts } = read(`entries:
  nothing:
  void: null
  empty: []
  word: # is no list
    version: 1.0.0
  app:
  - null
  -
  - ~
  - words
  - version: [1, 2]
    urls: [x]
  - version: 0.9.0
  - version: 0.8.0
    urls: [null]
  - urls: [x]
  - version: "unclosed
    urls: [x]
  - version: 1.0.0
    digest: sha1:abc
    urls: [app-1.0.0.tgz]
  - version: 2.0.0
    annotations: { big: "${'x'.repeat(300_000)}" }
    urls: [x]
`);
    assert.deepEqual(versionsOf(charts), { app: [['1.0.0', 'app-1.0.0.tgz']] });
    assert.equal(charts[0]?.versions[0]?.digest, null);
    assert.equal(facts.skipped, 11);
    const json = read(
      '{"entries":{"a":null,"b":{},"app":[null,1,"x",[],{},{"version":1,"urls":[]},{"version":"1.0.0","urls":["u"]}]}}',
    );
    assert.deepEqual([json.facts.versions, json.facts.skipped], [1, 7]);
  });

  it('without charts is an index', () => {
    for (const text of ['apiVersion: v1\nentries: {}\n', '{"apiVersion":"v1","entries":{}}', 'entries:\n'])
      assert.deepEqual(read(text).charts, []);
  });

  it('says why something else is none', () => {
    const none = 'is no index of a chart repository';
    assert.equal(whyInvalid(''), none);
    assert.equal(whyInvalid('<!DOCTYPE html>\n<html></html>'), none);
    assert.equal(whyInvalid('{"message":"Not Found"}'), none);
    assert.equal(whyInvalid('{"entries":{"app":[{"version":"1.0.0"'), none);
    assert.equal(whyInvalid('- entries:\n'), none);
    assert.equal(whyInvalid(`entries: ${'['.repeat(20_000)}`), none);
    assert.equal(whyInvalid(bombOf(9)), none);
    const odd = `entries: &all {}\n# ${'x'.repeat(MAX_ODD_BYTES)}`;
    assert.match(whyInvalid(odd), /^is laid out in a way that can be read up to 2097152 bytes only;/);
  });

  it('has another digest when something else can be installed, and only then', () => {
    const digest = (text: string): string => read(text).facts.digest;
    const text = LAYOUTS['helm repo index'] ?? '';
    const same = digest(text.replaceAll('2026-01-02', '2027-01-02').replace('A chart', 'The chart'));
    assert.equal(same, digest(text));
    for (const [before, after] of [
      ['1.1.0.tgz', '1.1.1.tgz'],
      ['version: 2.0.0', 'version: 2.0.1'],
      ['aaaa', 'bbbb'],
      ['web:', 'wob:'],
    ] as const) {
      assert.notEqual(digest(text.replace(before, after)), digest(text), `${before} → ${after}`);
    }
  });

  it('shows the first charts with their newest versions', () => {
    const entries = Object.fromEntries(
      Array.from({ length: 120 }, (_, i) => [
        `chart-${String(i).padStart(3, '0')}`,
        ['1.0.0', 'odd', '1.10.0', '1.9.0', '2.0.0-rc.1', '0.1.0', '0.2.0'].map((version) => ({
          version,
          urls: ['u'],
        })),
      ]),
    );
    const { shown } = read(JSON.stringify({ entries })).facts;
    assert.deepEqual([shown.length, shown[0]?.name, shown.at(-1)?.name], [100, 'chart-000', 'chart-099']);
    assert.deepEqual(
      shown[0]?.versions.map(({ version }) => version),
      ['2.0.0-rc.1', '1.10.0', '1.9.0', '1.0.0', '0.2.0'],
    );
  });
});

/** An alias of an alias of an alias. */
function bombOf(levels: number): string {
  const lines = Array.from({ length: levels }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(i === 0 ? 0 : 9)}]`);
  return `${lines.join('\n')}\nentries: *a${levels - 1}\n`;
}

/** Numbers that look random and are the same in each run. */
function createDice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const TEXTS = [
  'plain', 'two words', 'a: b', 'a #b', '#c', '- d', '-', 'it\'s', 'say "so"', ' leading', 'trailing ', 'a\nb', 'a\n\n  b\n',
  '\ttab', 'null', '~', 'true', '1.10', '0x1f', '{x}', '[y]', '*z', '&w', '!v', '|', '>', '%', '@', '`', ':', 'x:', '?', ',',
  'é ü 漢字 🙂', 'back\\slash', 'version: 9.9.9', 'urls:\n- x', '---', '...', 'x '.repeat(70), `${'word '.repeat(30)}: y`, '\u0085', '\r',
]; // prettier-ignore

const OPTIONS: readonly ToStringOptions[] = [
  {},
  { indentSeq: false },
  { indent: 4, lineWidth: 20 },
  { indent: 1, indentSeq: false, lineWidth: 0 },
  { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 40 },
  { defaultStringType: 'QUOTE_SINGLE', singleQuote: true, indentSeq: false },
  { defaultStringType: 'BLOCK_LITERAL', defaultKeyType: 'PLAIN' },
  { defaultStringType: 'BLOCK_FOLDED', defaultKeyType: 'QUOTE_DOUBLE', indent: 3 },
];

describe('the cutters', () => {
  it('read what the YAML parser reads, however it is written', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const dice = createDice(seed * 7_919);
      const index = randomIndex(dice);
      const options = OPTIONS[dice(OPTIONS.length)] ?? {};
      const text = stringify(index, options);
      const whole = parse(text, { schema: 'failsafe', customTags: ['null'] }) as typeof index;
      assert.deepEqual(kept(read(text).charts), expected(whole), `seed ${seed}:\n${text}`);
      const json = JSON.stringify(index, null, dice(2) * 2);
      assert.deepEqual(kept(read(json).charts), expected(index), `seed ${seed}:\n${json}`);
    }
  });
});

type RandomIndex = { readonly entries: Readonly<Record<string, readonly unknown[]>> };

function randomIndex(dice: (below: number) => number): RandomIndex & Readonly<Record<string, unknown>> {
  const text = (): string => TEXTS[dice(TEXTS.length)] ?? '';
  const list = <T>(make: (i: number) => T, most: number): T[] =>
    Array.from({ length: dice(most + 1) }, (_, i) => make(i));
  const entry = (): unknown => {
    if (dice(12) === 0) return dice(2) === 0 ? null : text();
    const fields: [string, unknown][] = [
      ['version', dice(8) === 0 ? null : text()],
      ['urls', list(text, 3)],
      ['description', text()],
      ['appVersion', text()],
      ['created', text()],
      ['digest', dice(2) === 0 ? 'ab'.repeat(32) : text()],
      ['annotations', Object.fromEntries(list((i) => [`key-${i}`, text()], 3))],
      ['dependencies', list(() => ({ name: text(), version: text(), tags: list(text, 2) }), 2)],
      ['keywords', list(text, 3)],
    ];
    return Object.fromEntries(fields.filter(() => dice(6) > 0).toSorted(() => dice(3) - 1));
  };
  const entries = Object.fromEntries(list((i) => [`chart-${i}`, list(entry, 4)], 4));
  return { apiVersion: 'v1', annotations: { more: text() }, entries, generated: text() };
}

const kept = (charts: readonly IndexedChart[]): unknown => charts.map(({ name, versions }) => ({ name, versions }));

function expected({ entries }: RandomIndex): unknown {
  return Object.entries(entries).flatMap(([name, list]) => {
    const versions = list.flatMap((value) => {
      const entry = toEntry(value);
      if (entry === null) return [];
      const { version, url, digest, created, appVersion } = entry;
      return [{ version, url, digest, created, appVersion }];
    });
    return versions.length === 0 ? [] : [{ name, versions }];
  });
}
