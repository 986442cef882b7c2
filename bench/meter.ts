/** What a process has used so far, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

export interface CpuTimes {
  /** Seconds of CPU of the process itself, all its threads. */
  readonly own: number;
  /** Of its children that have ended and were awaited, and of theirs. */
  readonly children: number;
}

/** `USER_HZ`, in which `/proc` counts on every architecture that Linux calls 64-bit. */
const TICKS_PER_SECOND = 100;

/** CPU times out of `/proc/<pid>/stat`. The command, in parentheses, may hold blanks and parentheses itself. */
export function parseStat(stat: string): CpuTimes {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime, stime, cutime and cstime are the fields 14 to 17; the state, field 3, is the first one here.
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
  if (utime === undefined || stime === undefined || cutime === undefined || cstime === undefined) {
    throw new TypeError(`not the content of a /proc/<pid>/stat: ${JSON.stringify(stat)}`);
  }
  return { own: (utime + stime) / TICKS_PER_SECOND, children: (cutime + cstime) / TICKS_PER_SECOND };
}

/** Peak of the resident memory out of `/proc/<pid>/status`, in MiB. */
export function parsePeakMemory(status: string): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new TypeError('a /proc/<pid>/status without VmHWM: the process has ended');
  return Number(kib) / 1024;
}

export function readCpu(pid: number): CpuTimes {
  return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

export function readPeakMemory(pid: number): number {
  return parsePeakMemory(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** The children of a process that run. */
export function readChildren(pid: number): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((child) => readParent(child) === pid);
}

function readParent(pid: number): number | null {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return null; // it has ended since
  }
}
