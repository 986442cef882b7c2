/**
 * Releases that are brought to a chosen moment of an attempt and kept there, so that a test ends something exactly
 * then. Nothing is left to luck: worker and helm reach the API server and the registry through gates that keep back
 * the one request that would end the moment.
 */
import { createKube } from '../../activities/kube/client.ts';
import { PATCH } from '../../activities/kube/kinds.ts';
import { pushChart } from '../support/chart.ts';
import { gateTo, gateToCluster, type Asked, type Gate, type Hold } from '../support/gate.ts';
import { until, type OwnStack } from '../support/harness.ts';
import { helmRelease, registryObjects, startHoldfast, type Holdfast } from '../support/holdfast.ts';
import { processesNaming } from '../support/processes.ts';
import { SLOW_HOOK } from '../support/slow-hook.ts';
import { nameOf, type Case, type Moment } from './cases.ts';
import { HOOKS, list, survey, type Listed, type Seen, type Sight } from './survey.ts';

export interface Scene extends Sight {
  readonly cluster: Gate;
  readonly registry: Gate;
}

type Environment = Readonly<Record<string, string>>;

export async function openScene(
  given: (stack: OwnStack) => Promise<Environment> = () => Promise.resolve({}),
): Promise<Scene> {
  const gates: { cluster?: Gate; registry?: Gate } = {};
  const holdfast = await startHoldfast(async (stack) => {
    const { through, kubeconfig } = await gateToCluster(stack);
    Object.assign(gates, { cluster: through, registry: await gateTo(stack.registry) });
    return { HOLDFAST_KUBECONFIG: kubeconfig, HOLDFAST_HELM_SLOTS: '16', ...(await given(stack)) };
  });
  const { cluster, registry } = gates;
  if (cluster === undefined || registry === undefined) throw new Error('the stack was started without its gates');
  await pushVersions(holdfast, 'app');
  const kube = createKube({ kubeconfig: holdfast.stack.kubeconfig, context: null });
  return { holdfast, kube, cluster, registry };
}

/** Only where the values ask for it. */
const HOOK = `{{- if .Values.hook }}
${SLOW_HOOK}{{- end }}
`;

const NEVER_READY = 'podLabels: { holdfast.dev/test-ready: never }\n';
const VALUES: Readonly<Record<Moment, string>> = {
  pull: '',
  record: '',
  hook: 'hook: true\n',
  objects: '',
  closing: '',
  wait: NEVER_READY,
};

/** Cases at their moments; nothing moves until `letGo`. */
export interface Reached {
  /** End every moment but hooks and waits, which `settle` ends. */
  readonly letGo: () => void;
  /** After a kill: come back when nobody stands at a gate any more, so that nothing is let go that no one asks for. */
  readonly forsaken: () => Promise<void>;
}

/**
 * Bring every case to its moment, and prove that it is there: by what stands at a gate, by Helm's record, by the
 * processes and pods that are there, and by what Temporal says of the attempt.
 */
export async function reach(scene: Scene, cases: readonly Case[]): Promise<Reached> {
  await prepare(scene, cases);
  const upgrades = cases.filter(({ action }) => action === 'upgrade');
  await declare(scene, upgrades, () => ({ version: VERSIONS.before, values: 'message: before\n' }));
  await until(
    () => survey(scene),
    (seen) => upgrades.every((one) => seen(one).ready),
    'everything that is to be upgraded',
  );
  const holds = new Map(cases.map((one) => [nameOf(one), holdFor(scene, one)]));
  await declare(scene, cases, ({ moment }) => ({
    version: VERSIONS.declared,
    values: `message: declared\n${VALUES[moment]}`,
  }));
  await until(
    () => survey(scene, (one) => holds.get(nameOf(one))?.waiting().length ?? 0),
    (seen) => cases.every((one) => isThere(one, seen(one))),
    `every case at its moment in ${scene.holdfast.cluster}`,
  );
  return {
    letGo() {
      for (const hold of holds.values()) hold?.release();
    },
    async forsaken() {
      const waiting = () => Promise.resolve([...holds.values()].flatMap((hold) => hold?.waiting() ?? []));
      await until(waiting, (requests) => requests.length === 0, 'nobody at the gates');
    },
  };
}

/** What was there before an upgrade, and what is declared in the end. */
const VERSIONS = { before: '1.0.0', declared: '1.1.0' } as const;

async function pushVersions({ stack }: Holdfast, name: string): Promise<void> {
  for (const version of Object.values(VERSIONS)) {
    await pushChart(stack, { name, version, files: { 'templates/hook.yaml': HOOK } });
  }
}

async function prepare({ holdfast, registry }: Scene, cases: readonly Case[]): Promise<void> {
  for (const one of cases.filter(({ moment }) => moment === 'pull')) await pushVersions(holdfast, chartOf(one));
  const namespaces = cases.map((one) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: nameOf(one) } }));
  await holdfast.apply(...namespaces);
  const gated = { ...holdfast.stack, registry: registry.address };
  await holdfast.apply(...cases.flatMap((one) => registryObjects(gated, nameOf(one))));
}

/** A chart that is in the worker's cache is not pulled. */
function chartOf(one: Case): string {
  return one.moment === 'pull' ? nameOf(one) : 'app';
}

async function declare(
  { holdfast, registry }: Scene,
  cases: readonly Case[],
  wanted: (one: Case) => { readonly version: string; readonly values: string },
): Promise<void> {
  // kubectl refuses to apply nothing.
  if (cases.length === 0) return;
  const releases = cases.map((one) => {
    const name = chartOf(one);
    const { version, values } = wanted(one);
    return helmRelease(
      [nameOf(one), 'app'],
      { name, version, url: `oci://${registry.address}/charts/${name}` },
      { values },
    );
  });
  await holdfast.apply(...releases);
}

/** Keep back what ends the moment; hooks and waits last by themselves. */
function holdFor({ cluster, registry }: Scene, one: Case): Hold | null {
  const namespace = `/api/v1/namespaces/${nameOf(one)}`;
  const revision = one.action === 'install' ? 1 : 2;
  const writes = (path: string, ...methods: readonly string[]) =>
    cluster.hold((asked: Asked) => methods.includes(asked.method) && asked.path.startsWith(namespace + path));
  switch (one.moment) {
    case 'pull':
      return registry.hold(({ path }) => path.startsWith(`/v2/charts/${chartOf(one)}/blobs/`));
    case 'record':
      return writes('/secrets', 'POST');
    case 'objects':
      return writes('/configmaps', 'POST', 'PATCH', 'PUT');
    case 'closing':
      return writes(`/secrets/sh.helm.release.v1.app.v${revision}`, 'PUT', 'PATCH');
    case 'hook':
    case 'wait':
      return null;
  }
}

/** The proof. Without it a test might end something that had not yet begun, or that was over. */
function isThere(one: Case, seen: Seen): boolean {
  return Object.entries(placeOf(one)).every(([fact, wanted]) => seen[fact as keyof Seen] === wanted);
}

function placeOf({ action, moment }: Case): Partial<Seen> {
  const before = action === 'install' ? null : 'deployed';
  const pending = `pending-${action}`;
  switch (moment) {
    case 'pull':
      return { held: 1, helms: 0, newest: before, step: 'writeRelease' };
    case 'record':
      return { held: 1, helms: 1, newest: before };
    case 'hook':
      return { helms: 1, newest: pending, hook: 'Running' };
    case 'objects':
      return { held: 1, helms: 1, newest: pending, message: action === 'install' ? null : 'before' };
    case 'closing':
      return { held: 1, helms: 1, newest: pending, message: 'declared' };
    case 'wait':
      return { helms: 0, newest: 'deployed', message: 'declared', step: 'waitReady between two looks' };
  }
}

/** Processes that work for the worker of a scene: its helms, and what pulls charts. */
export function toolsOf({ holdfast, registry }: Pick<Scene, 'holdfast' | 'registry'>): readonly string[] {
  return [...processesNaming(holdfast.dataDir), ...processesNaming(registry.address)].map(({ args }) => args.join(' '));
}

/** End hooks and waits, again and again, until every case is Ready. */
export async function settle(scene: Scene, cases: readonly Case[]): Promise<void> {
  for (const one of cases.filter(({ moment }) => moment === 'wait')) await endWait(scene, one);
  await until(
    async () => {
      await endHooks(scene, cases);
      return survey(scene);
    },
    (seen) => cases.every((one) => seen(one).ready),
    `every case of ${scene.holdfast.cluster} Ready`,
  );
}

export async function endHooks({ kube }: Scene, cases: readonly Case[]): Promise<void> {
  const body = { metadata: { labels: { 'holdfast.dev/test-ready': null } } };
  const namespaces = cases.map(nameOf);
  for (const { metadata } of await list<Listed>(kube, '/api/v1/pods', HOOKS)) {
    if (!namespaces.includes(metadata.namespace)) continue;
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
    await kube.request({ ...PATCH.merge, path, body });
  }
}

/** Make a Deployment ready whose pods never would be. */
async function endWait({ kube }: Scene, one: Case): Promise<void> {
  const body = { spec: { template: { metadata: { labels: { 'holdfast.dev/test-ready': null } } } } };
  await kube.request({ ...PATCH.merge, path: `/apis/apps/v1/namespaces/${nameOf(one)}/deployments/app`, body });
}
