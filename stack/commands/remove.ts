import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { linkTools } from '../bin.ts';
import { listObjects, ownedReleases, type ForeignObject, type Ref } from '../foreign-objects.ts';
import { confirm, describeTarget, existingCrds } from '../foreign.ts';
import { kubectlCommand, runKubectl, type KubectlTarget } from '../kubectl.ts';
import { readPlan } from '../plan.ts';
import { createFolders, stateOf, type State } from '../state.ts';
import { resolveTools } from '../tools/index.ts';
import { namedCluster, toLabel } from './start.ts';
import { stopStack } from './stop.ts';
import { parseOptions, UsageError } from './usage.ts';

export const REMOVE_USAGE = `usage: npm run remove -- --kubeconfig FILE [options]

Takes Holdfast out of a cluster again: uninstalls the releases it owns, what depends on others first, then removes its
objects with their finalizers and its CustomResourceDefinitions. Works with the stack down; a stack that runs on
this cluster is stopped first.

  --context NAME    a context of that file; default: its current one
  --keep-releases   leave what helm installed in place
  --yes             do not ask
`;

const OPTIONS = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'keep-releases': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
} as const;

const run = promisify(execFile);

export async function remove(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, OPTIONS);
  const state = stateOf(process.env);
  const target = targetOf(state, options);
  createFolders(state);
  linkTools(state.bin, await resolveTools(['kubectl', 'helm']));
  const { host, context } = await describeTarget(target);
  console.log(`cluster: ${host}, context ${context} of ${target.kubeconfig}`);
  const cluster = process.env['HOLDFAST_CLUSTER'] ?? toLabel(context);
  const found = await findOurs(target, options['keep-releases'] ? null : cluster);
  for (const line of describeFound(found)) console.log(line);
  if (found.objects.length + found.crds.length === 0) return 0;
  await confirm(`do this on ${host}?`, options.yes);
  // A worker would act on every step of ours.
  if (readPlan(state)?.foreignCluster?.host === host && (await stopStack(state))) console.log('stopped the stack');
  for (const release of found.releases) await uninstall(target, release);
  for (const object of found.objects) await removeObject(target, object);
  if (found.crds.length > 0) await runKubectl(target, ['delete', 'customresourcedefinitions', ...found.crds]);
  console.log('removed');
  return 0;
}

function targetOf(state: State, options: Parameters<typeof namedCluster>[1]): KubectlTarget {
  const target = namedCluster(state, options);
  if (target !== null) return target;
  throw new UsageError('name the cluster with --kubeconfig; npm run reset forgets the embedded one');
}

interface Found {
  /** In the order in which they go. */
  readonly releases: readonly Ref[];
  readonly objects: readonly ForeignObject[];
  readonly crds: readonly string[];
  /** CRDs of the same names that somebody else installed. */
  readonly others: readonly string[];
}

/** What there is to remove; no releases without the name of the cluster that owns them. */
async function findOurs(target: KubectlTarget, cluster: string | null): Promise<Found> {
  const { ours, others } = await existingCrds(target);
  const objects = (await Promise.all([...ours, ...others].map((crd) => listObjects(target, crd)))).flat();
  const releases = cluster === null ? [] : await ownedReleases(target, objects, cluster);
  return { releases, objects, crds: ours, others };
}

function describeFound({ releases, objects, crds, others }: Found): readonly string[] {
  if (objects.length + crds.length === 0) return ['nothing of Holdfast is there'];
  return [
    ...releases.map(({ namespace, name }) => `  uninstall release ${namespace}/${name}`),
    ...objects.map(({ crd, namespace, name }) => `  delete ${crd} ${namespace}/${name}`),
    ...crds.map((crd) => `  delete CustomResourceDefinition ${crd}`),
    ...others.map((crd) => `  leave CustomResourceDefinition ${crd}, which somebody else installed`),
  ];
}

async function uninstall(target: KubectlTarget, { namespace, name }: Ref): Promise<void> {
  const { env } = kubectlCommand(target, []);
  const context = target.context === undefined ? [] : ['--kube-context', target.context];
  const where = ['--namespace', namespace, '--kubeconfig', target.kubeconfig, ...context];
  await run(join(target.bin, 'helm'), ['uninstall', name, ...where, '--wait', '--timeout', '5m'], { env });
  console.log(`uninstalled ${namespace}/${name}`);
}

const OUR_FINALIZERS = [
  'helm-operator.ketches.cn/release-finalizer',
  'helm-operator.ketches.cn/repository-finalizer',
  'holdfast.dev/finalizer',
];

async function removeObject(target: KubectlTarget, object: ForeignObject): Promise<void> {
  const { crd, namespace, name, finalizers } = object;
  const which = [crd, name, `--namespace=${namespace}`];
  await runKubectl(target, ['delete', ...which, '--wait=false', '--ignore-not-found']);
  const kept = finalizers.filter((finalizer) => !OUR_FINALIZERS.includes(finalizer));
  if (kept.length === finalizers.length) return;
  const patch = JSON.stringify({ metadata: { finalizers: kept } });
  try {
    await runKubectl(target, ['patch', ...which, '--type=merge', `--patch=${patch}`]);
  } catch (error) {
    // A worker that still runs may have been faster: then the object is gone, which is what was wanted.
    if (!(error instanceof Error) || !error.message.includes('NotFound')) throw error;
  }
}
