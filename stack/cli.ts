/** The commands behind `npm start`, `npm stop` and the others. Exit codes: 0 done, 1 failed or refused, 2 misused. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { composeSetup, COMPOSE_SETUP_USAGE } from './commands/compose-setup.ts';
import { remove, REMOVE_USAGE } from './commands/remove.ts';
import { start, START_USAGE } from './commands/start.ts';
import { stopStack } from './commands/stop.ts';
import { codeOf, parseOptions, Refusal, UsageError } from './commands/usage.ts';
import { KubectlError } from './kubectl.ts';
import { CHECKOUT, stateOf } from './state.ts';
import { ToolError } from './tools/index.ts';

interface Command {
  readonly usage: string;
  run(args: readonly string[]): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: { usage: START_USAGE, run: start },
  stop: {
    usage: 'usage: npm stop\n\nEnds every process of the stack; its state stays for the next npm start.\n',
    run: stop,
  },
  reset: {
    usage:
      'usage: npm run reset\n\nStops the stack and forgets its state: objects, releases, histories, ports, passwords.\n',
    run: reset,
  },
  remove: { usage: REMOVE_USAGE, run: remove },
  'compose-setup': { usage: COMPOSE_SETUP_USAGE, run: composeSetup },
};

async function stop(args: readonly string[]): Promise<number> {
  parseOptions(args, {});
  console.log((await stopStack(stateOf(process.env))) ? 'stopped' : 'nothing was running');
  return 0;
}

async function reset(args: readonly string[]): Promise<number> {
  parseOptions(args, {});
  const state = stateOf(process.env);
  await stopStack(state);
  rmSync(state.root, { recursive: true, force: true });
  console.log(`${state.root} is gone`);
  return 0;
}

/** The tokens file of this state folder, unless another is named. */
function token(args: readonly string[]): Promise<number> {
  const env = { HOLDFAST_TOKENS_FILE: stateOf(process.env).tokens, ...process.env };
  const child = spawn(process.execPath, [join(CHECKOUT, 'api', 'token.ts'), ...args], { env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  if (name === 'token') return token(args);
  const command = COMMANDS[name];
  if (command === undefined) {
    console.error(`unknown command "${name}": one of ${[...Object.keys(COMMANDS), 'token'].join(', ')}`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof UsageError) console.error(`holdfast: ${error.message}\n\n${command.usage}`);
    else console.error(`holdfast: ${describe(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Errors whose message is all that a person needs. */
const EXPLAINED = [Refusal, ToolError, KubectlError];

function describe(error: unknown): string {
  if (codeOf(error) === 'ENOSPC') return 'the disk is full: free some space, then start again';
  if (EXPLAINED.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// Not left to the end of the event loop: a detached supervisor must not keep its starter.
process.exit(await main(process.argv.slice(2)));
