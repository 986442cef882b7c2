import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { HelmProcess } from '../../workflows/core/model.ts';
import { failure } from '../failures.ts';
import { launch } from './launch.ts';

export interface Command {
  /** Absolute path of the executable. */
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment of the child; see `childEnvironment`. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdin?: string | undefined;
  /** Kept bytes of stdout, from the start. Default 1 MiB. */
  readonly maxStdout?: number;
  /** SIGTERM to the group when it fires, SIGKILL `graceMs` later. */
  readonly signal?: AbortSignal | undefined;
  readonly graceMs?: number;
  /** The same, when it runs for longer than this. */
  readonly timeoutMs?: number;
  /** Called once with what is needed to find the process again; not when it ended before it could be asked. */
  readonly onStart?: (process: HelmProcess) => void;
  /** How it dies with this process; the kernel's parent-death signal where there is one, else a watched pipe. */
  readonly guard?: 'system' | 'pipe';
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  /** More came than `maxStdout`. */
  readonly stdoutCut: boolean;
  /** The last 64 KiB. */
  readonly stderr: string;
  /** Why it ended: by itself, or because we ended it. */
  readonly by: 'itself' | 'abort' | 'timeout';
}

/**
 * Run a command in a process group of its own that dies with this process, also when this one is killed. Answers
 * however the command ended; throws only when it could not be started.
 */
export async function run(command: Command): Promise<Ended> {
  command.signal?.throwIfAborted();
  await checkExecutable(command.file);
  return launch(command);
}

/** Variables of the worker that a child may see; everything else is named by the caller. */
const INHERITED = [
  'PATH',
  'TMPDIR',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
];
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** The environment of a child: an allow-list of ours, `HOME` in a private folder, fixed language. */
export function childEnvironment(
  home: string,
  extra: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const inherited: Record<string, string> = {};
  for (const name of [...INHERITED, ...PROXIES, ...PROXIES.map((proxy) => proxy.toLowerCase())]) {
    const value = process.env[name];
    if (value !== undefined) inherited[name] = value;
  }
  return { ...inherited, LC_ALL: 'C', HOME: home, ...extra };
}

/** The guard would start in any case, and its complaint would look like the command's. */
async function checkExecutable(file: string): Promise<void> {
  try {
    await access(file, constants.X_OK);
  } catch (error) {
    throw failure('Unexpected', `cannot run ${file}: no such executable; check the settings of the worker`, error);
  }
}
