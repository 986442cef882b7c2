/** Results as they are kept: with their date and the machine, so that two of them can be compared. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT } from '../stack/state.ts';
import { versionOf } from '../stack/tools/find.ts';
import {
  besideRatio,
  cpuPerLook,
  cpuPerRelease,
  cpuRatio,
  secondsPerLevel,
  timeRatio,
  type Result,
} from './results.ts';

/** No host names, no user names, no paths. */
export interface Machine {
  readonly platform: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  /** Of the last minute before the run: what else the machine had to do. */
  readonly load: number;
}

export interface Versions {
  readonly holdfast: string;
  readonly node: string;
  readonly helm: string;
  readonly kubernetes: string;
  readonly temporal: string;
}

export interface Entry {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly result: Result;
  /** What the budgets are about. */
  readonly summary: Readonly<Record<string, number>>;
}

const RESULTS = join(CHECKOUT, 'bench', 'results');

export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    platform: `${platform()} ${arch()}`,
    cores: cpus().length,
    cpu: first?.model.trim() ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    load: rounded(loadavg()[0] ?? 0, 1),
  };
}

export async function readVersions(bin: string): Promise<Versions> {
  const ask = async (name: 'helm' | 'kube-apiserver' | 'temporal'): Promise<string> =>
    (await versionOf(name, join(bin, name))) ?? 'unknown';
  return {
    holdfast: await describeCheckout(),
    node: process.versions.node,
    helm: await ask('helm'),
    kubernetes: await ask('kube-apiserver'),
    temporal: await ask('temporal'),
  };
}

/** Version and commit; `changed` when the working tree is not the commit's. */
async function describeCheckout(): Promise<string> {
  // Our own file.
  const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string };
  const git = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', CHECKOUT, ...args])).stdout.trim();
  try {
    const changed = (await git('status', '--porcelain', '--untracked-files=no')) === '' ? '' : ', changed';
    return `${version} (${await git('rev-parse', '--short=10', 'HEAD')}${changed})`;
  } catch {
    return version; // no checkout of Git, or no Git
  }
}

export function toEntry(result: Result, about: Omit<Entry, 'result' | 'summary'>): Entry {
  return { ...about, summary: summaryOf(result), result };
}

function summaryOf(result: Result): Readonly<Record<string, number>> {
  switch (result.benchmark) {
    case 'idle':
      return { cpuSecondsPerLook: rounded(cpuPerLook(result), 4) };
    case 'never-ready':
      return { besideRatio: rounded(besideRatio(result), 3) };
    case 'chain':
      return { secondsPerLevel: rounded(secondsPerLevel(result), 3) };
    case '1000':
      return { attemptsOfOneChange: result.change.attempts };
    case 'install':
    case 'upgrade':
      return {
        timeRatio: rounded(timeRatio(result), 3),
        cpuRatio: rounded(cpuRatio(result), 3),
        cpuSecondsPerRelease: rounded(cpuPerRelease(result), 4),
        helmCpuSecondsPerRelease: rounded(result.holdfast.cpuSeconds.helm / result.releases, 4),
      };
  }
}

export function toJson(entry: Entry): string {
  const brief = (_key: string, value: unknown): unknown => (typeof value === 'number' ? rounded(value, 4) : value);
  return `${JSON.stringify(entry, brief, 2)}\n`;
}

/** Answers the name of the file in `bench/results`. */
export function keep(entry: Entry): string {
  const stamp = entry.date.slice(0, 19).replaceAll(':', '').replace('T', '-');
  const name = `${stamp}-${entry.result.benchmark}-${entry.result.releases}.json`;
  write(join(RESULTS, name), entry);
  return join('bench', 'results', name);
}

export function write(file: string, entry: Entry): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, toJson(entry));
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
