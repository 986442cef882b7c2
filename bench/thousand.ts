/** Many releases of one Git repository: all installed, all upgraded by one push, one changed by another. */
import type { RunningProcess } from '../stack/processes.ts';
import {
  CLUSTER,
  createNamespace,
  readPeaks,
  readUsage,
  releaseObjects,
  settle,
  startWorker,
  subtract,
  waitForReady,
  type Wanted,
} from './holdfast.ts';
import { askTemporal, countAttempts } from './looks.ts';
import { namesOf } from './names.ts';
import type { Options } from './options.ts';
import { startRepository, type Repository } from './repository.ts';
import type { Push, Thousand } from './results.ts';
import { VERSIONS, type Scene } from './scene.ts';

const NAMESPACE = 'thousand';

export async function measureThousand(
  scene: Scene,
  { releases, profile }: Pick<Options, 'releases' | 'profile'>,
): Promise<Thousand> {
  const first: Wanted = { namespace: NAMESPACE, names: namesOf(releases), version: VERSIONS.first };
  const second: Wanted = { ...first, version: VERSIONS.second };
  const one: Wanted = { ...first, names: first.names.slice(0, 1) };
  const worker = await startWorker(scene, profile);
  const repository = await startRepository(scene, NAMESPACE);
  try {
    await createNamespace(scene, NAMESPACE);
    const push = pusher(scene, worker, repository);
    return {
      benchmark: '1000',
      releases,
      install: await push('install all', first),
      upgrade: await push('upgrade all by one push', second),
      // Back to the first version, which is another one than that of all others.
      change: await push('change one by one push', one),
      peakMemoryMib: readPeaks(scene, worker),
    };
  } finally {
    await worker.stop();
    await repository.close();
  }
}

/** Push what is wanted, from the commit until it is Ready. */
function pusher(
  scene: Scene,
  worker: RunningProcess,
  repository: Repository,
): (what: string, wanted: Wanted) => Promise<Push> {
  return async (what, wanted) => {
    scene.say(`Holdfast: ${what}`);
    const since = Date.now();
    const before = readUsage(scene, worker);
    const seconds = await waitForReady({ scene, worker, wanted }, async () => {
      await repository.push(releaseObjects(wanted));
      await repository.sync();
    });
    await settle();
    const cpuSeconds = subtract(readUsage(scene, worker), before);
    scene.say(`  ${seconds.toFixed(1)} s`);
    return {
      seconds,
      cpuSeconds,
      attempts: await askTemporal(scene, (client) => countAttempts(client, CLUSTER, since)),
    };
  };
}
