/** Brings the stack up through its supervisor, says what there is, and follows the releases. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { SampleState } from '../bring-up.ts';
import { kubectlTarget } from '../environment.ts';
import { runKubectl, type KubectlTarget } from '../kubectl.ts';
import type { Plan } from '../plan.ts';
import { watchReleases, type Release } from '../releases.ts';
import { SAMPLE_NAMESPACE } from '../sample.ts';
import { readTail } from '../services/service.ts';
import { CHECKOUT, type State } from '../state.ts';
import { describeStack, writeEnvFile } from '../summary.ts';
import type { Message } from '../supervisor.ts';
import { createTable, type Table } from '../table.ts';
import { stopStack } from './stop.ts';
import { Refusal } from './usage.ts';

/** Names in `examples/sample/releases`. */
const SAMPLE_RELEASES = ['cart', 'catalog', 'frontend'];
const READY_TIMEOUT_MS = 180_000;

export async function runStack(state: State, plan: Plan, mode: 'detach' | 'follow'): Promise<number> {
  const since = Date.now();
  const interrupted = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted.resolve(signal);
    });
  }
  const supervisor = spawnSupervisor(state, mode);
  const table = createTable(process.stdout);
  const outcome = await Promise.race([waitForUp(state, supervisor, table), interrupted.promise]);
  if (typeof outcome === 'string') return stopAfter(state, outcome);
  writeEnvFile(state, plan);
  for (const line of describeStack(state, plan)) console.log(line);
  const following = await follow({ state, plan, sample: outcome.sample, since, mode, table });
  const result = await Promise.race([following.result, interrupted.promise, gone(supervisor)]);
  following.stop();
  if (result === 'gone') throw new Refusal(`the stack was stopped; its log is ${join(state.logs, 'supervisor.log')}`);
  if (typeof result === 'string') return stopAfter(state, result);
  supervisor.disconnect();
  return result;
}

function spawnSupervisor(state: State, mode: 'detach' | 'follow'): ChildProcess {
  const log = openSync(join(state.logs, 'supervisor.log'), 'a', 0o600);
  const args = [join(CHECKOUT, 'stack', 'supervisor.ts'), ...(mode === 'detach' ? ['--detach'] : [])];
  const env = { ...process.env, HOLDFAST_STATE_DIR: state.root };
  // A group of its own: Ctrl-C in the terminal is for us, and the supervisor is told what to do.
  const child = spawn(process.execPath, args, {
    cwd: CHECKOUT,
    env,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  return child;
}

/** Goes on to show what the supervisor has to say when the stack is up. */
function waitForUp(state: State, supervisor: ChildProcess, table: Table): Promise<{ readonly sample: SampleState }> {
  const log = join(state.logs, 'supervisor.log');
  return new Promise((resolve, reject) => {
    let failure: string | null = null;
    supervisor.on('message', (message: Message) => {
      if (message.kind === 'progress') table.note(message.text);
      else if (message.kind === 'up') resolve({ sample: message.sample });
      else failure = message.text;
    });
    supervisor.once('error', reject);
    // It ends by itself after a failure, once it has stopped what it had started.
    supervisor.once('exit', () => {
      const reason = failure ?? `the supervisor ended; its log is ${log} and ends with:\n${readTail(log, 1500).trim()}`;
      reject(new Refusal(`${reason}\nnothing runs any more; state stays in ${state.root}`));
    });
  });
}

function gone(supervisor: ChildProcess): Promise<'gone'> {
  return new Promise((resolve) => {
    supervisor.once('exit', () => {
      resolve('gone');
    });
  });
}

async function stopAfter(state: State, signal: string): Promise<number> {
  console.log(`\n${signal}: stopping (state stays in ${state.root})`);
  await stopStack(state);
  console.log('stopped');
  return signal === 'SIGINT' ? 130 : 143;
}

interface Following {
  readonly state: State;
  readonly plan: Plan;
  readonly sample: SampleState;
  readonly since: number;
  readonly mode: 'detach' | 'follow';
  readonly table: Table;
}

interface Followed {
  /** With `detach` an exit code once the sample is Ready or cannot become so; without it none, ever. */
  readonly result: Promise<number>;
  readonly stop: () => void;
}

async function follow({ state, plan, sample, since, mode, table }: Following): Promise<Followed> {
  const target = kubectlTarget(state, plan, process.env);
  const wanted = sample === 'new' ? SAMPLE_RELEASES : await presentReleases(target);
  const result = Promise.withResolvers<number>();
  let said = false;
  const say = (code: number, text: string): void => {
    if (said) return;
    said = true;
    table.note(text);
    if (mode === 'detach') result.resolve(code);
  };
  const watch = watchReleases(target, () => {
    table.show(watch.releases.values());
    if (!isReady(watch.releases, wanted)) return;
    say(0, `all releases Ready after ${((Date.now() - since) / 1000).toFixed(1)} s`);
  });
  const timer = setTimeout(() => {
    say(1, describeUnready(state, watch.releases, wanted));
  }, READY_TIMEOUT_MS);
  if (wanted.length === 0) say(0, 'worker and API run');
  const stop = (): void => {
    clearTimeout(timer);
    watch.stop();
  };
  return { result: result.promise, stop };
}

/** After the first start the sample is what the user has made of it. */
async function presentReleases(target: KubectlTarget): Promise<readonly string[]> {
  const kind = 'helmreleases.helm-operator.ketches.cn';
  const names = ['get', kind, `--namespace=${SAMPLE_NAMESPACE}`, '--output=jsonpath={.items[*].metadata.name}'];
  return (await runKubectl(target, names)).split(' ').filter(Boolean);
}

function sampleReleases(releases: ReadonlyMap<string, Release>): readonly Release[] {
  return [...releases.values()].filter(({ namespace }) => namespace === SAMPLE_NAMESPACE);
}

function isReady(releases: ReadonlyMap<string, Release>, wanted: readonly string[]): boolean {
  const present = sampleReleases(releases);
  const all = wanted.every((name) => present.some((release) => release.name === name));
  return all && present.every(({ ready }) => ready === 'True');
}

function describeUnready(state: State, releases: ReadonlyMap<string, Release>, wanted: readonly string[]): string {
  const present = sampleReleases(releases);
  const absent = wanted.filter((name) => !present.some((release) => release.name === name));
  const lines = [
    ...absent.map(
      (name) => `  ${SAMPLE_NAMESPACE}/${name} was not applied: kubectl describe gitrepository sample -n sample`,
    ),
    ...present
      .filter(({ ready }) => ready !== 'True')
      .map(({ namespace, name, reason, message }) =>
        `  ${namespace}/${name} is not Ready: ${reason} ${message}`.trimEnd(),
      ),
  ];
  return [
    `not all releases are Ready after ${READY_TIMEOUT_MS / 1000} s:`,
    ...lines,
    `the worker's log is ${join(state.logs, 'worker.log')}; the stack runs on until npm stop`,
  ].join('\n');
}
