import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/**
 * The parent may die before the death signal is armed. The shell then has another parent than the one named to it,
 * and does not go on.
 */
const ONLY_WITH_PARENT = '[ "$PPID" = "$0" ] || exit 70; exec "$@"';

/** What is started so that a command dies with this process. */
export interface Guarded {
  readonly file: string;
  readonly args: readonly string[];
  /** The guard watches a pipe instead of its parent. */
  readonly pipe: boolean;
}

/** By the kernel's parent-death signal where there is one, else by a watched pipe. */
export function guardBySystem(file: string, args: readonly string[]): Guarded {
  return guardByKernel(file, args) ?? guardByPipe(file, args);
}

/** Null where the kernel has no parent-death signal, or the system no `setpriv`. */
export function guardByKernel(file: string, args: readonly string[]): Guarded | null {
  if (process.platform !== 'linux' || SETPRIV === undefined) return null;
  const shell = ['/bin/sh', '-c', ONLY_WITH_PARENT, String(process.pid), file, ...args];
  return { file: SETPRIV, args: ['--pdeathsig', 'KILL', '--', ...shell], pipe: false };
}

/** For systems without a parent-death signal. */
export function guardByPipe(file: string, args: readonly string[]): Guarded {
  const guardFile = fileURLToPath(new URL('./guard.ts', import.meta.url));
  return { file: process.execPath, args: [guardFile, file, ...args], pipe: true };
}
