/** The real worker, against a test stack. */
import { join } from 'node:path';
import type { ProcessSpec } from './processes.ts';
import { CHECKOUT } from './state.ts';
import type { SharedStack } from './test-access.ts';
import { WORKER_FLAGS } from './worker-flags.ts';

export interface TestWorker {
  readonly name: string;
  readonly cluster: string;
  /** Its home. */
  readonly folder: string;
  readonly dataDir: string;
  readonly log: string;
  /** More variables, or others in place of the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node. */
  readonly flags?: readonly string[];
}

export function workerOn(stack: SharedStack, worker: TestWorker): ProcessSpec {
  return {
    name: worker.name,
    command: process.execPath,
    args: [...WORKER_FLAGS, ...(worker.flags ?? []), join(CHECKOUT, 'worker', 'main.ts')],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: worker.folder,
      HOLDFAST_CLUSTER: worker.cluster,
      HOLDFAST_TEMPORAL_ADDRESS: stack.temporalAddress,
      HOLDFAST_KUBECONFIG: stack.kubeconfig,
      HOLDFAST_DATA_DIR: worker.dataDir,
      HOLDFAST_HELM: join(stack.bin, 'helm'),
      HOLDFAST_ORAS: join(stack.bin, 'oras'),
      ...worker.env,
    },
    log: worker.log,
  };
}
