import type { ObjectRef } from '../workflows/core/ids.ts';
import { fromKube } from './failures.ts';
import { parseManifest } from './helm/manifest.ts';
import { canRestart, findObject, restart } from './helm/objects.ts';
import { createStorage } from './helm/storage.ts';
import { type Kube, KubeError } from './ports.ts';

/** Roll the pods of every workload of a revision, as `kubectl rollout restart` does. Answers what failed, and why. */
export async function restartWorkloads(kube: Kube, release: ObjectRef, revision: number): Promise<readonly string[]> {
  const record = await createStorage(kube, release).read(revision);
  const at = new Date().toISOString();
  const failed: string[] = [];
  for (const object of parseManifest(record?.manifest ?? '').filter(canRestart)) {
    const found = await findObject(kube, release, object);
    if (found === null) continue;
    try {
      await restart(kube, found.path, at);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      failed.push(`${found.label}: ${fromKube(error).message}`);
    }
  }
  return failed;
}
