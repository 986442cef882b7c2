/**
 * Releases that are brought to a chosen moment of an attempt and kept there, so that a test ends something exactly
 * then. Nothing is left to luck: worker and helm reach the API server and the registry through gates that keep back
 * the one request that would end the moment.
 */
import { createKube } from '../../activities/kube/client.ts';
import { ANNOTATIONS, objectPath, PATCH } from '../../activities/kube/kinds.ts';
import { KubeError } from '../../activities/ports.ts';
import { gateTo, gateToCluster } from '../support/gate.ts';
import { until, type OwnStack } from '../support/harness.ts';
import { registryObjects, startHoldfast } from '../support/holdfast.ts';
import { processesNaming } from '../support/processes.ts';
import { nameOf, type Case } from './cases.ts';
import { firstStop, holdFor, isThere, type Gates } from './moments.ts';
import { chartOf, pushVersions, releaseFor } from './releases.ts';
import { helmsOf, HOOK_PODS, list, survey, TAMPERED, type Listed, type Sight } from './survey.ts';

export interface Scene extends Sight, Gates {}

type Environment = Readonly<Record<string, string>>;

export async function openScene(
  given: (stack: OwnStack) => Promise<Environment> = () => Promise.resolve({}),
): Promise<Scene> {
  const opened: { cluster?: Gates['cluster']; registry?: Gates['registry']; kubeconfig?: string } = {};
  const holdfast = await startHoldfast(async (stack) => {
    const { through, kubeconfig } = await gateToCluster(stack);
    Object.assign(opened, { cluster: through, registry: await gateTo(stack.registry), kubeconfig });
    return { HOLDFAST_KUBECONFIG: kubeconfig, HOLDFAST_HELM_SLOTS: '16', ...(await given(stack)) };
  });
  const { cluster, registry, kubeconfig } = opened;
  if (cluster === undefined || registry === undefined || kubeconfig === undefined) {
    throw new Error('the stack was started without its gates');
  }
  await pushVersions(holdfast, 'app');
  const kube = createKube({ kubeconfig: holdfast.stack.kubeconfig, context: null });
  return { holdfast, kube, cluster, registry, kubeconfig };
}

/** Cases at their moments; nothing moves until `letGo`. */
export interface Reached {
  /** End every moment but hooks and waits, which `settle` ends. */
  readonly letGo: () => void;
  /** After a kill: come back when nobody stands at a gate any more, so that nothing is let go that no one asks for. */
  readonly forsaken: () => Promise<void>;
}

/**
 * Bring every case to its moment, and prove that it is there: by what stands at a gate, by Helm's record, by the
 * processes and pods that are there, and by what Temporal says of the attempt. For the moment before the report the
 * worker itself is stopped, with SIGSTOP.
 */
export async function reach(scene: Scene, cases: readonly Case[]): Promise<Reached> {
  await prepare(scene, cases);
  await declare(
    scene,
    cases.filter(({ action }) => action !== 'install'),
    'before',
  );
  const holds = new Map(cases.map((one) => [nameOf(one), holdFor(scene, one)]));
  await begin(scene, cases);
  const stand = (those: readonly Case[], placeOf: (one: Case) => Case, what: string) =>
    until(
      async () => {
        const seen = await survey(scene, (one) => holds.get(nameOf(one))?.waiting().length ?? 0);
        const missing = those.filter((one) => !isThere(placeOf(one), seen(one)));
        return missing.map((one) => ({ missing: nameOf(one), ...seen(one) }));
      },
      (missing) => missing.length === 0,
      `${what} in ${scene.holdfast.cluster}`,
    );
  await stand(cases, firstStop, 'every case at its moment');
  const unheard = cases.filter(({ moment }) => moment === 'report');
  if (unheard.length > 0) {
    process.kill(scene.holdfast.worker().pid, 'SIGSTOP');
    for (const one of unheard) holds.get(nameOf(one))?.release();
    await stand(unheard, (one) => one, 'helms that end without a word to anybody');
  }
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

/** Namespaces, credentials and charts. */
async function prepare({ holdfast, registry }: Scene, cases: readonly Case[]): Promise<void> {
  for (const one of cases.filter(({ moment }) => moment === 'pull')) await pushVersions(holdfast, chartOf(one));
  const namespaces = cases.map((one) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: nameOf(one) } }));
  await holdfast.apply(...namespaces);
  const gated = { ...holdfast.stack, registry: registry.address };
  await holdfast.apply(...cases.flatMap((one) => registryObjects(gated, nameOf(one))));
}

/** Declare a state; that of `before` is waited for. */
async function declare(scene: Scene, cases: readonly Case[], which: 'before' | 'declared'): Promise<void> {
  // kubectl refuses to apply nothing.
  if (cases.length === 0) return;
  await scene.holdfast.apply(...cases.map((one) => releaseFor(one, which, scene.registry.address)));
  if (which === 'declared') return;
  await until(
    async () => {
      for (const one of cases.filter(waitsBefore)) await endWait(scene, one);
      return survey(scene);
    },
    (seen) => cases.every((one) => seen(one).ready),
    'everything that is to be there before',
  );
}

/** A rollback waits for what would not have been ready before, either. */
function waitsBefore({ action, moment }: Case): boolean {
  return action === 'rollback' && moment === 'wait';
}

/** Ask for what the cases are about. */
async function begin(scene: Scene, cases: readonly Case[]): Promise<void> {
  const uninstalls = cases.filter(({ action }) => action === 'uninstall');
  for (const one of uninstalls) {
    await scene.holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', nameOf(one), '--wait=false']);
  }
  for (const one of cases.filter(({ action }) => action === 'correction')) await tamper(scene, one);
  await declare(
    scene,
    cases.filter(({ action }) => action !== 'uninstall' && action !== 'correction'),
    'declared',
  );
  const unlocks = cases.filter(({ action }) => action === 'unlock');
  if (unlocks.length === 0) return;
  const hooks = unlocks.map((one) => ({ ...one, hooked: { ...one, action: 'upgrade', moment: 'hook' } as const }));
  await until(
    () => survey(scene),
    (seen) => hooks.every((one) => isThere(one.hooked, seen(one))),
    'upgrades whose helm is to be killed',
  );
  for (const pid of unlocks.flatMap((one) => helmsOf(scene, one))) process.kill(pid, 'SIGKILL');
}

/** As another hand, and then have it looked for. */
async function tamper(scene: Scene, one: Case): Promise<void> {
  await patch(scene, `/api/v1/namespaces/${nameOf(one)}/configmaps/app`, { data: { message: 'tampered' } });
  const annotations = { [ANNOTATIONS.requestedAt]: TAMPERED };
  await patch(scene, objectPath('HelmRelease', { namespace: nameOf(one), name: 'app' }), { metadata: { annotations } });
}

/** Processes that work for the worker of a scene: its helms, and what pulls charts. */
export function toolsOf({ holdfast, registry, kubeconfig }: Scene): readonly string[] {
  const seen = [holdfast.dataDir, registry.address, kubeconfig].flatMap(processesNaming);
  return [...new Map(seen.map(({ pid, args }) => [pid, args.join(' ')])).values()];
}

/** End hooks and waits, again and again, until every case has come to its end. */
export async function settle(scene: Scene, cases: readonly Case[]): Promise<void> {
  await until(
    async () => {
      for (const one of cases.filter(({ moment }) => moment === 'wait')) await endWait(scene, one);
      await endHooks(scene, cases);
      return survey(scene);
    },
    (seen) => cases.every((one) => seen(one).done),
    `every case of ${scene.holdfast.cluster} at its end`,
  );
}

export async function endHooks({ kube }: Scene, cases: readonly Case[]): Promise<void> {
  const body = { metadata: { labels: { 'holdfast.dev/test-ready': null } } };
  const namespaces = cases.map(nameOf);
  for (const { metadata } of await list<Listed>(kube, '/api/v1/pods', HOOK_PODS)) {
    if (!namespaces.includes(metadata.namespace)) continue;
    await patch({ kube }, `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`, body);
  }
}

/** Make a Deployment ready whose pods never would be, or let go a ConfigMap that would stay. */
async function endWait(scene: Scene, one: Case): Promise<void> {
  const namespace = nameOf(one);
  if (one.action === 'uninstall') {
    await patch(scene, `/api/v1/namespaces/${namespace}/configmaps/app`, { metadata: { finalizers: null } });
    return;
  }
  const body = { spec: { template: { metadata: { labels: { 'holdfast.dev/test-ready': null } } } } };
  await patch(scene, `/apis/apps/v1/namespaces/${namespace}/deployments/app`, body);
}

/** What is not there, or not there any more, needs no patch. */
async function patch({ kube }: Pick<Sight, 'kube'>, path: string, body: object): Promise<void> {
  try {
    await kube.request({ ...PATCH.merge, path, body });
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}
