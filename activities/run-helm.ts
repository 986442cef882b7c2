import { join } from 'node:path';
import type { HelmProcess } from '../workflows/core/model.ts';
import { failure } from './failures.ts';
import { helmEnvironment } from './helm/environment.ts';
import type { Call, Toolbox } from './operation.ts';
import { run, type Ended } from './process/run.ts';

/** Told to stop, helm marks its record failed and ends; this is the time for that. */
const KILL_GRACE_MS = 30_000;

export interface HelmRun {
  readonly args: readonly string[];
  /** Private; its homes are in here. */
  readonly folder: string;
  /** It is told to stop after this: every operation of its own timeout, and the time to render. */
  readonly limitMs: number;
  readonly found?: (process: HelmProcess) => void;
  readonly keepStdout?: boolean;
}

/** Helm's `--timeout` is per operation: pre hook, wait, post hook and a clean-up may each take it. */
export function limitOf(timeoutMs: number): number {
  return 4 * timeoutMs + 90_000;
}

/** Run a helm to its end. It dies with this worker, and is told to stop when the call is cancelled. */
export async function runHelm(
  { executables, folders, kubeconfig }: Toolbox,
  { signal }: Call,
  { args, folder, limitMs, found, keepStdout = false }: HelmRun,
): Promise<Ended> {
  return run({
    file: executables.helm,
    args,
    env: await helmEnvironment(folder, { discovery: join(folders.tmp, 'discovery'), kubeconfig: kubeconfig.file }),
    cwd: folder,
    signal,
    graceMs: KILL_GRACE_MS,
    timeoutMs: limitMs,
    // What an install prints holds rendered Secrets and is of no use.
    maxStdout: keepStdout ? 16 * 1024 * 1024 : 0,
    ...(found === undefined ? {} : { onStart: found }),
  });
}

/** Why a helm did not come to an end of its own, if so. What it left is found by the next look. */
export function interruption(ended: Ended, what: string): Error | null {
  if (ended.by === 'abort') return failure('Interrupted', `${what} was told to stop`);
  if (ended.by === 'timeout') return failure('Interrupted', `${what} was ended: it took longer than all its timeouts`);
  if (ended.signal === null) return null;
  return failure('Interrupted', `${what} was killed by ${ended.signal}`);
}
