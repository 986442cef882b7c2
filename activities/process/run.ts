import { spawn, type ChildProcess } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HelmProcess } from '../../workflows/core/model.ts';
import { failure } from '../failures.ts';
import { identify, signalGroup } from './identity.ts';

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

const MAX_STDOUT = 1024 * 1024;
const MAX_STDERR = 64 * 1024;
/** How long pipes may stay open after the end: a grandchild may hold them. */
const PIPES_GRACE_MS = 1_000;

/**
 * Run a command in a process group of its own that dies with this process, also when this one is killed. Answers
 * however the command ended; throws only when it could not be started.
 */
export async function run(command: Command): Promise<Ended> {
  command.signal?.throwIfAborted();
  await checkExecutable(command.file);
  const child = start(command);
  const stdout = collectHead(child, command.maxStdout ?? MAX_STDOUT);
  const stderr = collectTail(child);
  const ending = watchForEnd(child, command);
  child.stdin?.on('error', () => undefined); // EPIPE: it did not want its input
  child.stdin?.end(command.stdin ?? '');
  const exit = ended(child, command.file);
  void report(child, command);
  try {
    const { code, signal } = await exit;
    return { code, signal, ...stdout(), stderr: stderr(), by: ending.by() };
  } finally {
    ending.stop();
  }
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

function start(command: Command): ChildProcess {
  const { file, args, env, cwd } = command;
  const guarded = command.guard === 'pipe' ? guardByPipe(file, args) : guardOfSystem(file, args);
  return spawn(guarded.file, guarded.args, {
    cwd,
    env,
    detached: true,
    stdio: guarded.pipe ? ['pipe', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe'],
  });
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/**
 * The parent may die before the death signal is armed. The shell then has another parent than the one named to it,
 * and does not go on.
 */
const ONLY_WITH_PARENT = '[ "$PPID" = "$0" ] || exit 70; exec "$@"';

interface Guarded {
  readonly file: string;
  readonly args: readonly string[];
  /** The guard watches a pipe instead of its parent. */
  readonly pipe: boolean;
}

function guardOfSystem(file: string, args: readonly string[]): Guarded {
  if (process.platform === 'linux' && SETPRIV !== undefined) return guardByKernel(SETPRIV, file, args);
  return guardByPipe(file, args);
}

function guardByKernel(setpriv: string, file: string, args: readonly string[]): Guarded {
  const shell = ['/bin/sh', '-c', ONLY_WITH_PARENT, String(process.pid), file, ...args];
  return { file: setpriv, args: ['--pdeathsig', 'KILL', '--', ...shell], pipe: false };
}

/** For systems without a parent-death signal. */
function guardByPipe(file: string, args: readonly string[]): Guarded {
  const guardFile = fileURLToPath(new URL('./guard.ts', import.meta.url));
  return { file: process.execPath, args: [guardFile, file, ...args], pipe: true };
}

async function report(child: ChildProcess, { onStart }: Command): Promise<void> {
  if (onStart === undefined || child.pid === undefined) return;
  const identity = await identify(child.pid);
  if (identity !== null) onStart(identity);
}

function ended(child: ChildProcess, file: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      reject(failure('Unexpected', `cannot run ${file}: ${codeOf(error)}`, error));
    });
    child.on('exit', (code, signal) => {
      const done = (): void => {
        clearTimeout(timer);
        resolve({ code, signal });
      };
      const timer = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        done();
      }, PIPES_GRACE_MS);
      child.on('close', done);
    });
  });
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.name;
}

function watchForEnd(
  child: ChildProcess,
  { signal, timeoutMs, graceMs = 10_000 }: Command,
): { by: () => Ended['by']; stop: () => void } {
  let by: Ended['by'] = 'itself';
  const timers: NodeJS.Timeout[] = [];
  const end = (why: Ended['by']): void => {
    if (by !== 'itself' || child.pid === undefined) return;
    by = why;
    const pid = child.pid;
    signalGroup(pid, 'SIGTERM');
    timers.push(
      setTimeout(() => {
        signalGroup(pid, 'SIGKILL');
      }, graceMs),
    );
  };
  const abort = (): void => {
    end('abort');
  };
  signal?.addEventListener('abort', abort, { once: true });
  if (timeoutMs !== undefined) timers.push(setTimeout(end, timeoutMs, 'timeout'));
  return {
    by: () => by,
    stop: () => {
      signal?.removeEventListener('abort', abort);
      timers.forEach((timer) => {
        clearTimeout(timer);
      });
    },
  };
}

function collectHead(child: ChildProcess, limit: number): () => { stdout: Buffer; stdoutCut: boolean } {
  const chunks: Buffer[] = [];
  let size = 0;
  let cut = false;
  child.stdout?.on('data', (chunk: Buffer) => {
    cut ||= size + chunk.length > limit;
    if (size < limit) chunks.push(chunk.subarray(0, limit - size));
    size += chunk.length;
  });
  return () => ({ stdout: Buffer.concat(chunks), stdoutCut: cut });
}

function collectTail(child: ChildProcess): () => string {
  let tail = Buffer.alloc(0);
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > MAX_STDERR) tail = tail.subarray(tail.length - MAX_STDERR);
  });
  return () => tail.toString('utf8');
}
