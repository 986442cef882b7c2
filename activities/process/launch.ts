import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HelmProcess } from '../../workflows/core/model.ts';
import { failure } from '../failures.ts';
import { guardByKernel } from './guarded.ts';
import type { Command, Ended } from './run.ts';

/** What the launcher is told. */
export type Order =
  | { readonly kind: 'run'; readonly id: number; readonly command: Omit<Command, 'signal' | 'onStart'> }
  | { readonly kind: 'end'; readonly id: number };

/** What the launcher tells. */
export type News =
  | { readonly kind: 'started'; readonly id: number; readonly process: HelmProcess }
  | { readonly kind: 'ended'; readonly id: number; readonly ended: Ended }
  | { readonly kind: 'notStarted'; readonly id: number; readonly why: string };

interface Waiting {
  readonly tell: (news: News) => void;
  readonly lose: (how: Error | null) => void;
}

interface Launcher {
  readonly child: ChildProcess;
  readonly waiting: Map<number, Waiting>;
}

let launcher: Launcher | undefined;
let orders = 0;

/**
 * Have a command run by the launcher, which is started for the first one. Should the launcher be killed, its commands
 * are killed with it, and the next command gets another launcher.
 */
export function launch({ signal, onStart, ...command }: Command): Promise<Ended> {
  const { child, waiting } = (launcher ??= startLauncher());
  const id = (orders += 1);
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const end = (): void => {
    send(child, { kind: 'end', id });
  };
  waiting.set(id, {
    tell: (news) => {
      if (news.kind === 'started') onStart?.(news.process);
      else if (news.kind === 'ended') resolve(news.ended);
      else reject(failure('Unexpected', `cannot run ${command.file}: ${news.why}`));
    },
    lose: (error) => {
      if (error === null) resolve(killed(signal?.aborted === true ? 'abort' : 'itself'));
      else reject(failure('Unexpected', `cannot run ${command.file}: ${error.message}`, error));
    },
  });
  signal?.addEventListener('abort', end, { once: true });
  child.channel?.ref();
  send(child, { kind: 'run', id, command });
  return promise.finally(() => {
    signal?.removeEventListener('abort', end);
    waiting.delete(id);
    if (waiting.size === 0) child.channel?.unref();
  });
}

/** An order that cannot be sent any more is lost with its launcher, which is noticed by its end. */
function send(child: ChildProcess, order: Order): void {
  child.send(order, () => undefined);
}

function startLauncher(): Launcher {
  const file = fileURLToPath(new URL('./launcher.ts', import.meta.url));
  // Where the kernel does not end it, it ends itself as soon as the channel to this process closes.
  const guarded = guardByKernel(process.execPath, [file]) ?? { file: process.execPath, args: [file] };
  const child = spawn(guarded.file, guarded.args, {
    cwd: '/',
    // It needs nothing, and what the worker's environment holds is nobody else's.
    env: {},
    // A group of its own: a Ctrl-C for the worker must not end what the worker wants to see end by itself.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const started = { child, waiting: new Map<number, Waiting>() };
  const forget = (): void => {
    if (launcher === started) launcher = undefined;
  };
  const lose = (how: Error | null): void => {
    forget();
    for (const waiting of [...started.waiting.values()]) waiting.lose(how);
  };
  child.on('message', (news: News) => started.waiting.get(news.id)?.tell(news));
  child.once('error', lose);
  // The exit: by then its commands were sent their death signal. The end of the channel: nothing more is to be read.
  void Promise.all([once(child, 'exit').finally(forget), once(child, 'disconnect').finally(forget)]).then(
    () => {
      lose(null);
    },
    () => undefined, // an `error`, which was told above
  );
  child.unref();
  child.channel?.unref();
  return started;
}

function killed(by: Ended['by']): Ended {
  return { code: null, signal: 'SIGKILL', stdout: Buffer.alloc(0), stdoutCut: false, stderr: '', by };
}
