/** A worker on the scene, and what it and the Temporal server use while releases get Ready. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess, type RunningProcess } from '../stack/processes.ts';
import { watchReleases, type Release } from '../stack/releases.ts';
import { readTail } from '../stack/services/service.ts';
import { registryObjects } from '../stack/test-objects.ts';
import { workerOn } from '../stack/test-worker.ts';
import { readChildren, readCpu, readPeakMemory, type CpuTimes } from './meter.ts';
import { CHART, VALUES, type ChartVersion, type Scene } from './scene.ts';

/** The name under which Temporal knows the cluster. */
export const CLUSTER = 'bench';

/** Seconds of CPU. */
export interface HoldfastCpu {
  /** Ended children of the worker: helm and oras. */
  readonly helm: number;
  readonly worker: number;
  readonly temporal: number;
}

export interface HoldfastMemory {
  readonly worker: number;
  readonly temporal: number;
}

export async function startWorker(scene: Scene, profile: string | null): Promise<RunningProcess> {
  const folder = join(scene.folder, 'worker');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const flags = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`];
  const spec = workerOn(scene.access, {
    name: 'worker',
    cluster: CLUSTER,
    folder,
    dataDir: join(folder, 'data'),
    log: join(folder, 'worker.log'),
    env: { HOLDFAST_WORKFLOW_BUNDLE: scene.workflowBundle },
    flags,
  });
  return startProcess(spec, scene.stack.runDir);
}

/** The worker and the small process that starts helm and oras for it, whose ended children they are. */
function partsOf({ pid }: RunningProcess): readonly number[] {
  return [pid, ...readChildren(pid)];
}

/** What both have used so far. */
export function readUsage(scene: Scene, worker: RunningProcess): HoldfastCpu {
  const parts = partsOf(worker).map(readCpu);
  const sum = (which: keyof CpuTimes): number => parts.reduce((total, part) => total + part[which], 0);
  return { helm: sum('children'), worker: sum('own'), temporal: readCpu(scene.stack.part('temporal').pid).own };
}

export function subtract(after: HoldfastCpu, before: HoldfastCpu): HoldfastCpu {
  return {
    helm: after.helm - before.helm,
    worker: after.worker - before.worker,
    temporal: after.temporal - before.temporal,
  };
}

/** Since each was started. */
export function readPeaks(scene: Scene, worker: RunningProcess): HoldfastMemory {
  const parts = partsOf(worker).map(readPeakMemory);
  return {
    worker: parts.reduce((total, part) => total + part, 0),
    temporal: readPeakMemory(scene.stack.part('temporal').pid),
  };
}

/** A namespace with the login of the registry. */
export async function createNamespace(scene: Scene, name: string): Promise<void> {
  await scene.kubectl(['create', 'namespace', name]);
  await apply(scene, registryObjects(scene.access, name));
}

const LONG = '24h';

export interface Wanted {
  readonly namespace: string;
  readonly names: readonly string[];
  readonly version: ChartVersion;
  /** Default: no look by interval falls into a run. */
  readonly interval?: string;
  /** Default: ready as soon as they are written. */
  readonly values?: string;
  /** Of an install; default: the product's. */
  readonly timeout?: string;
  /** Each depends on the one before. */
  readonly inARow?: boolean;
}

export interface ReleaseManifest {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** Releases that name their repository, as most do. */
export function releaseObjects(wanted: Wanted): readonly ReleaseManifest[] {
  const { namespace, names, version, interval = LONG, values = VALUES, timeout, inARow = false } = wanted;
  const behind = (name: string | undefined): object => (inARow && name !== undefined ? { dependsOn: [{ name }] } : {});
  return names.map((name, at) => ({
    apiVersion: 'helm-operator.ketches.cn/v1alpha1',
    kind: 'HelmRelease',
    metadata: { name, namespace },
    spec: {
      chart: { name: CHART, version, repository: { name: 'charts' } },
      interval,
      ...(timeout === undefined ? {} : { install: { timeout } }),
      values,
      ...behind(names[at - 1]),
    },
  }));
}

export async function apply(scene: Scene, objects: readonly object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await scene.kubectl(['apply', '--server-side', '--filename=-'], list);
}

const DEADLINE_MS = 20 * 60_000;
const PROGRESS_MS = 10_000;

/** Apply the releases and wait until every one of them is Ready in the wanted version; answers the seconds it took. */
export function bringToReady(scene: Scene, worker: RunningProcess, wanted: Wanted): Promise<number> {
  return waitForReady({ scene, worker, wanted }, () => apply(scene, releaseObjects(wanted)));
}

/** The same from when `declare` begins, whatever that does to have them declared. */
export async function waitForReady(
  { scene, worker, wanted }: { readonly scene: Scene; readonly worker: RunningProcess; readonly wanted: Wanted },
  declare: () => Promise<void>,
): Promise<number> {
  const keys = wanted.names.map((name) => `${wanted.namespace}/${name}`);
  const done = Promise.withResolvers<number>();
  const isReady = (release: Release | undefined): boolean =>
    release?.ready === 'True' && release.version === wanted.version;
  const watch = watchReleases(scene.target, () => {
    if (keys.every((key) => isReady(watch.releases.get(key)))) done.resolve(performance.now());
  });
  const ready = (): number => keys.filter((key) => isReady(watch.releases.get(key))).length;
  const progress = setInterval(() => {
    scene.say(`  ${ready()} of ${keys.length} are Ready`);
  }, PROGRESS_MS);
  const deadline = setTimeout(() => {
    done.reject(new Error(`only ${ready()} of ${keys.length} got Ready: ${describe([...watch.releases.values()])}`));
  }, DEADLINE_MS);
  void worker.exited.then((how) => {
    done.reject(new Error(`the worker ${how}; its log ends with:\n${readTail(worker.log, 2000)}`));
  });
  try {
    const since = performance.now();
    const [until] = await Promise.all([done.promise, declare()]);
    return (until - since) / 1000;
  } finally {
    watch.stop();
    clearInterval(progress);
    clearTimeout(deadline);
  }
}

function describe(releases: readonly Release[]): string {
  const [first] = releases.filter(({ ready }) => ready !== 'True');
  return first === undefined ? 'the others were not seen' : `${first.name}: ${first.reason} ${first.message}`;
}

/** What follows the last Ready, such as timers and lists of runs, belongs to the work too. */
export async function settle(): Promise<void> {
  await sleep(2_000);
}
