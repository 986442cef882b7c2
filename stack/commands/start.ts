import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { linkTools } from '../bin.ts';
import { callerEnvironment, toolHomes } from '../environment.ts';
import { confirm, CRDS, describeTarget, existingCrds, missingRights } from '../foreign.ts';
import type { KubectlTarget } from '../kubectl.ts';
import { writePlan, type ForeignCluster, type Plan } from '../plan.ts';
import { choosePorts } from '../ports.ts';
import { readProcess, removePidFile, writeOwnPidFile } from '../processes.ts';
import { createFolders, stateOf, type State } from '../state.ts';
import { describePlan, planTools, resolveTools, TOOL_NAMES } from '../tools/index.ts';
import { runStack } from './run.ts';
import { stopLeftovers } from './stop.ts';
import { parseOptions, Refusal } from './usage.ts';

export const START_USAGE = `usage: npm start -- [options]

Starts Temporal, a Kubernetes control plane, an OCI registry, a Git server with a sample, worker and API on 127.0.0.1,
and follows the releases until Ctrl-C, which stops it all.

  --detach            return when all is Ready and leave it running; \`npm stop\` ends it
  --kubeconfig FILE   use this cluster instead of the embedded one (or HOLDFAST_KUBECONFIG)
  --context NAME      a context of that file; default: its current one (or HOLDFAST_KUBE_CONTEXT)
  --adopt-crds        take over CustomResourceDefinitions of ours that someone else installed there
  --yes               write to that cluster without asking
  --temporal ADDRESS  use this Temporal instead of the embedded one (or HOLDFAST_TEMPORAL_*)
`;

const OPTIONS = {
  detach: { type: 'boolean', default: false },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'adopt-crds': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  temporal: { type: 'string' },
} as const;

interface Options {
  readonly detach: boolean;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly 'adopt-crds': boolean;
  readonly yes: boolean;
  readonly temporal?: string | undefined;
}

export async function start(args: readonly string[]): Promise<number> {
  const options: Options = parseOptions(args, OPTIONS);
  const state = stateOf(process.env);
  refuseSecondStart(state);
  await announce(state, options);
  createFolders(state);
  writeOwnPidFile(state.lock, 'start');
  try {
    const left = await stopLeftovers(state);
    if (left.length > 0)
      console.log(`an earlier stack was not stopped properly; ended what was left: ${left.join(', ')}`);
    if (!(await linkResolvedTools(state))) return 130;
    const plan = await makePlan(state, options);
    writePlan(state, plan);
    return await runStack(state, plan, options.detach ? 'detach' : 'follow');
  } finally {
    removePidFile(state.lock, 'start');
  }
}

/** False when the person changed their mind: downloads and builds end and leave nothing behind. */
async function linkResolvedTools(state: State): Promise<boolean> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    interrupt.abort();
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    linkTools(state.bin, await resolveTools(TOOL_NAMES, { signal: interrupt.signal }));
    return !interrupt.signal.aborted;
  } catch (error) {
    if (interrupt.signal.aborted) return false;
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function refuseSecondStart(state: State): void {
  const supervisor = readProcess(state.lock, 'supervisor');
  if (supervisor !== null) {
    throw new Refusal(
      `a stack of ${state.root} runs already (supervisor pid ${supervisor.pid}): use it (. ${state.env}), or end it with npm stop, or set HOLDFAST_STATE_DIR to another folder for a second one`,
    );
  }
  const other = readProcess(state.lock, 'start');
  if (other !== null) throw new Refusal(`another npm start is under way (pid ${other.pid}): wait for it, or end it`);
}

const NEEDED_MB = 1000;

async function announce(state: State, options: Options): Promise<void> {
  const cluster = options.kubeconfig ?? process.env['HOLDFAST_KUBECONFIG'];
  const parts = [
    ...(foreignTemporal(options) === null ? ['Temporal'] : []),
    ...(cluster === undefined ? ['a Kubernetes control plane', 'an OCI registry', 'a Git server with a sample'] : []),
    'worker and API',
  ];
  const cost = cluster === undefined ? 'about 20 s, 1.5 GB of memory' : 'about 10 s, 0.8 GB of memory';
  console.log(`Holdfast starts ${parts.join(', ')} on 127.0.0.1: ${cost}, 0.5 GB of disk`);
  const freeMb = await freeSpaceMb(state.root);
  console.log(`state is kept in ${state.root} (${(freeMb / 1000).toFixed(1)} GB free there) until npm run reset`);
  if (freeMb < NEEDED_MB) {
    throw new Refusal(
      `the disk of ${state.root} has ${freeMb} MB free, and ${NEEDED_MB} MB are needed: free some, or set HOLDFAST_STATE_DIR to a folder on another disk`,
    );
  }
  for (const line of describePlan(await planTools(TOOL_NAMES))) console.log(line);
}

async function freeSpaceMb(folder: string): Promise<number> {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return Math.floor((bavail * bsize) / 1e6);
}

async function makePlan(state: State, options: Options): Promise<Plan> {
  const foreignCluster = await chooseCluster(state, options);
  const { ports, moved } = await choosePorts(state.ports);
  if (moved.length > 0) {
    const list = moved.map(({ name, from, to }) => `${name} ${to} (not ${from})`).join(', ');
    console.log(`ports that other programs use are given way to: ${list}`);
  }
  const named = process.env['HOLDFAST_CLUSTER'];
  const cluster = named ?? (foreignCluster === null ? 'local' : toLabel(foreignCluster.context));
  return { cluster, ports, foreignCluster, foreignTemporal: foreignTemporal(options) };
}

function foreignTemporal({ temporal }: Options): Plan['foreignTemporal'] {
  if (temporal !== undefined) return { address: temporal };
  const set = Object.entries(process.env).some(
    ([name, value]) => name.startsWith('HOLDFAST_TEMPORAL_') && name !== 'HOLDFAST_TEMPORAL_UI' && value !== '',
  );
  return set ? { address: process.env['HOLDFAST_TEMPORAL_ADDRESS'] ?? null } : null;
}

/** Workflow ids and ownership labels carry this name, so it must stay the same from start to start. */
export function toLabel(context: string): string {
  const label = context
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return label === '' ? 'local' : label;
}

/** The cluster that flags or variables name, as kubectl is to be called for it; null when none does. */
export function namedCluster(state: State, options: Pick<Options, 'kubeconfig' | 'context'>): KubectlTarget | null {
  const file = options.kubeconfig ?? process.env['HOLDFAST_KUBECONFIG'];
  if (file === undefined || file === '') {
    if (options.context !== undefined) throw new Refusal('--context names a context of a file: add --kubeconfig FILE');
    return null;
  }
  // npm changes into the checkout; people name files from where they are.
  const kubeconfig = resolve(process.env['INIT_CWD'] ?? '.', file);
  if (!existsSync(kubeconfig)) throw new Refusal(`--kubeconfig: there is no file ${kubeconfig}`);
  return {
    bin: state.bin,
    home: state.home,
    kubeconfig,
    context: options.context ?? process.env['HOLDFAST_KUBE_CONTEXT'],
    env: { ...callerEnvironment(process.env), ...toolHomes(state.home) },
  };
}

async function chooseCluster(state: State, options: Options): Promise<ForeignCluster | null> {
  const target = namedCluster(state, options);
  if (target === null) return null;
  const { host, context } = await describeTarget(target);
  console.log(`cluster: ${host}, context ${context} of ${target.kubeconfig}`);
  const missing = await missingRights(target);
  if (missing.length > 0) {
    throw new Refusal(
      `the user of context ${context} lacks these rights in all namespaces:\n${missing.map((right) => `  ${right}`).join('\n')}\nask for them, or name another context with --context`,
    );
  }
  const { ours, others } = await existingCrds(target);
  if (others.length > 0 && !options['adopt-crds']) {
    throw new Refusal(
      `${host} has CustomResourceDefinitions that someone else installed: ${others.join(', ')}; with --adopt-crds they are replaced by those of Holdfast, and objects of these kinds are acted upon`,
    );
  }
  const fresh = CRDS.filter((name) => !ours.includes(name) && !others.includes(name));
  const says = (verb: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`  ${verb}: ${names.join(', ')}`];
  const changes = [...says('create', fresh), ...says('update', ours), ...says('take over', others)];
  console.log(['CustomResourceDefinitions there:', ...changes].join('\n'));
  console.log('after that the worker acts on HelmReleases, HelmRepositories and GitRepositories of all its namespaces');
  await confirm(`write to ${host}?`, options.yes);
  return { kubeconfig: target.kubeconfig, context, host };
}
