import { parseCount, parseOptions, UsageError } from '../stack/commands/usage.ts';

export const BENCHMARKS = ['install', 'upgrade', 'idle', 'never-ready', 'chain', '1000'] as const;
export type BenchmarkName = (typeof BENCHMARKS)[number];

export interface Options {
  readonly benchmark: BenchmarkName;
  readonly releases: number;
  /** `idle`: how long to measure. */
  readonly seconds: number;
  /** Another copy of the result. */
  readonly json: string | null;
  readonly record: 'keep' | 'none';
  /** Folder for a CPU profile of the worker. */
  readonly profile: string | null;
}

export const USAGE = `usage: npm run bench -- install|upgrade|idle|never-ready|chain|1000 [options]

  install      apply HelmReleases until all are Ready, against bare \`helm install --wait\`
  upgrade      the same releases to another chart version, against bare \`helm upgrade --wait\`
  idle         the CPU of a look that changes nothing
  never-ready  one release in five never gets ready: how long the others take, against themselves alone
  chain        releases of which each depends on the one before, against bare helm one after the other
  1000         releases of one Git repository: install all, upgrade all by one push, change one by another

  --releases N      how many, 1 to 2000 (default 100; chain: 10; 1000: 1000)
  --seconds N       idle: how long to measure, 10 to 3600 (default 60)
  --json FILE       write the result there as well
  --no-record       keep no record in bench/results
  --profile FOLDER  write a CPU profile of the worker there

Everything runs on a stack of its own and is stopped at the end. Linux only: CPU and memory are read from /proc.
Exit codes: 0 measured, 1 failed, 2 misused.
`;

/** Throws a \`UsageError\` for whatever cannot be meant. */
export function parseBenchArgs(args: readonly string[]): Options {
  const [name = '', ...rest] = args;
  const benchmark = BENCHMARKS.find((known) => known === name);
  if (benchmark === undefined) {
    const what = name === '' || name.startsWith('-') ? 'no benchmark is named' : `unknown benchmark "${name}"`;
    throw new UsageError(`${what}: one of ${BENCHMARKS.join(', ')}`);
  }
  const given = parseOptions(rest, {
    releases: { type: 'string' },
    seconds: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'string' },
    'no-record': { type: 'boolean', default: false },
  });
  if (given.seconds !== undefined && benchmark !== 'idle') throw new UsageError('--seconds is for idle only');
  return {
    benchmark,
    releases: parseCount('--releases', given.releases ?? usualCount(benchmark), { min: 1, max: 2000 }),
    seconds: parseCount('--seconds', given.seconds ?? '60', { min: 10, max: 3600 }),
    json: parsePath('--json', given.json),
    record: given['no-record'] ? 'none' : 'keep',
    profile: parsePath('--profile', given.profile),
  };
}

function usualCount(benchmark: BenchmarkName): string {
  if (benchmark === 'chain') return '10';
  return benchmark === '1000' ? '1000' : '100';
}

function parsePath(flag: string, text: string | undefined): string | null {
  if (text === '') throw new UsageError(`${flag} is empty: expected a path`);
  return text ?? null;
}
