/** Kill a victim while releases stand at their moments, bring it back, and let everything come to its end. */
import { until } from '../../support/harness.ts';
import { reach, settle, toolsOf, type Reached, type Scene } from '../scene.ts';
import { helmsOf } from '../survey.ts';
import { caseOf, type Cell, type Victim } from './cells.ts';

export async function killAt(scene: Scene, cells: readonly Cell[]): Promise<void> {
  const cases = cells.map(caseOf);
  const [victim] = new Set(cells.map((cell) => cell.victim));
  if (victim === undefined) return;
  const reached = await reach(scene, cases);
  await KILLS[victim](scene, cells, reached);
  await settle(scene, cases);
}

type Kill = (scene: Scene, cells: readonly Cell[], reached: Reached) => Promise<void>;

const KILLS: Readonly<Record<Victim, Kill>> = {
  worker: killWorker,
  helm: killHelms,
  temporal: killTemporal,
  'kube-apiserver': (scene, _cells, reached) => killBehindGate(scene, 'kube-apiserver', reached),
  etcd: (scene, _cells, reached) => killBehindGate(scene, 'etcd', reached),
};

async function killWorker(scene: Scene, _cells: readonly Cell[], { forsaken, letGo }: Reached): Promise<void> {
  const worker = scene.holdfast.worker();
  process.kill(worker.pid, 'SIGKILL');
  await until(
    () => Promise.resolve({ end: worker.exit(), left: toolsOf(scene) }),
    ({ end, left }) => end !== null && left.length === 0,
    'every helm to die with the worker',
  );
  await forsaken();
  letGo();
  await scene.holdfast.startWorker();
}

async function killHelms(scene: Scene, cells: readonly Cell[], { forsaken, letGo }: Reached): Promise<void> {
  const helms = (): readonly number[] => cells.flatMap((cell) => helmsOf(scene, caseOf(cell)));
  const killed = helms();
  for (const pid of killed) process.kill(pid, 'SIGKILL');
  await until(
    () => Promise.resolve(helms()),
    (pids) => pids.every((pid) => !killed.includes(pid)),
    'every helm to be gone',
  );
  await forsaken();
  letGo();
}

async function killTemporal(scene: Scene, _cells: readonly Cell[], { letGo }: Reached): Promise<void> {
  const temporal = scene.holdfast.stack.part('temporal');
  await temporal.kill();
  await temporal.start();
  wakeWorker(scene);
  letGo();
}

/** What was kept at the gates finds nobody behind them, or somebody who cannot answer. */
async function killBehindGate(scene: Scene, name: 'kube-apiserver' | 'etcd', reached: Reached): Promise<void> {
  const part = scene.holdfast.stack.part(name);
  await part.kill();
  reached.letGo();
  wakeWorker(scene);
  if (name === 'kube-apiserver') await reached.forsaken();
  await part.start();
}

/** That was stopped to keep what it knew to itself. */
function wakeWorker({ holdfast }: Scene): void {
  process.kill(holdfast.worker().pid, 'SIGCONT');
}
