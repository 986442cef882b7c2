/** What values come to is Helm's to say: every case is put to the real one, and ours has to be the same. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { failure } from '../../../../activities/failures.ts';
import { parseValues } from '../../../../activities/kube/values/parse.ts';
import { setValue } from '../../../../activities/kube/values/set.ts';
import { mergeValues, NO_VALUES, type Values, valuesForHelm } from '../../../../activities/kube/values/value.ts';
import { temporaryFolder, toolsFolder } from '../../../support/harness.ts';

const CHART_VALUES = 'kept: {a: 1, b: [1, 2]}\ngone: {a: 1, b: 2}\n';
const refuse = (why: string) => failure('ValuesSourceInvalid', why);
const parse = (text: string): Values => parseValues(text, refuse);

let helm: string;
let folder: string;
let files = 0;

before(async () => {
  helm = join(await toolsFolder(), 'helm');
  folder = temporaryFolder();
  mkdirSync(join(folder, 'chart', 'templates'), { recursive: true });
  writeFileSync(join(folder, 'chart', 'Chart.yaml'), 'apiVersion: v2\nname: chart\nversion: 1.0.0\n');
  writeFileSync(join(folder, 'chart', 'values.yaml'), CHART_VALUES);
  // As JSON for what they are, and as text for how numbers look in a template.
  const every = '{{ range $k, $v := .Values }}{{ $k }}={{ $v }};{{ end }}';
  writeFileSync(
    join(folder, 'chart', 'templates', 'a.yaml'),
    `json: {{ toJson .Values | quote }}\ntext: {{ tpl ${JSON.stringify(every)} . | quote }}\n`,
  );
});

/** What a template sees. */
async function render(args: readonly string[]): Promise<string> {
  const env = { HOME: folder, HELM_NO_PLUGINS: '1' };
  return (await promisify(execFile)(helm, ['template', 'x', join(folder, 'chart'), ...args], { env })).stdout;
}

function fileOf(text: string): string {
  files += 1;
  const file = join(folder, `values-${files}.yaml`);
  writeFileSync(file, text);
  return `--values=${file}`;
}

describe('merged values render as those that helm merges itself', () => {
  const cases: { name: string; texts: readonly string[] }[] = [
    { name: 'maps key by key', texts: ['a: {b: 1, c: {d: 2}}', 'a: {c: {e: 3}, f: 4}'] },
    { name: 'lists as a whole', texts: ['a: [1, 2, 3]', 'a: [4]'] },
    { name: 'another kind', texts: ['a: {b: 1}', 'a: text', 'a: {c: 1}'] },
    { name: 'null that deletes what the chart has', texts: ['gone: null', 'kept: {a: null}'] },
    {
      name: 'null over a lower source, and a value over null',
      texts: ['gone: {a: 9}\nx: 1', 'gone: null\nx: null', 'x: 2'],
    },
    { name: 'nothing', texts: ['', '# only a comment', '{}'] },
    {
      name: 'large and small numbers',
      texts: [
        'a: 1000000\nb: 18446744073709551615\nc: -9223372036854775808',
        'd: 1e21\ne: 1.0\nf: 1.5e-7\ng: 100000000000000000000000\nh: 1e6',
      ],
    },
    {
      name: 'words of YAML 1.1',
      texts: ['a: yes\nb: off\nc: 0123\nd: 0x1f\ne: 12:30\nf: 2026-01-02\ng: ~', 'h: "yes"\ni: 1_000'],
    },
    { name: 'text of all kinds', texts: ['a: |\n  x\n  y\nb: "\\u00e9\\t"\nc: "<&>"', "d: 'it''s'\ne: é"] },
    { name: 'keys that are not text', texts: ['m: {1: a, true: b}', 'm: {2: c}'] },
  ];
  for (const { name, texts } of cases) {
    it(name, async () => {
      const merged = texts.map(parse).reduce(mergeValues, NO_VALUES);
      assert.equal(await render([fileOf(valuesForHelm(merged))]), await render(texts.map(fileOf)));
    });
  }
});

describe('a value at a targetPath is what helm --set makes of it', () => {
  const BASE = 'a: {b: 1}\nl: [{x: 1}, 2]\ns: text\n';
  const cases: { name: string; path: string; text: string; literal?: true }[] = [
    { name: 'text', path: 'tls.crt', text: 'word' },
    { name: 'an empty text', path: 'a.c', text: '' },
    { name: 'over what is there', path: 'a.b', text: '2' },
    { name: 'words', path: 'a.c', text: 'TRUE' },
    { name: 'null', path: 'a.b', text: 'null' },
    { name: 'zero', path: 'a.c', text: '0' },
    { name: 'a number that begins with a zero', path: 'a.c', text: '0123' },
    { name: 'a number with a sign', path: 'a.c', text: '-12' },
    { name: 'a number that is too large', path: 'a.c', text: '9223372036854775808' },
    { name: 'a fraction, which is text', path: 'a.c', text: '1.5' },
    { name: 'a list', path: 'a.c', text: '{x,1,true}' },
    { name: 'an escaped comma', path: 'a.c', text: 'x\\,y' },
    { name: 'an escaped brace', path: 'a.c', text: '\\{x}' },
    { name: 'an escaped dot in the path', path: 'a.example\\.com/role', text: 'x' },
    { name: 'an item of a list', path: 'l[0].x', text: '2' },
    { name: 'a new item of a list', path: 'l[3].y', text: 'z' },
    { name: 'a list in a list', path: 'n[1][0]', text: '7' },
    { name: 'an equals sign', path: 'a.c', text: 'x=y' },
    { name: 'lines', path: 'a.c', text: 'one\ntwo\n' },
    { name: 'literally', path: 'a.c', text: 'x,{y}\\"true', literal: true },
    { name: 'a literal word', path: 'a.c', text: 'true', literal: true },
  ];
  for (const { name, path, text, literal } of cases) {
    it(name, async () => {
      const ours = setValue(parse(BASE), { path, text, literal: literal ?? false }, refuse);
      const flag = literal ? '--set-literal' : '--set';
      assert.equal(
        await render([fileOf(valuesForHelm(ours))]),
        await render([fileOf(BASE), `${flag}=${path}=${text}`]),
      );
    });
  }

  it('quotes make it text', () => {
    for (const text of ['"true"', "'true'"]) {
      const set = setValue(NO_VALUES, { path: 'a', text, literal: false }, refuse);
      assert.equal(valuesForHelm(set), '{"a":"true"}');
    }
  });

  const refused: { name: string; path: string; text: string; why: RegExp }[] = [
    { name: 'a comma', path: 'a.c', text: 'canary,canary', why: /holds a comma; write "\\,"/ },
    { name: 'a list without an end', path: 'a.c', text: '{canary', why: /does not end/ },
    { name: 'words behind a list', path: 'a.c', text: '{a}canary', why: /behind its list/ },
    { name: 'a key below a text', path: 's.x', text: 'canary', why: /takes for a mapping what is none, at x/ },
    { name: 'an index below a mapping', path: 'a[0]', text: 'canary', why: /takes for a list what is none, at \[0\]/ },
    { name: 'an index that is too large', path: 'l[99999]', text: 'canary', why: /index/ },
    { name: 'an empty key', path: 'a..b', text: 'canary', why: /empty key/ },
    { name: 'too many steps', path: 'a.'.repeat(40) + 'a', text: 'canary', why: /more than 30 steps/ },
  ];
  for (const { name, path, text, why } of refused) {
    it(`refuses ${name} without quoting the value`, () => {
      assert.throws(
        () => setValue(parse(BASE), { path, text, literal: false }, refuse),
        (error: Error) => why.test(error.message) && !error.message.includes('canary'),
      );
    });
  }
});
