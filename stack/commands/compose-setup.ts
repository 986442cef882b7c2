import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { linkTools } from '../bin.ts';
import {
  composeFiles,
  createComposeFolder,
  HOST_GATEWAY,
  keepPostgresPassword,
  openToContainers,
  writeContainerKubeconfig,
  type ComposeFiles,
} from '../compose.ts';
import { CHECKOUT, createFolders, stateOf } from '../state.ts';
import { resolveTools } from '../tools/index.ts';
import { namedCluster } from './start.ts';
import { parseOptions, UsageError } from './usage.ts';

export const COMPOSE_SETUP_USAGE = `usage: npm run compose-setup -- --kubeconfig FILE [options]

Makes what docker-compose.yml reads from .compose: a password for Postgres, a token for the API, and a kubeconfig with
which a container reaches the cluster. Passwords and tokens that are there are kept. Nothing is sent to the cluster.

  --context NAME    a context of that file; default: its current one
  --folder FOLDER   another folder than .compose
`;

const OPTIONS = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  folder: { type: 'string' },
} as const;

const run = promisify(execFile);

export async function composeSetup(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, OPTIONS);
  const state = stateOf(process.env);
  const target = namedCluster(state, options);
  if (target === null) throw new UsageError('name the cluster with --kubeconfig');
  createFolders(state);
  linkTools(state.bin, await resolveTools(['kubectl']));
  const files = composeFiles(
    options.folder === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? '.', options.folder),
  );
  createComposeFolder(files);
  keepPostgresPassword(files);
  const server = await writeContainerKubeconfig(target, files);
  await keepToken(files);
  openToContainers(files);
  for (const line of describe(files, server, target.kubeconfig)) console.log(line);
  return 0;
}

async function keepToken({ tokens, apiToken }: ComposeFiles): Promise<void> {
  if (existsSync(tokens)) return;
  const add = [join(CHECKOUT, 'api', 'token.ts'), 'add', 'compose', '--role', 'write', '--file', tokens];
  const { stdout } = await run(process.execPath, add);
  writeFileSync(apiToken, stdout, { mode: 0o600 });
}

function describe({ folder, apiToken }: ComposeFiles, server: string, kubeconfig: string): readonly string[] {
  return [
    `${folder} is ready; the containers reach the API server at ${server}`,
    ...(server.includes(HOST_GATEWAY)
      ? [`on Linux it must listen on the address of the Docker bridge too: docs/containers.md says how`]
      : []),
    `the token for the API is in ${apiToken}`,
    'next:',
    `  kubectl --kubeconfig ${kubeconfig} apply --server-side -f crds`,
    '  docker compose up --detach --build',
  ];
}
