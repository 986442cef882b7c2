/**
 * `npm test`: lint, types and all tests on a stack of their own. With file arguments (or patterns): these tests only.
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { linkTools } from './bin.ts';
import { interruption, runInForeground } from './foreground.ts';
import { CHECKOUT } from './state.ts';
import { TEST_RUNNER } from './test-runner.ts';
import { startTestStack, TEST_PARTS, type TestStack } from './test-stack.ts';
import { describePlan, planTools, resolveTools, TOOL_NAMES } from './tools/index.ts';

const ALL = 'test/**/*.test.ts';

/** Programs that check the source, each in its own words. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  types: ['node_modules/typescript/bin/tsc', '-p', '.'],
  lint: ['node_modules/eslint/bin/eslint.js', '.'],
  format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
};

const interrupt = interruption();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`holdfast: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function main(patterns: readonly string[]): Promise<number> {
  const files = findFiles(patterns);
  for (const line of describePlan(await planTools(TOOL_NAMES))) console.log(line);
  const paths = await resolveTools(TOOL_NAMES, { signal: interrupt });
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-bin-'));
  let stack: TestStack | null = null;
  try {
    const starting = startTestStack(linkTools(folder, paths), TEST_PARTS);
    // Checked below; a failed start must not end the process while the checks still run.
    starting.catch(() => undefined);
    const checked = patterns.length > 0 || (await runChecks());
    stack = await starting;
    const tested = await runTests(files, stack);
    return checked && tested ? 0 : 1;
  } finally {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Test files of all patterns; one that names none is a mistake, not a success. */
function findFiles(patterns: readonly string[]): string[] {
  const found = (patterns.length === 0 ? [ALL] : patterns).map((pattern) => {
    const files = globSync(pattern, { cwd: CHECKOUT }).filter((file) => file.endsWith('.test.ts'));
    if (files.length === 0) throw new Error(`no test file matches "${pattern}"`);
    return files;
  });
  return [...new Set(found.flat())].sort();
}

async function runChecks(): Promise<boolean> {
  let passed = true;
  for (const [name, args] of Object.entries(CHECKS)) {
    if (interrupt.aborted) return false;
    const code = await run(args, process.env);
    console.log(code === 0 ? `${name}: passed` : `${name}: FAILED`);
    passed &&= code === 0;
  }
  return passed;
}

async function runTests(files: readonly string[], { env }: TestStack): Promise<boolean> {
  if (interrupt.aborted) return false;
  return (await run([...TEST_RUNNER, '--test-concurrency=2', ...files], { ...testEnvironment(), ...env })) === 0;
}

/** What tests inherit: nothing that would point a part at a cluster or a Temporal of the user's. */
function testEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(KUBECONFIG$|TEMPORAL_|HOLDFAST_(?!CACHE_DIR$|TOOL_|TEST_))/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return runInForeground([process.execPath, ...args], { env, interrupt });
}
