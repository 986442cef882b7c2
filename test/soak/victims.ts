/** Who is killed, and how it comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Holdfast } from '../support/holdfast.ts';
import { helmsNaming } from '../support/processes.ts';
import type { Dice } from './dice.ts';

export const VICTIMS = ['worker', 'helm', 'temporal', 'kube-apiserver', 'etcd', 'registry'] as const;
export type Victim = (typeof VICTIMS)[number];

/** The longest that a server stays away. */
const AWAY_MS = 5_000;
/** How long a helm is waited for. */
const PATIENCE_MS = 10_000;

/** SIGKILL; comes back when what was killed runs again. Answers false when there was nothing to kill. */
export async function kill(holdfast: Holdfast, victim: Victim, dice: Dice): Promise<boolean> {
  if (victim === 'worker') return killWorker(holdfast);
  if (victim === 'helm') return killHelm(holdfast, dice);
  const part = holdfast.stack.part(victim);
  await part.kill();
  await sleep(dice.below(AWAY_MS));
  await part.start();
  return true;
}

async function killWorker(holdfast: Holdfast): Promise<boolean> {
  const worker = holdfast.worker();
  process.kill(worker.pid, 'SIGKILL');
  await worker.exited;
  await holdfast.startWorker();
  return true;
}

async function killHelm(holdfast: Holdfast, dice: Dice): Promise<boolean> {
  const giveUp = Date.now() + PATIENCE_MS;
  while (Date.now() < giveUp) {
    const helms = helmsOf(holdfast);
    if (helms.length > 0) {
      process.kill(dice.pick(helms), 'SIGKILL');
      return true;
    }
    await sleep(20);
  }
  return false;
}

/** Helm processes of the worker that runs, or of those that ran. */
export function helmsOf({ dataDir }: Holdfast): readonly number[] {
  return helmsNaming(dataDir).map(({ pid }) => pid);
}
