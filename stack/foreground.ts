/** Commands that run programs where a person watches, and end them when the person has enough. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import { CHECKOUT } from './state.ts';

/** Aborted by the first signal that asks this process to end; from then on its exit code is that of the signal. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Not once: who ends a whole process group sends it twice, and the second must not keep us from clearing up.
    process.on(signal, () => {
      controller.abort(signal);
    });
  }
  process.once('exit', () => {
    if (controller.signal.aborted) process.exitCode = 128 + constants.signals[signalOf(controller.signal)];
  });
  return controller.signal;
}

function signalOf({ reason }: AbortSignal): NodeJS.Signals {
  // Only `interruption` aborts it.
  return reason as NodeJS.Signals;
}

interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly interrupt: AbortSignal;
  /** `all`: a program that does not end what it has started itself; default: `program`. */
  readonly ends?: 'program' | 'all';
}

/** Runs a program in the checkout, its output where ours goes; answers its exit code. */
export function runInForeground(
  [command, ...args]: readonly [string, ...string[]],
  { env, interrupt, ends = 'program' }: Surroundings,
): Promise<number> {
  if (interrupt.aborted) return Promise.resolve(1);
  const child = spawn(command, args, { cwd: CHECKOUT, env, stdio: 'inherit', detached: ends === 'all' });
  const end = (): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(ends === 'all' ? -child.pid : child.pid, 'SIGTERM');
  };
  interrupt.addEventListener('abort', end);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      interrupt.removeEventListener('abort', end);
      resolve(code ?? 1);
    });
  });
}
