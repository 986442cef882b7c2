/** What releases cost that nothing happens to: the looks by their interval. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from '../stack/processes.ts';
import {
  apply,
  bringToReady,
  CLUSTER,
  createNamespace,
  readPeaks,
  readUsage,
  releaseObjects,
  settle,
  startWorker,
  subtract,
  type HoldfastCpu,
  type Wanted,
} from './holdfast.ts';
import { askTemporal, countLooks } from './looks.ts';
import { namesOf } from './names.ts';
import type { Options } from './options.ts';
import type { Idle } from './results.ts';
import { VERSIONS, type Scene } from './scene.ts';

/** The shortest that there is. */
const SHORT = '10s';
/** Until every release has taken up its new interval. */
const SPREAD_MS = 15_000;

export async function measureIdle(
  scene: Scene,
  { releases, seconds, profile }: Pick<Options, 'releases' | 'seconds' | 'profile'>,
): Promise<Idle> {
  const wanted: Wanted = { namespace: 'holdfast', names: namesOf(releases), version: VERSIONS.first };
  const worker = await startWorker(scene, profile);
  try {
    scene.say(`installing ${releases} releases`);
    await createNamespace(scene, wanted.namespace);
    await bringToReady(scene, worker, wanted);
    await settle();
    scene.say(`measuring ${seconds} s without looks`);
    const background = await during(scene, worker, seconds);
    await apply(scene, releaseObjects({ ...wanted, interval: SHORT }));
    await sleep(SPREAD_MS);
    scene.say(`measuring ${seconds} s with a look every ${SHORT} at each release`);
    const measured = await during(scene, worker, seconds);
    const peakMemoryMib = readPeaks(scene, worker);
    const looks = await askTemporal(scene, (client) => countLooks(client, CLUSTER, measured));
    const { cpuSeconds } = measured;
    return { benchmark: 'idle', releases, seconds: measured.seconds, looks, cpuSeconds, background, peakMemoryMib };
  } finally {
    await worker.stop();
  }
}

interface Window {
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  readonly cpuSeconds: HoldfastCpu;
}

async function during(scene: Scene, worker: RunningProcess, seconds: number): Promise<Window> {
  const before = readUsage(scene, worker);
  const from = Date.now();
  await sleep(seconds * 1000);
  const to = Date.now();
  return { from, to, seconds: (to - from) / 1000, cpuSeconds: subtract(readUsage(scene, worker), before) };
}
