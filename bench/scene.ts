/** What every benchmark runs on: a stack of its own, two versions of a chart in its registry, the bundled workflows. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { linkTools } from '../stack/bin.ts';
import { packChart, pushArchive, runHelm } from '../stack/chart-archive.ts';
import { runKubectl, type KubectlTarget } from '../stack/kubectl.ts';
import { CHECKOUT } from '../stack/state.ts';
import { readAccess, type SharedStack } from '../stack/test-access.ts';
import { startTestStack, TEST_PARTS, type TestStack } from '../stack/test-stack.ts';
import { describePlan, planTools, resolveTools, TOOL_NAMES } from '../stack/tools/index.ts';

export const CHART = 'bench';
export const VERSIONS = { first: '1.0.0', second: '1.1.0' } as const;
export type ChartVersion = (typeof VERSIONS)[keyof typeof VERSIONS];

/** Four objects: ServiceAccount, Service, Deployment, Ingress. No pods, so that neither side waits for any. */
export const VALUES = 'replicaCount: 0\ningress:\n  enabled: true\n';

export interface Scene {
  readonly stack: TestStack;
  readonly access: SharedStack;
  readonly target: KubectlTarget;
  /** Private, and gone at the end. */
  readonly folder: string;
  readonly valuesFile: string;
  /** Archives by version. */
  readonly archives: Readonly<Record<ChartVersion, string>>;
  readonly workflowBundle: string;
  say(line: string): void;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
}

const run = promisify(execFile);

/** Set up, let `measure` work, and take everything away again, whatever happens. */
export async function onScene<T>(say: Scene['say'], measure: (scene: Scene) => Promise<T>): Promise<T> {
  for (const line of describePlan(await planTools(TOOL_NAMES))) say(line);
  const paths = await resolveTools(TOOL_NAMES, {});
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const forget = (): void => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', forget);
  say('starting Kubernetes, Temporal and a registry');
  const stack = await startTestStack(linkTools(join(folder, 'bin'), paths), TEST_PARTS);
  try {
    return await measure(await prepare(stack, folder, say));
  } finally {
    await stack.stop();
    forget();
    process.off('exit', forget);
  }
}

async function prepare(stack: TestStack, folder: string, say: Scene['say']): Promise<Scene> {
  const access = readAccess(stack.env);
  const { bin, kubeconfig } = access;
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  const valuesFile = join(folder, 'values.yaml');
  writeFileSync(valuesFile, VALUES);
  const target = { bin, home, kubeconfig };
  const workflowBundle = join(folder, 'workflows.js');
  say('packing charts, bundling workflows');
  await run(process.execPath, [join(CHECKOUT, 'worker', 'build-bundle.ts'), workflowBundle]);
  return {
    stack,
    access,
    target,
    folder,
    valuesFile,
    archives: await pushCharts(access, home),
    workflowBundle,
    say,
    kubectl: (args, stdin) => runKubectl(target, args, stdin),
  };
}

/** The chart that `helm create` makes, twice. */
async function pushCharts(access: SharedStack, home: string): Promise<Scene['archives']> {
  const tools = { bin: access.bin, home };
  const source = join(home, CHART);
  await runHelm(tools, ['create', source]);
  const push = async (version: ChartVersion): Promise<string> => {
    const archive = await packChart(tools, source, version);
    await pushArchive(tools, archive, { registry: access.registry, folder: 'charts', login: access.registryLogin });
    return archive;
  };
  return { [VERSIONS.first]: await push(VERSIONS.first), [VERSIONS.second]: await push(VERSIONS.second) };
}
