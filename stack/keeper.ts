/** Starts services and starts them again when they end by themselves. */
import { mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stopAll, type RunningProcess, type StopOptions } from './processes.ts';
import { readTail, startService, type Service } from './services/service.ts';

export interface Keeper {
  /** Comes back when the service serves; a first start that fails is thrown, a later one tried again. */
  readonly start: (service: Service) => Promise<void>;
  /** Ends all services, worker and API first, etcd last. */
  readonly stop: () => Promise<void>;
}

export const STOP_ORDER: StopOptions = {
  first: ['worker', 'api'],
  // An API server that is stopped beside its clients waits for their requests, and for etcd in vain.
  last: ['kube-apiserver', 'etcd'],
  // helm may end its write; whoever still watches the API server, which keeps nothing itself, is not waited for.
  graces: { worker: 25_000, 'kube-apiserver': 2000 },
};

const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 30_000;
/** One that ran this long had no lasting trouble. */
const SETTLED_MS = 60_000;
export function createKeeper(runDir: string, report: (line: string) => void): Keeper {
  let stopping = false;

  async function keep(service: Service, first: RunningProcess): Promise<void> {
    const { name } = service.process;
    let running: RunningProcess | null = first;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const since = Date.now();
      const ended = (await running?.exited) ?? 'did not start';
      if (isStopping()) return;
      if (Date.now() - since >= SETTLED_MS) pauseMs = FIRST_PAUSE_MS;
      report(`${name} ${ended}; starting it again in ${pauseMs / 1000} s`);
      await delay(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS);
      if (isStopping()) return;
      running = await startService(service, runDir).catch((error: unknown) => {
        report(error instanceof Error ? error.message : String(error));
        return null;
      });
    }
  }

  // A function, so that the compiler does not take an earlier look for the last word.
  const isStopping = (): boolean => stopping;

  return {
    async start(service) {
      if (isStopping()) throw new Error('stopping');
      const running = await startService(service, runDir);
      void keep(service, running);
    },
    async stop() {
      stopping = true;
      await stopAll(runDir, STOP_ORDER);
    },
  };
}

const MAX_LOG_BYTES = 8 * 1024 * 1024;
const KEPT_LOG_BYTES = 2 * 1024 * 1024;

/** Cuts every log that has grown too long; its last part stays beside it as `NAME.1`. */
export function capLogs(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.log'))) {
    const file = join(folder, name);
    if (statSync(file).size <= MAX_LOG_BYTES) continue;
    writeFileSync(`${file}.1`, readTail(file, KEPT_LOG_BYTES), { mode: 0o600 });
    // Whoever writes it has it open for appending, and goes on at the new end.
    truncateSync(file);
  }
}
