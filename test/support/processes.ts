/** Processes of this machine by their command lines, as any user can read them. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

export interface Watch {
  /** Every command line seen of a descendant, arguments separated by blanks. */
  stop(): ReadonlySet<string>;
}

const SAMPLE_MS = 15;

/** Look at the descendants of a process again and again. */
export function watchCommandLines(root: () => number): Watch {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const line of commandLinesBelow(root())) seen.add(line);
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return seen;
    },
  };
}

function commandLinesBelow(root: number): readonly string[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter(isPid)
      .map((pid) => [Number(pid), parentOf(pid)]),
  );
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === root || isBelow(parents.get(pid)));
  return [...parents.keys()].filter((pid) => pid !== root && isBelow(pid)).map(commandLineOf);
}

export interface SeenProcess {
  readonly pid: number;
  readonly args: readonly string[];
}

/** Processes in whose arguments a text stands, for instance the data folder of the worker that started them. */
export function processesNaming(text: string): readonly SeenProcess[] {
  return readdirSync('/proc')
    .filter(isPid)
    .map((pid) => ({ pid: Number(pid), args: read(`/proc/${pid}/cmdline`).split('\0') }))
    .filter(({ pid, args }) => pid !== process.pid && args.some((arg) => arg.includes(text)));
}

/** Helm processes in whose arguments a text stands. */
export function helmsNaming(text: string): readonly SeenProcess[] {
  return processesNaming(text).filter(({ args }) => args[0]?.endsWith('/helm') === true);
}

const isPid = (name: string): boolean => /^\d+$/.test(name);

/** The field after the name, which may itself hold blanks and brackets. */
function parentOf(pid: string): number {
  return Number(/^.*\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1] ?? 0);
}

function commandLineOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // the process has ended meanwhile
  }
}
