// Behind every npm script: runs on any Node from 20 on, brings the dependencies and Node 24, and hands over to it.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { refusal, thisMachine } from './boot/machine.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ESLINT = ['node_modules/eslint/bin/eslint.js', '.'];
const PRETTIER = ['node_modules/prettier/bin/prettier.cjs', '--check', '.'];
const TSC = ['node_modules/typescript/bin/tsc', '-p', '.'];
const CLI = ['start', 'stop', 'reset', 'remove', 'token', 'compose-setup'];
const OTHERS = ['clean', 'test', 'test:image', 'test:matrix', 'test:soak', 'bench', 'lint', 'types'];
/** What needs the tools as well. */
const NEED_TOOLS = ['start', 'test', 'test:image', 'test:matrix', 'test:soak', 'bench'];

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`holdfast: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** @param {string[]} argv */
async function main([command = '', ...args]) {
  const reason = refusal(thisMachine());
  if (reason !== null) throw new Error(reason);
  // Only now: what they import from Node may be unknown to one that is refused.
  const { clean, mayRun } = await import('./boot/clean.mjs');
  const { ensureDependencies, isInstalled } = await import('./boot/dependencies.mjs');
  if (command === 'clean') {
    if (mayRun(ROOT)) await stop(await ensureDependencies(ROOT));
    clean(ROOT);
    return 0;
  }
  const runs = programs(command, args);
  if (runs === null) {
    throw new Error(`unknown command "${command}": one of ${[...CLI, ...OTHERS].join(', ')}`);
  }
  if (NEED_TOOLS.includes(command) && !isInstalled(ROOT)) sayWhatIsAhead();
  const node = await ensureDependencies(ROOT);
  let worst = 0;
  for (const program of runs) worst = Math.max(worst, await run(node, program));
  return worst;
}

/** The programs that a command runs one after the other. @param {string} command @param {string[]} args */
function programs(command, args) {
  if (CLI.includes(command)) return [['stack/cli.ts', command, ...args]];
  if (command === 'test') return [['stack/test.ts', ...args]];
  if (command === 'test:image') return [['stack/test-image.ts', ...args]];
  if (command === 'test:matrix') return [['test/faults/matrix/main.ts', ...args]];
  if (command === 'test:soak') return [['test/soak/main.ts', ...args]];
  if (command === 'bench') return [['bench/main.ts', ...args]];
  if (command === 'types') return [[...TSC, ...args]];
  if (command === 'lint') return [[...ESLINT, ...args], PRETTIER];
  return null;
}

/** On a fresh clone the tools cannot be looked for before the dependencies are there, so the whole way is outlined. */
function sayWhatIsAhead() {
  console.log('first run in this clone. What will happen:');
  console.log('  1. dependencies from the npm registry: about 1 min, 0.7 GB in node_modules');
  console.log(
    '  2. tools that this machine does not have yet: about 2 min where their publishers can be reached, else',
  );
  console.log(
    '     built with Go in about 15 min on two cores, with 12 GB of disk meanwhile (0.8 GB stay) and 3 GB of memory',
  );
  console.log('  `npm run clean` removes all of it again');
}

/** @param {string} node */
async function stop(node) {
  const code = await run(node, ['stack/cli.ts', 'stop']);
  if (code !== 0) throw new Error('the running stack could not be stopped, so nothing was removed');
}

/**
 * Run a program on Node 24 and answer its exit code.
 * @param {string} node @param {string[]} args
 */
async function run(node, args) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` };
  const [file = '', ...rest] = args;
  const child = spawn(node, [join(ROOT, file), ...rest], { cwd: ROOT, env, stdio: 'inherit' });
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    // A terminal sends Ctrl-C to the child as well; a second one would mean "at once".
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0));
    });
  });
}
