/** The command line as a person runs it, with tools and ports chosen for tests. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../stack/ports.ts';
import { TOOL_NAMES } from '../../stack/tools/index.ts';
import { toolsFolder } from './harness.ts';

export interface Result {
  readonly code: number;
  readonly output: string;
}

export const CLI = fileURLToPath(new URL('../../stack/cli.ts', import.meta.url));

/** An environment in which `npm start` keeps its state in `root`, on ports that nobody has. */
export async function cliEnvironment(root: string, home: string): Promise<Record<string, string>> {
  const bin = await toolsFolder();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  writeFileSync(join(root, 'ports.json'), JSON.stringify(await freePorts()));
  const tools = TOOL_NAMES.map((name) => [`HOLDFAST_TOOL_${name.toUpperCase().replaceAll('-', '_')}`, join(bin, name)]);
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    HOLDFAST_STATE_DIR: root,
    ...(Object.fromEntries(tools) as Record<string, string>),
  };
}

export function runCli(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Result> {
  return run(process.execPath, [CLI, ...args], env);
}

/** Runs a program without a terminal; never throws for what the program does. */
export function run(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(command, [...args], { env, encoding: 'utf8' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout + stderr });
    });
    child.stdin?.end();
  });
}
