/** What docker-compose.yml reads from files: secrets, and a kubeconfig that is good inside a container. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Refusal } from './commands/usage.ts';
import { runKubectl, type KubectlTarget } from './kubectl.ts';
import { CHECKOUT } from './state.ts';

/** The machine, as its containers call it. */
export const HOST_GATEWAY = 'host.docker.internal';

export interface ComposeFiles {
  readonly folder: string;
  readonly postgresPassword: string;
  readonly kubeconfig: string;
  /** Hashes of the tokens that the API lets in. */
  readonly tokens: string;
  /** A token for the person at this machine; no container sees it. */
  readonly apiToken: string;
}

export function composeFiles(folder = join(CHECKOUT, '.compose')): ComposeFiles {
  return {
    folder,
    postgresPassword: join(folder, 'postgres-password'),
    kubeconfig: join(folder, 'kubeconfig'),
    tokens: join(folder, 'tokens.json'),
    apiToken: join(folder, 'api-token'),
  };
}

/** The folder is closed to others; what a container mounts from it can be read there under any user id. */
export function createComposeFolder({ folder }: ComposeFiles): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
}

const FOR_CONTAINERS = 0o644;

export function openToContainers({ postgresPassword, kubeconfig, tokens }: ComposeFiles): void {
  for (const file of [postgresPassword, kubeconfig, tokens]) chmodSync(file, FOR_CONTAINERS);
}

/** Kept once it is there: the database knows it. */
export function keepPostgresPassword({ postgresPassword }: ComposeFiles): void {
  if (existsSync(postgresPassword)) return;
  writeFileSync(postgresPassword, randomBytes(24).toString('base64url'), { mode: FOR_CONTAINERS });
}

const Server = z.looseObject({ server: z.string(), 'tls-server-name': z.string().optional() });
const User = z.looseObject({ exec: z.unknown().optional(), tokenFile: z.string().optional() });
const Config = z.looseObject({
  clusters: z.array(z.looseObject({ cluster: Server })).length(1),
  users: z.array(z.looseObject({ user: User })).length(1),
});
type Server = z.output<typeof Server>;

/** Writes the target's context, with all that it names inside, for a container; answers the server as it is there. */
export async function writeContainerKubeconfig(target: KubectlTarget, { kubeconfig }: ComposeFiles): Promise<string> {
  const text = await runKubectl(target, ['config', 'view', '--minify', '--flatten', '--raw', '--output=json']);
  const config = Config.parse(JSON.parse(text));
  const [cluster] = config.clusters;
  const [user] = config.users;
  if (cluster === undefined || user === undefined) throw new TypeError('the schema lets none through');
  const needs = user.user.exec !== undefined ? 'a program' : user.user.tokenFile !== undefined ? 'a token file' : null;
  if (needs !== null) {
    throw new Refusal(
      `the user of ${target.kubeconfig} logs in with ${needs} of this machine, which a container does not have: make a kubeconfig with a token of a service account, and name it with --kubeconfig`,
    );
  }
  cluster.cluster = seenFromContainer(cluster.cluster);
  // JSON is YAML.
  writeFileSync(kubeconfig, `${JSON.stringify(config, null, 2)}\n`, { mode: FOR_CONTAINERS });
  return cluster.cluster.server;
}

/** A server on this machine's loopback is reached over the gateway, and still has to prove its own name. */
export function seenFromContainer(cluster: Server): Server {
  const url = new URL(cluster.server);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (host !== 'localhost' && host !== '::1' && !/^127(\.\d{1,3}){3}$/.test(host)) return cluster;
  url.hostname = HOST_GATEWAY;
  return {
    ...cluster,
    server: url.href.replace(/\/$/, ''),
    'tls-server-name': cluster['tls-server-name'] ?? host,
  };
}
