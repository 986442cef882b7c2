import { describeObject, isRelease, planPrune, pruneWaves, type InventoryEntry } from '../workflows/core/git-plan.ts';
import { HoldfastError, notYet } from './failures.ts';
import { readGitRepository, writeInventory, type GitRepositoryObject } from './kube/git-repository.ts';
import { deleteObject, letGo, lookAtStale, type Applier } from './kube/inventory.ts';
import { removeFinalizer } from './kube/metadata.ts';
import { type Call, withHeartbeat } from './operation.ts';
import { mirrorOwner, type GitTools } from './sync-git-repository.ts';
import type { GitActivities } from './types.ts';

type Input = Parameters<GitActivities['pruneGitRepository']>[0];
type Result = Awaited<ReturnType<GitActivities['pruneGitRepository']>>;

const MAX_NAMES = 20;
const ASK_AGAIN_MS = 1_000;

/** Delete what the last pass marked; for a deleted GitRepository do what its deletionPolicy says and let it go. */
export async function pruneGitRepository(tools: GitTools, { cluster, ref, uid }: Input, call: Call): Promise<Result> {
  const object = await readGitRepository(tools.kube, ref, tools.defaultServiceAccount);
  if (object?.uid !== uid) return { pruned: [] };
  const applier: Applier = { kube: tools.kube, owner: ref, as: object.account, signal: call.signal };
  return withHeartbeat(call, async () => {
    if (object.deleting) return endRepository(tools, { cluster, object, applier });
    const pruned = await deleteAll(
      applier,
      object.inventory.filter(({ prune }) => prune === true),
    );
    await writeInventory(
      tools.kube,
      object,
      object.inventory.filter(({ prune }) => prune !== true),
    );
    return { pruned };
  });
}

interface Ending {
  readonly cluster: string;
  readonly object: GitRepositoryObject;
  readonly applier: Applier;
}

async function endRepository(tools: GitTools, { cluster, object, applier }: Ending): Promise<Result> {
  const pruned = object.held ? await emptyInventory(applier, object) : [];
  await removeFinalizer(tools.kube, { kind: 'GitRepository', ref: object.ref, uid: object.uid });
  await tools.mirrors.remove(mirrorOwner(cluster, object.uid));
  return { pruned };
}

async function emptyInventory(
  applier: Applier,
  { deletionPolicy, inventory }: GitRepositoryObject,
): Promise<readonly string[]> {
  if (deletionPolicy === 'Orphan') {
    await letGoIfAllowed(applier, inventory);
    return [];
  }
  const plan = planPrune({
    prune: true,
    revision: '',
    confirmed: null,
    problems: 0,
    total: 0,
    stale: await lookAtStale(applier, inventory),
  });
  const pruned = await deleteAll(applier, plan.prune);
  await letGo(applier, plan.letGo);
  return pruned;
}

/** Labels that name a GitRepository which is gone do no harm; a namespace whose accounts are gone must not hang on them. */
async function letGoIfAllowed(applier: Applier, entries: readonly InventoryEntry[]): Promise<void> {
  try {
    await letGo(applier, entries);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'Forbidden') throw error;
  }
}

/** Wave after wave; what comes after the releases stays until the last of them is uninstalled. */
async function deleteAll(applier: Applier, entries: readonly InventoryEntry[]): Promise<readonly string[]> {
  const deleted: string[] = [];
  for (const wave of pruneWaves(entries)) {
    const states = await Promise.all(wave.map(async (id) => ({ id, state: await deleteObject(applier, id) })));
    const going = states
      .filter(({ id, state }) => state === 'going' && isRelease(id))
      .map(({ id }) => describeObject(id));
    if (going.length > 0) {
      const shown = going.slice(0, 3).join(', ');
      const more = going.length > 3 ? ` and ${String(going.length - 3)} more` : '';
      throw notYet('NotReady', `waits for ${shown}${more} to be uninstalled`, { nextRetryMs: ASK_AGAIN_MS });
    }
    deleted.push(...states.filter(({ state }) => state !== 'notOurs').map(({ id }) => describeObject(id)));
  }
  return deleted.slice(0, MAX_NAMES);
}
