import { setTimeout as sleep } from 'node:timers/promises';
import { startHoldfast, type Holdfast } from '../support/holdfast.ts';
import { createDice, type Dice } from './dice.ts';
import type { Options } from './options.ts';
import { openReleases, type Declared, type Releases } from './releases.ts';
import { isDone, judge } from './verdict.ts';
import { helmsOf, kill, VICTIMS, type Victim } from './victims.ts';

export interface Result {
  readonly seed: number;
  readonly minutes: number;
  readonly releases: number;
  readonly kills: Readonly<Record<Victim, number>>;
  /** Desired states that were declared. */
  readonly changes: number;
  /** Of all releases; those that died among them were closed as failed. */
  readonly revisions: { readonly done: number; readonly died: number };
  /** From the last kill until all was Ready. */
  readonly secondsToSettle: number;
  readonly failures: readonly string[];
}

/** Between two changes: most of them meet a worker, some come in a bunch, some while nobody is there. */
const LONGEST_PAUSE_MS = 4_000;

/** How long all releases may take together, to begin with and after the last kill. */
const PATIENCE_MS = 10 * 60_000;

type Say = (line: string) => void;

export async function soak(options: Options, say: Say): Promise<Result> {
  const holdfast = await startHoldfast();
  const releases = await openReleases(holdfast);
  const declared = new Map<string, Declared>();
  try {
    for (const name of namesOf(options.releases)) await declare(releases, declared, name);
    const slow = await allReady(releases);
    if (slow.length > 0) throw new Error(`these were not Ready before any kill:\n${slow.join('\n')}`);
    say(`${options.releases} releases are Ready; killing for ${options.minutes} min, seed ${options.seed}`);
    const until = Date.now() + options.minutes * 60_000;
    const [kills] = await Promise.all([
      killAgainAndAgain(holdfast, { options, until, say }),
      changeAgainAndAgain(releases, { declared, until, dice: createDice(options.seed + 1) }),
    ]);
    const since = Date.now();
    say('no more kills: waiting for all releases');
    const late = await allReady(releases);
    const secondsToSettle = (Date.now() - since) / 1000;
    const revisions = await releases.revisions();
    const done = revisions.filter(isDone).length;
    return {
      seed: options.seed,
      minutes: options.minutes,
      releases: options.releases,
      kills,
      changes: [...declared.values()].reduce((sum, { change }) => sum + change, 0),
      revisions: { done, died: revisions.length - done },
      secondsToSettle,
      failures: [...late, ...judge([...declared.values()], revisions), ...orphans(holdfast)],
    };
  } finally {
    await releases.close();
  }
}

async function declare(releases: Releases, declared: Map<string, Declared>, name: string): Promise<void> {
  const wanted = { name, change: (declared.get(name)?.change ?? 0) + 1 };
  await releases.declare(wanted);
  declared.set(name, wanted);
}

async function killAgainAndAgain(
  holdfast: Holdfast,
  { options, until, say }: { readonly options: Options; readonly until: number; readonly say: Say },
): Promise<Result['kills']> {
  const dice = createDice(options.seed);
  const kills: Record<Victim, number> = { worker: 0, helm: 0, temporal: 0, 'kube-apiserver': 0, etcd: 0, registry: 0 };
  for (let next = Date.now(); next < until; next += options.every * 1000) {
    await sleep(Math.max(0, next - Date.now()));
    const victim = dice.pick(VICTIMS);
    if (await kill(holdfast, victim, dice)) kills[victim] += 1;
    const left = Math.max(0, Math.round((until - Date.now()) / 60_000));
    say(`killed ${victim} (${Object.values(kills).reduce((a, b) => a + b)} kills, ${left} min to go)`);
  }
  return kills;
}

interface Changing {
  readonly declared: Map<string, Declared>;
  readonly until: number;
  readonly dice: Dice;
}

async function changeAgainAndAgain(releases: Releases, { declared, until, dice }: Changing): Promise<void> {
  const names = [...declared.keys()];
  while (Date.now() < until) {
    await declare(releases, declared, dice.pick(names));
    await sleep(dice.below(LONGEST_PAUSE_MS));
  }
}

/** Answers what did not get Ready. */
async function allReady(releases: Releases): Promise<readonly string[]> {
  const giveUp = Date.now() + PATIENCE_MS;
  for (;;) {
    const left = await releases.notReady();
    if (left.length === 0 || Date.now() > giveUp) return left;
    await sleep(1_000);
  }
}

function orphans(holdfast: Holdfast): readonly string[] {
  return helmsOf(holdfast).map((pid) => `helm ${pid} still runs`);
}

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `app-${String(index + 1).padStart(3, '0')}`);
}
