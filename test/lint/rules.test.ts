import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { before, describe, it } from 'node:test';
import { ESLint, type Linter } from 'eslint';

const ROOT = join(import.meta.dirname, '..', '..');
/** A small copy of the layout, whose files break rules on purpose and say where: `// breaks: rule, rule`. */
const FIXTURES = join(import.meta.dirname, 'fixtures');

/** With the fixtures as working directory, the patterns of the configuration match their paths. */
const eslint = new ESLint({ cwd: FIXTURES, overrideConfigFile: join(ROOT, 'eslint.config.js') });

let reports: readonly { readonly file: string; readonly messages: readonly Linter.LintMessage[] }[] = [];
before(async () => {
  const results = await eslint.lintFiles(['**/*.ts']);
  reports = results.map(({ filePath, messages }) => ({ file: relative(FIXTURES, filePath), messages }));
});

describe('lint rules', () => {
  it('report what the fixtures break, and nothing else', async () => {
    assert.ok(reports.length > 30, `only ${reports.length} fixtures were found`);
    for (const { file, messages } of reports) {
      const reported = messages.map((message) => `${message.line}: ${message.ruleId ?? 'unused-directive'}`);
      assert.deepEqual([...new Set(reported)].sort(), await marked(file), file);
    }
  });

  it('are each broken by a fixture', async () => {
    const broken = new Set(reports.flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId)));
    const ours = (await entries()).flatMap(({ rules }) => Object.entries(rules ?? {}));
    const unproven = ours.filter(([rule, setting]) => setting !== 'off' && !broken.has(rule)).map(([rule]) => rule);
    assert.deepEqual(unproven, []);
  });

  it('of a layer are each broken by its fixture', async () => {
    const layers = (await entries()).filter(({ name }) => name?.startsWith('holdfast/layer '));
    assert.ok(layers.length > 10, `only ${layers.length} layers were found`);
    for (const { name = '', rules } of layers) {
      const file = join(name.slice('holdfast/layer '.length), 'layer.ts');
      const said = reports.find((report) => report.file === file)?.messages.map(({ message }) => message) ?? [];
      // The rule puts its own sentence before ours.
      const unproven = promises(rules).filter((promise) => !said.some((message) => message.endsWith(promise)));
      assert.deepEqual(unproven, [], `${file} does not break all that layer promises`);
    }
  });
});

describe('dependencies', () => {
  it('do not hold the npm package named oras, which is not the ORAS CLI', async () => {
    const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: object };
    const oras = Object.keys(lock.packages).filter((path) => /(^|\/)oras$/.test(path));
    assert.deepEqual(oras, []);
  });
});

/** `line: rule` for every marker in a fixture, sorted. */
async function marked(file: string): Promise<readonly string[]> {
  const text = await readFile(join(FIXTURES, file), 'utf8');
  const expected = text.split('\n').flatMap((line, index) => {
    const [, below, rules = ''] = /\/\/ breaks( below)?: (.*)$/.exec(line) ?? [];
    const at = index + (below === undefined ? 1 : 2);
    return rules === '' ? [] : rules.split(', ').map((rule) => `${at}: ${rule}`);
  });
  return expected.sort();
}

/** The entries of the configuration that are ours, not those of a preset. */
async function entries(): Promise<readonly Linter.Config[]> {
  const { default: config } = (await import(join(ROOT, 'eslint.config.js'))) as { default: readonly Linter.Config[] };
  return config.filter(({ name }) => name?.startsWith('holdfast/'));
}

function promises(rules: Linter.Config['rules']): readonly string[] {
  const setting = rules?.['@typescript-eslint/no-restricted-imports'];
  // The shape that eslint.config.js gives this rule.
  const [, options] = setting as [string, { patterns: readonly { message: string }[] }];
  return options.patterns.map(({ message }) => message);
}
