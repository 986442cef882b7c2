import { setTimeout as sleep } from 'node:timers/promises';
import { entityId, ENTITY_KINDS, type EntityKind, type ObjectRef } from '../../workflows/core/ids.ts';
import { failure } from '../failures.ts';
import { watch, type Watcher } from '../kube/watch.ts';
import {
  CONFIG_MAPS,
  GIT_REPOSITORIES,
  HELM_RELEASES,
  HELM_REPOSITORIES,
  SECRETS,
  type WatchedData,
  type WatchedObject,
} from '../kube/watched.ts';
import type { Meter } from '../meter.ts';
import type { Entities, Kube } from '../ports.ts';
import { createClusterIndex, type ClusterIndex, type DataKind, type Wake } from './cluster-index.ts';
import { createOutbox, type Outbox } from './outbox.ts';

export interface WatchDeps {
  readonly kube: Kube;
  readonly entities: Entities;
  readonly cluster: string;
  readonly meter: Meter;
}

export interface WatchContext {
  /** Fires when the activity is cancelled or its worker is about to stop. */
  readonly signal: AbortSignal;
  readonly heartbeat: (details: { readonly objects: number }) => void;
}

const COMPARE_MS = 5 * 60_000;
const HEARTBEAT_MS = 4_000;
/** Entities that are missing, for instance after Temporal lost its state, are started at this rate. */
const STARTS_PER_SECOND = 50;

const WATCHED = {
  HelmRelease: HELM_RELEASES,
  HelmRepository: HELM_REPOSITORIES,
  GitRepository: GIT_REPOSITORIES,
} as const;

/** The uid of namespace `kube-system`: a cluster that was created anew has another one. */
export async function identifyCluster(kube: Kube): Promise<{ uid: string }> {
  const { metadata } = await kube.request<{ metadata: { uid: string } }>({
    method: 'GET',
    path: '/api/v1/namespaces/kube-system',
  });
  return { uid: metadata.uid };
}

/**
 * Watch a cluster until `signal` fires: every change of an object is told to its entity, a change of what objects
 * refer to is told to theirs. At the start and every five minutes the objects are compared with the entities that
 * run, which is also what finds changes that came while nobody watched.
 */
export async function watchCluster(
  deps: WatchDeps,
  clusterUid: string | null,
  { signal, heartbeat }: WatchContext,
): Promise<void> {
  const { uid } = await identifyCluster(deps.kube);
  if (clusterUid !== null && uid !== clusterUid) {
    throw failure(
      'ClusterMismatch',
      `the API server is another cluster than the one known as ${deps.cluster} (uid of kube-system ${uid}, known ${clusterUid}): ` +
        'give this cluster a name of its own with HOLDFAST_CLUSTER',
    );
  }
  const index = createClusterIndex();
  deps.meter.watching(index.objects);
  const outbox = createOutbox(deps.entities);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const ready = new Set<EntityKind>();
  const parts = [
    ...ENTITY_KINDS.map((kind) =>
      watch(deps.kube, WATCHED[kind], { watcher: objectWatcher(kind, { index, outbox, ready }), signal: both }),
    ),
    watch(deps.kube, SECRETS, { watcher: dataWatcher('Secret', index, outbox), signal: both }),
    watch(deps.kube, CONFIG_MAPS, { watcher: dataWatcher('ConfigMap', index, outbox), signal: both }),
    outbox.run(both),
    compareForEver({ deps, index, outbox, ready }, both),
    beat(() => {
      heartbeat({ objects: ENTITY_KINDS.reduce((sum, kind) => sum + index.objects(kind).length, 0) });
    }, both),
  ];
  try {
    await Promise.race(parts);
    throw failure('Interrupted', 'the watch was ended');
  } finally {
    // The first part to end ends all; none may outlive the activity and go on telling.
    stop.abort();
    deps.meter.watching(null);
    await Promise.allSettled(parts);
  }
}

interface Told {
  readonly index: ClusterIndex;
  readonly outbox: Outbox;
  readonly ready: Set<EntityKind>;
}

function objectWatcher(kind: EntityKind, { index, outbox, ready }: Told): Watcher<WatchedObject> {
  return {
    listed(objects) {
      const { wakes, gone } = index.listed(kind, objects);
      ready.add(kind);
      for (const object of gone) outbox.tell(kind, object);
      post(outbox, wakes);
    },
    changed: (object) => {
      post(outbox, index.changed(kind, object));
    },
    deleted(object) {
      outbox.tell(kind, object);
      post(outbox, index.deleted(kind, object));
    },
    alive: () => undefined,
  };
}

function dataWatcher(kind: DataKind, index: ClusterIndex, outbox: Outbox): Watcher<WatchedData> {
  return {
    listed: (all) => {
      post(outbox, index.dataListed(kind, all));
    },
    changed: (one) => {
      post(outbox, index.dataChanged(kind, one, 'changed'));
    },
    deleted: (one) => {
      post(outbox, index.dataChanged(kind, one, 'deleted'));
    },
    alive: () => undefined,
  };
}

function post(outbox: Outbox, wakes: readonly Wake[]): void {
  for (const wake of wakes) outbox.wake(wake);
}

async function beat(once: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    once();
    await sleep(HEARTBEAT_MS, undefined, { signal }).catch(() => undefined);
  }
}

interface Compared extends Told {
  readonly deps: WatchDeps;
}

async function compareForEver(compared: Compared, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && compared.ready.size < ENTITY_KINDS.length) {
    await sleep(20, undefined, { signal }).catch(() => undefined);
  }
  while (!signal.aborted) {
    await compare(compared, signal);
    await sleep(COMPARE_MS * (0.9 + Math.random() / 5), undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Start what does not run, and wake what has something to do that nobody told it. An entity whose object is gone is
 * told, so that it ends.
 */
async function compare({ deps, index, outbox }: Compared, signal: AbortSignal): Promise<void> {
  const running = new Set<string>();
  for await (const id of deps.entities.running()) running.add(id);
  let woken = 0;
  for (const kind of ENTITY_KINDS) {
    for (const object of index.objects(kind)) {
      const known = running.delete(entityId(deps.cluster, kind, object.ref));
      const because = known ? overdue(index, object) : 'not running';
      if (because === null) continue;
      outbox.wake({ kind, object, because });
      woken += 1;
      if (woken % STARTS_PER_SECOND === 0) await sleep(1000, undefined, { signal }).catch(() => undefined);
    }
  }
  for (const id of running) await tellOrphan(deps, id);
}

function overdue(index: ClusterIndex, object: WatchedObject): string | null {
  if (object.deleting || object.unobserved) return 'not observed yet';
  return index.waitsInVain(object) ? 'what it depends on is Ready' : null;
}

const KIND_OF: Readonly<Record<string, EntityKind>> = {
  helmrelease: 'HelmRelease',
  helmrepository: 'HelmRepository',
  git: 'GitRepository',
};

async function tellOrphan({ entities, cluster }: WatchDeps, id: string): Promise<void> {
  const [segment = '', namespace = '', name = ''] = id.slice(cluster.length + 1).split('/');
  const kind = KIND_OF[segment];
  const ref: ObjectRef = { namespace, name };
  // A name that was hashed cannot be read back; such an entity finds out at its next look.
  if (kind === undefined || entityId(cluster, kind, ref) !== id) return;
  await entities.tell(kind, ref, { uid: null, generation: 0, deleting: true, because: 'its object is gone' });
}
