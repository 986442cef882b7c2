/** A worker of our own on a control plane of its own: a worker acts on every object of its cluster. */
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { connectClient, readTemporalSettings } from '../../runtime/temporal.ts';
import { startProcess, type RunningProcess } from '../../stack/processes.ts';
import { registryObjects } from '../../stack/test-objects.ts';
import { workerOn } from '../../stack/test-worker.ts';
import { kubectl, ownStack, temporaryFolder, uniqueName, until, type OwnStack, type SharedStack } from './harness.ts';

export { registryObjects };

type Environment = Readonly<Record<string, string>>;

/** Objects of a cluster, as a person reads and writes them. */
export interface Objects {
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Apply objects, given as values. */
  apply(...objects: readonly object[]): Promise<void>;
  get(kind: string, namespace: string, name: string): Promise<Live>;
}

export interface Holdfast extends Objects {
  readonly stack: OwnStack;
  readonly cluster: string;
  readonly client: Client;
  /** Of the worker; `HOLDFAST_DATA_DIR`. */
  readonly dataDir: string;
  /** The worker that runs now. */
  worker(): RunningProcess;
  /** Start another one: after the last was ended, or beside it with a data folder of its own. */
  startWorker(differently?: Environment): Promise<RunningProcess>;
}

/** What tests look at in a live object. */
export interface Live {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation: number;
    readonly [field: string]: unknown;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly conditions?: readonly {
      type: string;
      status: string;
      reason: string;
      message: string;
      observedGeneration?: number;
    }[];
    readonly helmRelease?: Readonly<Record<string, unknown>>;
    readonly [field: string]: unknown;
  };
}

/**
 * Everything real and nothing shared: control plane, Temporal, registry, one worker. Stopped when the file ends.
 * A stack that is given is used instead, for instance a second cluster beside the same Temporal.
 */
export async function startHoldfast(
  given: Environment | ((stack: OwnStack) => Promise<Environment>) = {},
  shared?: OwnStack,
): Promise<Holdfast> {
  const stack = shared ?? (await ownStack());
  const env = typeof given === 'function' ? await given(stack) : given;
  const folder = temporaryFolder();
  const cluster = uniqueName('e2e');
  const dataDir = join(folder, 'data');
  const { client } = connectClient(readTemporalSettings({ HOLDFAST_TEMPORAL_ADDRESS: stack.temporalAddress }));
  let running: RunningProcess | null = null;
  let starts = 0;
  const holdfast: Holdfast = {
    stack,
    cluster,
    client,
    dataDir,
    worker() {
      if (running === null) throw new Error('no worker was started');
      return running;
    },
    async startWorker(differently = {}) {
      starts += 1;
      const spec = workerOn(stack, {
        name: `worker-${starts}`,
        cluster,
        folder,
        dataDir,
        log: process.env['HOLDFAST_TEST_WORKER_LOG'] ?? join(folder, 'worker.log'),
        env: { ...env, ...differently },
      });
      running = await startProcess(spec, stack.runDir);
      return running;
    },
    ...objectsOf(stack),
  };
  await holdfast.startWorker();
  return holdfast;
}

/** The objects of a stack's cluster. */
export function objectsOf(stack: SharedStack): Objects {
  return {
    kubectl: (args, stdin) => kubectl(stack, args, stdin),
    async apply(...objects) {
      await kubectl(stack, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    },
    // The API server's answer; a test that reads a field that is not there fails at once.
    get: async (kind, namespace, name) =>
      JSON.parse(await kubectl(stack, ['get', kind, name, '-n', namespace, '-o', 'json'])) as Live,
  };
}

/** Poll an object until it is as wanted; the failure shows the last one seen. */
export async function eventually(
  objects: Objects,
  [kind, namespace, name]: readonly [string, string, string],
  wanted: (live: Live) => boolean,
): Promise<Live> {
  return until(() => objects.get(kind, namespace, name), wanted, `${kind} ${namespace}/${name}`);
}

/** The condition of a type, for assertions on status and reason. */
export function conditionOf(live: Live, type: string): { status: string; reason: string; message: string } {
  const found = live.status?.conditions?.find((condition) => condition.type === type);
  return found ?? { status: 'absent', reason: '', message: '' };
}

/** Ready for the generation that was declared last. */
export function reasonIs(reason: string): (live: Live) => boolean {
  return (live) => conditionOf(live, 'Ready').reason === reason;
}

export function isReady(live: Live): boolean {
  const ready = live.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === live.metadata.generation;
}

/** An attempt as the status of a HelmRelease tells of it. */
export interface AttemptRow {
  readonly action: string;
  readonly outcome: string;
  readonly because: string;
  readonly revision?: number;
  readonly reason?: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly testHooks?: Readonly<Record<string, { phase?: string; lastStarted?: string; lastCompleted?: string }>>;
}

/** What was done, oldest first. */
export function rowsOf(live: Live): readonly AttemptRow[] {
  // By the schema of the CRD.
  return (live.status?.['history'] ?? []) as readonly AttemptRow[];
}

/** The same in words: `rollback succeeded`. */
export function attemptsOf(live: Live): readonly string[] {
  return rowsOf(live).map(({ action, outcome }) => `${action} ${outcome}`);
}

/** A namespace whose releases can pull from the private registry; answers its name. */
export async function namespaceWithRegistry(holdfast: Holdfast, name: string): Promise<string> {
  await holdfast.kubectl(['create', 'namespace', name]);
  await holdfast.apply(...registryObjects(holdfast.stack, name));
  return name;
}

/** Until a user may (or may not) do what `kubectl auth can-i` asks: the authorizer learns of a change a moment later. */
export async function untilAllowed(
  objects: Objects,
  { user, what }: { readonly user: string; readonly what: readonly string[] },
  answer: 'yes' | 'no' = 'yes',
): Promise<void> {
  const question = ['auth', 'can-i', ...what, `--as=${user}`];
  await until(
    () => objects.kubectl(question).catch(() => 'no'),
    (said) => said.trim() === answer,
    `the answer to ${question.join(' ')}`,
  );
}

export interface HistoryRow {
  readonly revision: number;
  readonly status: string;
}

/** Helm's records of a release, oldest first, by their labels. */
export async function releaseHistory(
  objects: Objects,
  namespace: string,
  name: string,
): Promise<readonly HistoryRow[]> {
  const selector = `owner=helm,name=${name}`;
  const secrets = await objects.kubectl(['get', 'secrets', '-n', namespace, '-l', selector, '-o', 'json']);
  // Secrets as the API server lists them.
  const { items } = JSON.parse(secrets) as { items: { metadata: { labels: { version: string; status: string } } }[] };
  const rows = items.map(({ metadata: { labels } }) => ({ revision: Number(labels.version), status: labels.status }));
  return rows.sort((a, b) => a.revision - b.revision);
}

/** A HelmRelease of a chart in the stack's registry. */
export function helmRelease(
  [namespace, name]: readonly [string, string],
  chart: { readonly name: string; readonly version: string; readonly url: string },
  spec: Readonly<Record<string, unknown>> = {},
): object {
  return {
    apiVersion: 'helm-operator.ketches.cn/v1alpha1',
    kind: 'HelmRelease',
    metadata: { name, namespace },
    spec: {
      chart: { name: chart.name, version: chart.version, ociRepository: chart.url },
      release: { name, namespace },
      ...spec,
    },
  };
}
