/** Releases of which each depends on the one before, and the same helms one after the other. */
import { runBare, type BareResult } from './bare.ts';
import { bringToReady, createNamespace, settle, startWorker } from './holdfast.ts';
import { namesOf } from './names.ts';
import type { Options } from './options.ts';
import type { Chain } from './results.ts';
import { VERSIONS, type Scene } from './scene.ts';

/** Links that go before the measured ones, so that caches are filled and code is compiled. */
const WARM_UP = namesOf(3);

export async function measureChain(
  scene: Scene,
  { releases, profile }: Pick<Options, 'releases' | 'profile'>,
): Promise<Chain> {
  const names = namesOf(releases);
  scene.say('warming up helm');
  await bare(scene, 'bare-warm-up', WARM_UP);
  const before = await bare(scene, 'bare-before', names);
  const seconds = await measureHoldfast(scene, { names, profile });
  const after = await bare(scene, 'bare-after', names);
  return { benchmark: 'chain', releases, bare: { before, after }, holdfast: { seconds } };
}

async function bare(scene: Scene, namespace: string, names: readonly string[]): Promise<BareResult> {
  await scene.kubectl(['create', 'namespace', namespace]);
  const result = await runBare(scene, { action: 'install', namespace, names, version: VERSIONS.first, atOnce: 1 });
  scene.say(`bare helm: ${names.length} installs one after the other, ${result.seconds.toFixed(1)} s`);
  return result;
}

async function measureHoldfast(
  scene: Scene,
  { names, profile }: { readonly names: readonly string[]; readonly profile: string | null },
): Promise<number> {
  const worker = await startWorker(scene, profile);
  try {
    const wanted = { version: VERSIONS.first, inARow: true };
    for (const namespace of ['holdfast-warm-up', 'holdfast']) await createNamespace(scene, namespace);
    await bringToReady(scene, worker, { ...wanted, namespace: 'holdfast-warm-up', names: WARM_UP });
    await settle();
    const seconds = await bringToReady(scene, worker, { ...wanted, namespace: 'holdfast', names });
    scene.say(`Holdfast: a chain of ${names.length}, ${seconds.toFixed(1)} s`);
    return seconds;
  } finally {
    await worker.stop();
  }
}
