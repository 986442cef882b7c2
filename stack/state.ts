import { chmodSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));

/** Where one embedded stack keeps all that it knows. Everything is readable by its owner only. */
export interface State {
  readonly root: string;
  /** Links to the tools; first on the PATH of `env`. */
  readonly bin: string;
  /** One folder per service that keeps something. */
  readonly data: string;
  readonly logs: string;
  /** Pid files of the services. */
  readonly run: string;
  /** Pid files of who starts and watches them. */
  readonly lock: string;
  /** Stands in for the user's home, whose settings are neither read nor written. */
  readonly home: string;
  readonly kubeconfig: string;
  readonly ports: string;
  readonly plan: string;
  /** `export` lines for a shell. */
  readonly env: string;
  readonly registryAuth: string;
  readonly gitAuth: string;
  readonly tokens: string;
  readonly apiToken: string;
}

export function stateOf(env: NodeJS.ProcessEnv): State {
  const given = env['HOLDFAST_STATE_DIR'];
  const root = given === undefined || given === '' ? join(CHECKOUT, '.holdfast') : resolve(given);
  return {
    root,
    bin: join(root, 'bin'),
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    run: join(root, 'run'),
    lock: join(root, 'lock'),
    home: join(root, 'home'),
    kubeconfig: join(root, 'kubeconfig'),
    ports: join(root, 'ports.json'),
    plan: join(root, 'plan.json'),
    env: join(root, 'env'),
    registryAuth: join(root, 'registry-auth'),
    gitAuth: join(root, 'git-auth'),
    tokens: join(root, 'tokens.json'),
    apiToken: join(root, 'api-token'),
  };
}

export function createFolders(state: State): void {
  for (const folder of [state.root, state.bin, state.data, state.logs, state.run, state.lock, state.home]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  // It may have been there with other rights.
  chmodSync(state.root, 0o700);
}
