import { spawn, type ChildProcess } from 'node:child_process';
import { guardByPipe, guardBySystem } from './guarded.ts';
import { identify, signalGroup } from './identity.ts';
import type { Command, Ended } from './run.ts';

const MAX_STDOUT = 1024 * 1024;
const MAX_STDERR = 64 * 1024;
/** How long pipes may stay open after the end: a grandchild may hold them. */
const PIPES_GRACE_MS = 1_000;

/** Run a command to its end, as a child of this process. Throws what `spawn` says when it could not be started. */
export async function perform(command: Command): Promise<Ended> {
  const child = start(command);
  const stdout = collectHead(child, command.maxStdout ?? MAX_STDOUT);
  const stderr = collectTail(child);
  const ending = watchForEnd(child, command);
  child.stdin?.on('error', () => undefined); // EPIPE: it did not want its input
  child.stdin?.end(command.stdin ?? '');
  const exit = ended(child);
  void report(child, command);
  try {
    const { code, signal } = await exit;
    return { code, signal, ...stdout(), stderr: stderr(), by: ending.by() };
  } finally {
    ending.stop();
  }
}

function start(command: Command): ChildProcess {
  const { file, args, env, cwd } = command;
  const guarded = (command.guard === 'pipe' ? guardByPipe : guardBySystem)(file, args);
  return spawn(guarded.file, guarded.args, {
    cwd,
    env,
    detached: true,
    stdio: guarded.pipe ? ['pipe', 'pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe'],
  });
}

async function report(child: ChildProcess, { onStart }: Command): Promise<void> {
  if (onStart === undefined || child.pid === undefined) return;
  const identity = await identify(child.pid);
  if (identity !== null) onStart(identity);
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
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
