import { parseCount, parseOptions, UsageError } from '../../stack/commands/usage.ts';

export interface Options {
  readonly minutes: number;
  readonly releases: number;
  /** Seconds between two kills. */
  readonly every: number;
  /** The same seed draws the same victims, releases and pauses. */
  readonly seed: number;
  readonly json: string | null;
}

export const USAGE = `usage: npm run test:soak -- [options]

Releases that keep changing, while worker, helm, Temporal server, API server, etcd and registry are killed at random and
started again. In the end every release must be where it was declared last, with no revision lost, doubled or pending.

  --minutes N   how long, 1 to 1440 (default 30)
  --releases N  how many, 1 to 500 (default 50)
  --every N     seconds between two kills, 1 to 600 (default 20)
  --seed N      draw the same victims and changes again (default: another each time; it is printed)
  --json FILE   write the result there as well

Everything runs on a stack of its own and is stopped at the end. Linux only.
Exit codes: 0 all as declared, 1 something was lost, doubled or left pending, 2 misused.
`;

const OPTIONS = {
  minutes: { type: 'string', default: '30' },
  releases: { type: 'string', default: '50' },
  every: { type: 'string', default: '20' },
  seed: { type: 'string' },
  json: { type: 'string' },
} as const;

/** Throws a `UsageError` for whatever cannot be meant. */
export function parseSoakArgs(args: readonly string[], anySeed: () => number): Options {
  const { minutes, releases, every, seed, json } = parseOptions(args, OPTIONS);
  if (json === '') throw new UsageError('--json is empty: expected a path');
  return {
    minutes: parseCount('--minutes', minutes, { min: 1, max: 1440 }),
    releases: parseCount('--releases', releases, { min: 1, max: 500 }),
    every: parseCount('--every', every, { min: 1, max: 600 }),
    seed: seed === undefined ? anySeed() : parseCount('--seed', seed, { min: 1, max: 2 ** 31 }),
    json: json ?? null,
  };
}
