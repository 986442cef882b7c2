/** Holdfast, and helm alone before and after it, on the same control plane. */
import { HELMS, runBare, type BareResult, type BareRun } from './bare.ts';
import {
  bringToReady,
  createNamespace,
  readPeaks,
  readUsage,
  settle,
  startWorker,
  subtract,
  type Wanted,
} from './holdfast.ts';
import { namesOf } from './names.ts';
import type { Options } from './options.ts';
import type { Comparison } from './results.ts';
import { VERSIONS, type Scene } from './scene.ts';

type Asked = Pick<Options, 'releases' | 'profile'> & { readonly benchmark: Comparison['benchmark'] };

/** Releases that go before the measured ones, so that caches are filled and code is compiled. */
const WARM_UP = namesOf(3 * HELMS);

export async function compare(scene: Scene, { benchmark, releases, profile }: Asked): Promise<Comparison> {
  const names = namesOf(releases);
  scene.say('warming up helm');
  await bare(scene, { action: 'install', namespace: 'bare-warm-up', names: WARM_UP });
  const before = await measureBare(scene, { benchmark, namespace: 'bare-before', names });
  const holdfast = await measureHoldfast(scene, { benchmark, names, profile });
  const after = await measureBare(scene, { benchmark, namespace: 'bare-after', names });
  return { benchmark, releases, helms: HELMS, bare: { before, after }, holdfast };
}

interface Measured {
  readonly benchmark: Comparison['benchmark'];
  readonly namespace: string;
  readonly names: readonly string[];
}

async function measureBare(scene: Scene, { benchmark, namespace, names }: Measured): Promise<BareResult> {
  if (benchmark === 'upgrade') {
    scene.say(`bare helm: installing ${names.length} releases to upgrade`);
    await bare(scene, { action: 'install', namespace, names });
  }
  scene.say(`bare helm: ${benchmark} of ${names.length} releases, ${HELMS} at a time`);
  const result = await bare(scene, { action: benchmark, namespace, names });
  scene.say(`  ${result.seconds.toFixed(1)} s`);
  return result;
}

async function bare(scene: Scene, run: Omit<BareRun, 'version'>): Promise<BareResult> {
  if (run.action === 'install') await scene.kubectl(['create', 'namespace', run.namespace]);
  return runBare(scene, { ...run, version: run.action === 'install' ? VERSIONS.first : VERSIONS.second });
}

async function measureHoldfast(
  scene: Scene,
  { benchmark, names, profile }: Omit<Measured, 'namespace'> & Pick<Asked, 'profile'>,
): Promise<Comparison['holdfast']> {
  scene.say('Holdfast: warming up');
  const worker = await startWorker(scene, profile);
  try {
    const first: Wanted = {
      namespace: 'holdfast-warm-up',
      names: WARM_UP,
      version: VERSIONS.first,
    };
    const wanted = { ...first, namespace: 'holdfast', names };
    for (const { namespace } of [first, wanted]) await createNamespace(scene, namespace);
    await bringToReady(scene, worker, first);
    if (benchmark === 'upgrade') {
      await bringToReady(scene, worker, { ...first, version: VERSIONS.second });
      scene.say(`Holdfast: installing ${names.length} releases to upgrade`);
      await bringToReady(scene, worker, wanted);
    }
    await settle();
    scene.say(`Holdfast: ${benchmark} of ${names.length} releases`);
    const before = readUsage(scene, worker);
    const version = benchmark === 'upgrade' ? VERSIONS.second : VERSIONS.first;
    const seconds = await bringToReady(scene, worker, { ...wanted, version });
    await settle();
    scene.say(`  ${seconds.toFixed(1)} s`);
    const cpuSeconds = subtract(readUsage(scene, worker), before);
    return { seconds, cpuSeconds, peakMemoryMib: readPeaks(scene, worker) };
  } finally {
    await worker.stop();
  }
}
