/**
 * Child processes that outlive whoever started them: each leads its own process group and is written down with its
 * start time, so that a later `stop` finds it and never ends a stranger that was given the same pid.
 */
import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessSpec {
  /** Also the name of its pid file and, in messages, of the process. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Both output streams are appended to this file. */
  readonly log: string;
  readonly cwd?: string;
}

/** What identifies a process for good: a pid alone is recycled. */
export interface ProcessIdentity {
  readonly name: string;
  readonly pid: number;
  readonly startTime: string;
}

export interface RunningProcess extends ProcessIdentity {
  readonly log: string;
  /** Resolves with a sentence such as `exited with code 1` once the process is gone; never rejects. */
  readonly exited: Promise<string>;
  /** Null while it runs. */
  exit(): string | null;
  stop(graceMs?: number): Promise<void>;
}

const STOP_GRACE_MS = 10_000;
const POLL_MS = 25;

/** Starts a process in its own group and writes its pid file into `runDir`. */
export async function startProcess(spec: ProcessSpec, runDir: string): Promise<RunningProcess> {
  const child = await spawnDetached(spec);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${spec.name}: ${spec.command} could not be started`);
  let ended: string | null = null;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exited with code ${String(code)}` : `was ended by ${signal}`;
      rmSync(pidFile(runDir, spec.name), { force: true });
      resolve(ended);
    });
  });
  const identity = { name: spec.name, pid, startTime: processStartTime(pid) ?? '' };
  if (child.exitCode === null && child.signalCode === null) writePidFile(runDir, identity);
  child.unref();
  return {
    ...identity,
    log: spec.log,
    exited,
    exit: () => ended,
    stop: (graceMs = STOP_GRACE_MS) => stopProcess(identity, graceMs),
  };
}

async function spawnDetached(spec: ProcessSpec): Promise<ChildProcess> {
  mkdirSync(dirname(spec.log), { recursive: true, mode: 0o700 });
  const log = openSync(spec.log, 'a', 0o600);
  try {
    const child = spawn(spec.command, spec.args, {
      env: { ...spec.env },
      detached: true,
      stdio: ['ignore', log, log],
      ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => {
        reject(new Error(`${spec.name}: cannot run ${spec.command}: ${cause.message}`, { cause }));
      });
    });
    return child;
  } finally {
    closeSync(log);
  }
}

/** Ends the whole group: SIGTERM, after the grace SIGKILL. Does nothing when the pid now belongs to another process. */
export async function stopProcess(identity: ProcessIdentity, graceMs = STOP_GRACE_MS): Promise<void> {
  if (!isAlive(identity)) return;
  signalGroup(identity.pid, 'SIGTERM');
  // A stopped process takes SIGTERM only once it runs again.
  signalGroup(identity.pid, 'SIGCONT');
  if (await isGone(identity, graceMs)) return;
  signalGroup(identity.pid, 'SIGKILL');
  if (await isGone(identity, STOP_GRACE_MS)) return;
  throw new Error(`${identity.name} (pid ${identity.pid}) does not end, not even by SIGKILL`);
}

async function isGone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isAlive(identity)) {
    if (Date.now() >= deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone between the look and the signal: what was wanted.
  }
}

/** True while exactly this process runs. A zombie that nobody has awaited yet counts as gone. */
export function isAlive(identity: ProcessIdentity): boolean {
  const startTime = processStartTime(identity.pid);
  return startTime !== null && startTime === identity.startTime;
}

/** An opaque text that differs between two processes that had the same pid; null when there is none now. */
export function processStartTime(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      // The command, in parentheses, may hold spaces: fields are counted after the last parenthesis.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
    }
    const [state, ...start] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/);
    return state === undefined || state === '' || state.startsWith('Z') ? null : start.join(' ');
  } catch {
    return null;
  }
}

/** Every process that `runDir` knows of and that still runs; pid files of others are removed. */
export function readRunning(runDir: string): ProcessIdentity[] {
  const running: ProcessIdentity[] = [];
  for (const file of listPidFiles(runDir)) {
    const identity = readPidFile(file);
    if (identity !== null && isAlive(identity)) running.push(identity);
    else rmSync(file, { force: true });
  }
  return running;
}

export interface StopOptions {
  readonly graceMs?: number;
  /** By name, where it differs. */
  readonly graces?: Readonly<Record<string, number>>;
  /** Names of what is stopped before the others. */
  readonly first?: readonly string[];
  /** Names of what the others need to take leave; stopped after them, one after another. */
  readonly last?: readonly string[];
}

/** Ends everything that `runDir` knows of and says which processes these were. */
export async function stopAll(runDir: string, options: StopOptions = {}): Promise<readonly string[]> {
  const { graceMs, graces = {}, first = [], last = [] } = options;
  const running = readRunning(runDir);
  const named = (names: readonly string[]) => running.filter(({ name }) => names.includes(name));
  const others = running.filter(({ name }) => !first.includes(name) && !last.includes(name));
  for (const turn of [named(first), others, ...last.map((name) => named([name]))]) {
    await Promise.all(turn.map((identity) => stopProcess(identity, graces[identity.name] ?? graceMs)));
  }
  for (const file of listPidFiles(runDir)) rmSync(file, { force: true });
  return running.map(({ name }) => name);
}

/** Ends everything that `runDir` knows of at once and without waiting: for exit handlers. */
export function killAll(runDir: string): void {
  for (const { pid } of readRunning(runDir)) signalGroup(pid, 'SIGKILL');
}

/** Writes down the calling process. */
export function writeOwnPidFile(runDir: string, name: string): void {
  writePidFile(runDir, { name, pid: process.pid, startTime: processStartTime(process.pid) ?? '' });
}

export function removePidFile(runDir: string, name: string): void {
  rmSync(pidFile(runDir, name), { force: true });
}

function writePidFile(runDir: string, identity: ProcessIdentity): void {
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  writeFileSync(pidFile(runDir, identity.name), `${JSON.stringify(identity)}\n`, { mode: 0o600 });
}

/** One process by its name, if it runs. */
export function readProcess(runDir: string, name: string): ProcessIdentity | null {
  const identity = readPidFile(pidFile(runDir, name));
  return identity !== null && isAlive(identity) ? identity : null;
}

function pidFile(runDir: string, name: string): string {
  return join(runDir, `${name}.pid.json`);
}

function listPidFiles(runDir: string): string[] {
  try {
    return readdirSync(runDir)
      .filter((name) => name.endsWith('.pid.json'))
      .map((name) => join(runDir, name));
  } catch {
    return [];
  }
}

function readPidFile(file: string): ProcessIdentity | null {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isIdentity(value) ? value : null;
  } catch {
    return null;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'pid' in value &&
    Number.isInteger(value.pid) &&
    'startTime' in value &&
    typeof value.startTime === 'string'
  );
}
