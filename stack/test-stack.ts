/** What tests share: one control plane with our CRDs, one Temporal server, one registry, in a folder of their own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startControlPlane } from './control-plane.ts';
import { applyCrds } from './crds.ts';
import { freePorts, type Ports } from './ports.ts';
import { killAll, stopAll, type RunningProcess } from './processes.ts';
import { keptLogin, registry } from './services/registry.ts';
import { startService, type Service } from './services/service.ts';
import { temporal } from './services/temporal.ts';

export const TEST_PARTS = ['kubernetes', 'temporal', 'registry'] as const;
export type TestPart = (typeof TEST_PARTS)[number];

export interface TestStack {
  /** All of it as the variables that `test/support/harness.ts` reads. */
  readonly env: Readonly<Record<string, string>>;
  /** Where each process has its pid file. */
  readonly runDir: string;
  /** One of its processes, by the name of its service. */
  part(name: string): StackPart;
  stop(): Promise<void>;
}

/** A process of the stack that a test may end and start again: the same ports, the same files. */
export interface StackPart {
  /** Of the process that runs now, which is the leader of its group. */
  readonly pid: number;
  /** SIGKILL; comes back when it is gone. */
  kill(): Promise<void>;
  /** After `kill`; comes back when it serves. */
  start(): Promise<void>;
}

export async function startTestStack(bin: string, parts: readonly TestPart[]): Promise<TestStack> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  const runDir = join(folder, 'run');
  // When the process is ended before its time there is nothing left to wait with.
  const onExit = (): void => {
    killAll(runDir);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', onExit);
  const stop = async (): Promise<void> => {
    process.off('exit', onExit);
    // Nothing is to be kept, so nobody need take leave.
    await stopAll(runDir, { graceMs: 0 });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const ports = await freePorts();
    const running = new Map<string, StackPart>();
    const start = async (service: Service): Promise<void> => {
      running.set(service.process.name, await startPart(service, runDir));
    };
    const settings = { bin, folder, ports, start };
    const env = await Promise.all(parts.map((part) => STARTERS[part](settings)));
    const part = (name: string): StackPart => {
      const found = running.get(name);
      if (found === undefined) throw new Error(`no ${name} was started, only ${[...running.keys()].join(', ')}`);
      return found;
    };
    return { env: Object.assign({ HOLDFAST_TEST_BIN: bin }, ...env) as Record<string, string>, runDir, part, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const POLL_MS = 20;

async function startPart(service: Service, runDir: string): Promise<StackPart> {
  let running: RunningProcess = await startService(service, runDir);
  return {
    get pid() {
      return running.pid;
    },
    async kill() {
      process.kill(-running.pid, 'SIGKILL');
      // Its end alone would not keep this process alive to see it.
      while (running.exit() === null) await delay(POLL_MS);
    },
    async start() {
      running = await startService(service, runDir);
    },
  };
}

interface Settings {
  readonly bin: string;
  readonly folder: string;
  readonly ports: Ports;
  readonly start: (service: Service) => Promise<void>;
}

const STARTERS: Readonly<Record<TestPart, (settings: Settings) => Promise<Record<string, string>>>> = {
  kubernetes: startKubernetes,
  temporal: startTemporal,
  registry: startRegistry,
};

async function startKubernetes({ bin, folder, ports, start }: Settings): Promise<Record<string, string>> {
  const kubeconfig = join(folder, 'kubeconfig');
  const home = homeOf(folder);
  await startControlPlane({ ...placesOf(folder), bin, data: folder, kubeconfig, ports, fsync: 'no' }, start);
  await applyCrds({ bin, home, kubeconfig });
  return { HOLDFAST_TEST_KUBECONFIG: kubeconfig };
}

async function startTemporal({ bin, folder, ports, start }: Settings): Promise<Record<string, string>> {
  const database = join(folder, 'temporal', 'temporal.db');
  await start(temporal({ ...placesOf(folder), bin, database, port: ports.temporal, uiPort: null }));
  return { HOLDFAST_TEST_TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}` };
}

async function startRegistry({ bin, folder, ports, start }: Settings): Promise<Record<string, string>> {
  const auth = join(folder, 'registry-auth');
  const login = keptLogin(auth, 'holdfast');
  await start(registry({ ...placesOf(folder), bin, data: join(folder, 'registry'), port: ports.registry, login }));
  return { HOLDFAST_TEST_REGISTRY: `127.0.0.1:${ports.registry}`, HOLDFAST_TEST_REGISTRY_AUTH: auth };
}

function placesOf(folder: string): { logs: string; home: string } {
  return { logs: join(folder, 'logs'), home: homeOf(folder) };
}

function homeOf(folder: string): string {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return home;
}
