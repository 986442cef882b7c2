/** What releases that never get ready cost the others. */
import {
  apply,
  bringToReady,
  createNamespace,
  readPeaks,
  releaseObjects,
  settle,
  startWorker,
  type Wanted,
} from './holdfast.ts';
import { namesOf } from './names.ts';
import type { Options } from './options.ts';
import type { NeverReady } from './results.ts';
import { VERSIONS, type Scene } from './scene.ts';

/** One of so many never gets ready. */
const SHARE = 5;
/** Its pod fits on no node. */
const STUCK = { values: 'replicaCount: 1\nnodeSelector:\n  nowhere: "true"\n', timeout: '60s' };

/** The releases that can get ready, alone, and then beside those that cannot, which come first. */
export async function measureNeverReady(
  scene: Scene,
  { releases, profile }: Pick<Options, 'releases' | 'profile'>,
): Promise<NeverReady> {
  const names = namesOf(releases);
  const stuck = names.filter((_name, index) => index % SHARE === 0);
  const others = names.filter((name) => !stuck.includes(name));
  const wanted: Wanted = { namespace: 'alone', names: others, version: VERSIONS.first };
  const worker = await startWorker(scene, profile);
  try {
    for (const namespace of ['warm-up', 'alone', 'beside']) await createNamespace(scene, namespace);
    scene.say('Holdfast: warming up');
    await bringToReady(scene, worker, { ...wanted, namespace: 'warm-up', names: namesOf(12) });
    await settle();
    scene.say(`Holdfast: install of ${others.length} releases`);
    const alone = await bringToReady(scene, worker, wanted);
    await settle();
    scene.say(`Holdfast: the same beside ${stuck.length} that never get ready`);
    await apply(scene, releaseObjects({ ...wanted, ...STUCK, namespace: 'beside', names: stuck }));
    const beside = await bringToReady(scene, worker, { ...wanted, namespace: 'beside' });
    const peakMemoryMib = readPeaks(scene, worker);
    return { benchmark: 'never-ready', releases, stuck: stuck.length, seconds: { alone, beside }, peakMemoryMib };
  } finally {
    await worker.stop();
  }
}
