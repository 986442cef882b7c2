import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HelmProcess } from '../../workflows/core/model.ts';

/** `unknown`: the process belongs to another machine, another boot or another container. */
export type Life = 'alive' | 'dead' | 'unknown';

/** The identity of a process of this machine; null when it is gone already. */
export async function identify(pid: number, is: HelmProcess['is'] = 'helm'): Promise<HelmProcess | null> {
  const startTime = await startTimeOf(pid);
  return startTime === null ? null : { is, host: hostname(), bootId: await bootId(), pid, startTime };
}

let ourselves: Promise<HelmProcess | null> | undefined;

/** This worker. */
export function identifyWorker(): Promise<HelmProcess | null> {
  ourselves ??= identify(process.pid, 'worker');
  return ourselves;
}

/** Tells whether a process still runs. A pid that was given to another process since counts as dead. */
export async function isAlive(process: HelmProcess): Promise<Life> {
  if (process.host !== hostname() || process.bootId !== (await bootId())) return 'unknown';
  return (await startTimeOf(process.pid)) === process.startTime ? 'alive' : 'dead';
}

/**
 * Kill a process of this machine with its group and wait until it is gone. Answers false when it is still there
 * after `patienceMs`.
 */
export async function endProcess(target: HelmProcess, patienceMs = 10_000): Promise<boolean> {
  const giveUpAt = Date.now() + patienceMs;
  while ((await isAlive(target)) === 'alive') {
    if (Date.now() > giveUpAt) return false;
    signalGroup(target.pid, 'SIGKILL');
    await sleep(20);
  }
  return true;
}

/** Signal a whole process group; a group that is gone is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}

let knownBootId: Promise<string> | undefined;

function bootId(): Promise<string> {
  knownBootId ??= readBootId();
  return knownBootId;
}

async function readBootId(): Promise<string> {
  if (process.platform === 'linux') return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return ask('sysctl', ['-n', 'kern.bootsessionuuid']);
}

async function startTimeOf(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') {
    const started = await ask('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return started === '' ? null : started;
  }
  try {
    return startTimeFromStat(await readFile(`/proc/${String(pid)}/stat`, 'utf8'));
  } catch {
    // no such process, or it ended while we read
    return null;
  }
}

/** Field 22 of `/proc/<pid>/stat`, null for a zombie. Field 2, the name, may hold spaces and brackets. */
export function startTimeFromStat(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? null : (fields[19] ?? null);
}

function ask(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 5_000 }, (_error, stdout) => {
      resolve(stdout.trim());
    });
  });
}
