import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { HelmProcess } from '../workflows/core/model.ts';
import { createIndexStore, type IndexStore } from './chart-index/store.ts';
import { createChartCache, type ChartCache } from './charts/cache.ts';
import { createCloudTokens, type CloudTokens } from './cloud/tokens.ts';
import { diskFull } from './failures.ts';
import type { KubeAccess } from './helm/command.ts';
import { createHostGates, type HostGates } from './http/host-gates.ts';
import type { CrossNamespace } from './kube/helm-release.ts';
import { shareReads } from './kube/shared-reads.ts';
import { SILENT, type Meter } from './meter.ts';
import { createMirrorNews, type MirrorNews } from './mirror-news.ts';
import { createOras, type Oras } from './oci/oras.ts';
import type { Executables, Folders, Kube } from './ports.ts';
import { identifyWorker } from './process/identity.ts';
import { forgettingRefused } from './refused-tokens.ts';
import { createSharing, type Sharing } from './sharing.ts';

/** What is known of the call of an activity; in tests there is no Temporal around it. */
export interface Call {
  /** Fires when the activity is to end: cancelled, or its worker shuts down. */
  readonly signal: AbortSignal;
  /** Tells that we live, and which process to look for if we do not. */
  readonly heartbeat: (details: HelmProcess | object | null) => void;
  /** Temporal's count, from 1. */
  readonly attempt: number;
  /** When it was asked for, in milliseconds since the epoch; it may have queued since. */
  readonly since: number;
}

/** What the worker gives to the activities that deal with charts and releases. */
export interface ReleaseDeps {
  readonly kube: Kube;
  readonly folders: Folders;
  readonly executables: Executables;
  readonly kubeconfig: KubeAccess;
  readonly settings: {
    readonly plainHttp: readonly string[];
    readonly noCrossNamespace: boolean;
    /** Whose rights count for objects that name no service account; null: the worker's. */
    readonly defaultServiceAccount: string | null;
    readonly cluster: string;
    /** The folder whose files HelmRepositories may name; null: none. */
    readonly tlsFiles: string | null;
  };
  /** Absent: nobody wants to know. */
  readonly meter?: Meter;
}

/** The same, with what is shared by all calls in this worker. */
export interface Toolbox extends ReleaseDeps {
  readonly oras: Oras;
  /** Tokens of the worker's own identity, which live as long as they do. */
  readonly clouds: CloudTokens;
  readonly gates: HostGates;
  readonly sharing: Sharing;
  /** The same for Helm's records. */
  readonly records: Sharing;
  /** The API server, for what other releases read at the same time as well. */
  readonly sharedReads: (call: Pick<Call, 'since' | 'signal'>) => Kube;
  readonly charts: ChartCache;
  readonly indexes: IndexStore;
  readonly meter: Meter;
  readonly mirrors: MirrorNews;
  readonly crossNamespace: CrossNamespace;
  /** Runs one operation per key at a time, in the order of arrival. */
  readonly oneAtATime: <T>(key: string, operation: () => Promise<T>) => Promise<T>;
}

export function createToolbox(deps: ReleaseDeps): Toolbox {
  const { kube, settings, meter = SILENT } = deps;
  // Children run in folders of their own, where a relative path would lead nowhere.
  const folders = absolute(deps.folders);
  const executables = absolute(deps.executables);
  const { file, context } = deps.kubeconfig;
  const gates = createHostGates();
  const sharing = createSharing();
  const clouds = createCloudTokens();
  const registries = { oras: executables.oras, tmp: folders.tmp, plainHttp: settings.plainHttp, gates };
  return {
    kube,
    settings,
    folders,
    executables,
    kubeconfig: { file: file === null ? null : resolve(file), context },
    oras: forgettingRefused(createOras(registries), clouds),
    clouds,
    gates,
    sharing,
    records: createSharing(),
    meter,
    sharedReads: (call) => shareReads(kube, sharing, call),
    mirrors: createMirrorNews(kube),
    charts: createChartCache(folders.charts),
    indexes: createIndexStore({ folder: join(folders.tmp, 'indexes'), gates, sharing }),
    crossNamespace: settings.noCrossNamespace ? 'denied' : 'allowed',
    oneAtATime: createQueue(),
  };
}

function absolute<K extends string>(paths: Readonly<Record<K, string>>): Readonly<Record<K, string>> {
  const entries = Object.entries<string>(paths).map(([name, path]) => [name, resolve(path)]);
  return Object.fromEntries(entries) as Record<K, string>; // the same keys
}

function createQueue(): Toolbox['oneAtATime'] {
  const last = new Map<string, Promise<unknown>>();
  return async (key, operation) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(operation, operation);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
}

/** Work in a folder that only we can read and that is gone afterwards, whatever happens. */
export async function inPrivateFolder<T>(
  { folders }: Pick<ReleaseDeps, 'folders'>,
  prefix: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  try {
    const folder = await mkdtemp(join(folders.tmp, prefix)); // 0700
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw diskFull(error, `in ${folders.tmp}`) ?? error;
  }
}

const HEARTBEAT_MS = 3_000;

/**
 * Heartbeats while the work goes on. The first one goes out at once and names this worker; call `found` when helm's
 * process is known, which may reach Temporal seconds later, or not at all if we are killed before.
 */
export async function withHeartbeat<T>(
  call: Call,
  work: (found: (process: HelmProcess) => void) => Promise<T>,
): Promise<T> {
  let process = await identifyWorker();
  const beat = (): void => {
    call.heartbeat(process);
  };
  beat();
  const timer = setInterval(beat, HEARTBEAT_MS);
  try {
    return await work((found) => {
      process = found;
      beat();
    });
  } finally {
    clearInterval(timer);
  }
}
