/** The floor: helm alone, a few processes at a time. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { toolHomes } from '../stack/environment.ts';
import { bareEnvironment } from '../stack/services/service.ts';
import { readCpu } from './meter.ts';
import type { ChartVersion, Scene } from './scene.ts';

/** As many as a worker runs. */
export const HELMS = 4;

export interface BareRun {
  readonly action: 'install' | 'upgrade';
  readonly namespace: string;
  readonly names: readonly string[];
  readonly version: ChartVersion;
  /** Helms at a time; absent: `HELMS`. */
  readonly atOnce?: number;
}

export interface BareResult {
  readonly seconds: number;
  readonly helmCpuSeconds: number;
}

/** Every release once, a few at a time; throws what helm says when one fails. */
export async function runBare(scene: Scene, run: BareRun): Promise<BareResult> {
  const rest = [...run.names];
  const before = readCpu(process.pid).children;
  const since = performance.now();
  const lane = async (): Promise<void> => {
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) await helm(scene, run, name);
  };
  await Promise.all(Array.from({ length: run.atOnce ?? HELMS }, lane));
  return {
    seconds: (performance.now() - since) / 1000,
    // Nothing but these helms is awaited meanwhile.
    helmCpuSeconds: readCpu(process.pid).children - before,
  };
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function helm(scene: Scene, { action, namespace, version }: BareRun, name: string): Promise<void> {
  const { bin, home, kubeconfig } = scene.target;
  const args = [
    action,
    name,
    scene.archives[version],
    `--namespace=${namespace}`,
    `--kubeconfig=${kubeconfig}`,
    `--values=${scene.valuesFile}`,
    '--wait',
    '--timeout=5m',
    '--disable-openapi-validation',
  ];
  const env = { ...bareEnvironment(home), ...toolHomes(home), KUBECACHEDIR: join(home, 'kube-cache'), GOGC: 'off' };
  const child = spawn(join(bin, 'helm'), args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      if (code === 0) resolve();
      else reject(new Error(`helm ${action} ${name} failed: ${stderr.trim()}`));
    });
  });
}
