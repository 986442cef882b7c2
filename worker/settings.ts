import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import type { Executables } from '../activities/ports.ts';
import {
  booleanText,
  clusterText,
  fileText,
  hostText,
  integerText,
  logLevelText,
  pathText,
  portText,
  readEnvironment,
  SettingsError,
  type Environment,
  type LogLevel,
} from '../runtime/environment.ts';

/** Everything a worker is told from outside, but Temporal's connection (`runtime/temporal.ts`). */
export interface WorkerSettings {
  readonly cluster: string;
  readonly logLevel: LogLevel;
  /** A file, or `in-cluster`: the service account of the pod that we run in. */
  readonly kubeconfig: string;
  readonly context: string | null;
  readonly dataDir: string;
  readonly executables: Executables;
  readonly helmSlots: number;
  readonly workflowBundle: string | null;
  /** Address of `/healthz` and `/metrics`. */
  readonly host: string;
  /** Port of the same; 0: none. */
  readonly port: number;
  readonly noCrossNamespace: boolean;
  readonly defaultServiceAccount: string | null;
  readonly plainHttpRegistries: readonly string[];
  /** Folder of certificates that HelmRepositories may name; null: they may name no files. */
  readonly tlsFilesDir: string | null;
}

const Variables = z.object({
  HOLDFAST_CLUSTER: clusterText,
  HOLDFAST_LOG_LEVEL: logLevelText,
  HOLDFAST_KUBECONFIG: z.union([z.literal('in-cluster'), fileText], {
    error: 'expected in-cluster, or the path of an existing kubeconfig; KUBECONFIG is not looked at',
  }),
  HOLDFAST_KUBE_CONTEXT: z.string().optional(),
  HOLDFAST_DATA_DIR: pathText,
  HOLDFAST_HELM: pathText.optional(),
  HOLDFAST_ORAS: pathText.optional(),
  HOLDFAST_GIT: pathText.optional(),
  HOLDFAST_HELM_SLOTS: integerText(1, 64).default(4),
  HOLDFAST_WORKFLOW_BUNDLE: fileText.optional(),
  HOLDFAST_WORKER_HOST: hostText.default('127.0.0.1'),
  HOLDFAST_WORKER_PORT: portText.default(0),
  HOLDFAST_NO_CROSS_NAMESPACE: booleanText.default(false),
  HOLDFAST_DEFAULT_SERVICE_ACCOUNT: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'expected the name of a service account')
    .optional(),
  HOLDFAST_PLAIN_HTTP_REGISTRIES: z
    .string()
    .transform((text) => text.split(',').map((host) => host.trim()))
    .default([]),
  HOLDFAST_TLS_FILES_DIR: pathText.optional(),
});

/** Read and check the settings; throws a `SettingsError` that names every variable that is wrong. */
export function readWorkerSettings(env: Environment): WorkerSettings {
  const set = readEnvironment(Variables, env);
  return {
    cluster: set.HOLDFAST_CLUSTER,
    logLevel: set.HOLDFAST_LOG_LEVEL,
    kubeconfig: set.HOLDFAST_KUBECONFIG,
    context: set.HOLDFAST_KUBE_CONTEXT ?? null,
    dataDir: set.HOLDFAST_DATA_DIR,
    executables: {
      helm: findExecutable('HOLDFAST_HELM', 'helm', { given: set.HOLDFAST_HELM, env }),
      oras: findExecutable('HOLDFAST_ORAS', 'oras', { given: set.HOLDFAST_ORAS, env }),
      git: findExecutable('HOLDFAST_GIT', 'git', { given: set.HOLDFAST_GIT, env }),
    },
    helmSlots: set.HOLDFAST_HELM_SLOTS,
    workflowBundle: set.HOLDFAST_WORKFLOW_BUNDLE ?? null,
    host: set.HOLDFAST_WORKER_HOST,
    port: set.HOLDFAST_WORKER_PORT,
    noCrossNamespace: set.HOLDFAST_NO_CROSS_NAMESPACE,
    defaultServiceAccount: set.HOLDFAST_DEFAULT_SERVICE_ACCOUNT ?? null,
    plainHttpRegistries: set.HOLDFAST_PLAIN_HTTP_REGISTRIES,
    tlsFilesDir: set.HOLDFAST_TLS_FILES_DIR ?? null,
  };
}

function findExecutable(
  variable: string,
  name: string,
  { given, env }: { given: string | undefined; env: Environment },
): string {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = given === undefined ? folders.map((folder) => join(folder, name)) : [given];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new SettingsError(
    given === undefined
      ? `${variable} is not set and there is no ${name} on PATH: install it, or name it there`
      : `${variable} is ${JSON.stringify(given)}: expected an executable file`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run, which is the same here
  }
}
