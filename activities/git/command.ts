import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { simpleGit } from 'simple-git';
import { failure } from '../failures.ts';
import { childEnvironment } from '../process/run.ts';
import { toGitFailure } from './errors.ts';

/** One git command, of a fixed shape: user text appears only behind `--`, and never as an option. */
export interface GitCommand {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly stdin?: string;
  readonly signal: AbortSignal;
  /** Address of the remote, for messages and for the scope of the credential. Null: no network. */
  readonly url: string | null;
  /** Value of the header `Authorization`, sent to the origin of `url` only. */
  readonly authorization?: string | null;
  readonly maxOutputBytes: number;
}

export type RunGit = (command: GitCommand) => Promise<Buffer>;

const GROUP = fileURLToPath(new URL('./group.sh', import.meta.url));

/** Redirects stay off: git sends an extra header to wherever it is redirected. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['http.followRedirects', 'false'],
  ['http.lowSpeedLimit', '1000'],
  ['http.lowSpeedTime', '30'],
  ['transfer.fsckObjects', 'true'],
  ['transfer.bundleURI', 'false'],
  ['fetch.recurseSubmodules', 'no'],
  ['fetch.writeCommitGraph', 'false'],
  ['fetch.unpackLimit', '1'],
  ['protocol.version', '2'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['core.symlinks', 'false'],
];

const FIXED = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'https:http',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_OPTIONAL_LOCKS: '0',
};

/**
 * The one factory of git commands. `HOME` is an empty folder for each command; nothing of the user's or the system's
 * configuration is read; secrets travel in the environment, never in argv.
 */
export function createGitCommand({ git, tmp }: { readonly git: string; readonly tmp: string }): RunGit {
  return async (command) => {
    command.signal.throwIfAborted();
    await mkdir(tmp, { recursive: true, mode: 0o700 });
    const home = await mkdtemp(join(tmp, 'git-home-'));
    try {
      return await spawnGit(command, git, environment(command, { git, home }));
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  };
}

async function spawnGit(command: GitCommand, git: string, env: Record<string, string>): Promise<Buffer> {
  const tooMuch = new AbortController();
  const client = simpleGit({
    baseDir: command.cwd,
    // Only a git that talks to a server starts others and may hang.
    binary: command.url === null ? git : ['/bin/sh', GROUP],
    abort: AbortSignal.any([command.signal, tooMuch.signal]),
    completion: { onClose: true, onExit: false },
    maxConcurrentProcesses: 1,
    allowEnvironment: Object.keys(env),
    // The binary and every configuration key are ours, not the user's.
    unsafe: { allowUnsafeCustomBinary: true, allowUnsafeConfigEnvCount: true },
    input: () => command.stdin,
    // The default takes an exit code without a word on stderr for a success.
    errors: (error, { exitCode, stdErr }) =>
      error ?? (exitCode === 0 ? undefined : Buffer.concat([Buffer.from(`exit ${String(exitCode)}\n`), ...stdErr])),
  }).env(env);
  let bytes = 0;
  client.outputHandler((_file, stdout) => {
    stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > command.maxOutputBytes) tooMuch.abort();
    });
  });
  try {
    return await asBuffer(client, command.args);
  } catch (error) {
    command.signal.throwIfAborted();
    if (tooMuch.signal.aborted) throw failure('GitTooLarge', `git ${command.args[0] ?? ''} answered with too much`);
    throw toGitFailure(error instanceof Error ? error.message : '', command.url);
  }
}

/** `binaryCatFile` is simple-git's only command that answers bytes; all others answer text. */
async function asBuffer(client: ReturnType<typeof simpleGit>, [verb, ...args]: readonly string[]): Promise<Buffer> {
  if (verb !== 'cat-file') return Buffer.from(await client.raw([verb ?? '', ...args]));
  const answer: unknown = await client.binaryCatFile(args);
  return Buffer.isBuffer(answer) ? answer : Buffer.from(String(answer));
}

function environment(
  { url, authorization }: GitCommand,
  { git, home }: { readonly git: string; readonly home: string },
): Record<string, string> {
  const settings = [...SETTINGS];
  if (url !== null && authorization != null) {
    settings.push([`http.${new URL(url).origin}/.extraHeader`, `Authorization: ${authorization}`]);
  }
  const config: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  settings.forEach(([key, value], index) => {
    config[`GIT_CONFIG_KEY_${String(index)}`] = key;
    config[`GIT_CONFIG_VALUE_${String(index)}`] = value;
  });
  return {
    ...childEnvironment(home, FIXED),
    ...config,
    HOLDFAST_GIT: git,
    HOLDFAST_WORKER: String(process.pid),
  };
}
