/**
 * Holdfast from docker-compose.yml, changed by a second file only: an embedded stack outside of Docker takes the place
 * of Postgres and Temporal. Whoever started the test removes the containers.
 */
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeFiles, HOST_GATEWAY, type ComposeFiles } from '../../stack/compose.ts';
import { docker, findCompose, runCommand } from '../../stack/docker.ts';
import { freePort } from '../../stack/ports.ts';
import { cliEnvironment, runCli } from '../support/cli.ts';
import { forwardTcp } from '../support/forwarder.ts';
import { ownStack, temporaryFolder, until, type OwnStack } from '../support/harness.ts';

export interface Scene {
  readonly stack: OwnStack;
  /** `host:port` of the stack's registry, as a container reaches it. */
  readonly registry: string;
  readonly files: ComposeFiles;
  /** Where the API is published. */
  readonly api: string;
  readonly image: string;
  compose(...args: readonly string[]): Promise<string>;
  inspect(service: string): Promise<Container>;
  /** Run a program in the container of a service; answers what it writes. */
  exec(service: string, ...command: readonly string[]): Promise<string>;
  /** Wait until the health check of a service succeeds. */
  healthy(service: string): Promise<Container>;
}

/** What tests look at in `docker inspect`. */
export interface Container {
  readonly Id: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly Health?: { readonly Status: string; readonly Log: readonly { readonly Output: string }[] };
  };
  readonly HostConfig: { readonly ReadonlyRootfs: boolean; readonly CapDrop: readonly string[] };
}

/** Set by `npm run test:image`. */
function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: this file is run by npm run test:image`);
  return value;
}

export async function startScene(): Promise<Scene> {
  const image = given('HOLDFAST_TEST_IMAGE');
  const project = given('HOLDFAST_TEST_PROJECT');
  const stack = await ownStack();
  const files = await setUp(stack);
  const ports = { api: await freePort(), temporal: await freePort(), ui: await freePort() };
  const portOf = (address: string): number => Number(new URL(`tcp://${address}`).port);
  for (const target of [stack.temporalAddress, stack.registry, `127.0.0.1:${apiServerPort(files)}`]) {
    await forwardTcp(target, { at: given('HOLDFAST_TEST_GATEWAY'), on: portOf(target) });
  }
  const registry = `${HOST_GATEWAY}:${portOf(stack.registry)}`;
  const overrides = join(files.folder, 'override.yml');
  const temporal = portOf(stack.temporalAddress);
  // JSON is YAML.
  writeFileSync(overrides, JSON.stringify(override({ stack, files, image, registry, temporal })));
  const env = {
    ...process.env,
    HOLDFAST_IMAGE: image,
    HOLDFAST_CLUSTER: 'image',
    HOLDFAST_API_PORT: String(ports.api),
    HOLDFAST_TEMPORAL_PORT: String(ports.temporal),
    HOLDFAST_TEMPORAL_UI_PORT: String(ports.ui),
  };
  const [program, ...plugin] = await findCompose();
  const named = [...plugin, '--project-name', project, '--file', 'docker-compose.yml', '--file', overrides];
  const scene: Scene = {
    stack,
    registry,
    files,
    image,
    api: `http://127.0.0.1:${ports.api}`,
    compose: (...args) => runCommand(program, [...named, ...args], env),
    inspect: (service) => inspect(project, service),
    async exec(service, ...command) {
      return docker('exec', (await scene.inspect(service)).Id, ...command);
    },
    healthy: (service) =>
      until(
        () => scene.inspect(service),
        ({ State: { Health } }) => Health?.Status === 'healthy',
        `the health of ${service}`,
      ),
  };
  return scene;
}

/** The files as a person makes them, with the command of docs/containers.md. */
async function setUp(stack: OwnStack): Promise<ComposeFiles> {
  const root = temporaryFolder();
  const files = composeFiles(join(root, 'compose'));
  const args = ['compose-setup', '--kubeconfig', stack.kubeconfig, '--folder', files.folder];
  const { code, output } = await runCli(await cliEnvironment(join(root, 'state'), root), ...args);
  if (code !== 0) throw new Error(`compose-setup failed: ${output}`);
  return files;
}

function apiServerPort({ kubeconfig }: ComposeFiles): string {
  // Written by `compose-setup`.
  const { clusters } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as { clusters: [{ cluster: { server: string } }] };
  return new URL(clusters[0].cluster.server).port;
}

interface Changes {
  readonly stack: OwnStack;
  readonly files: ComposeFiles;
  readonly image: string;
  readonly registry: string;
  /** Port of the embedded Temporal. */
  readonly temporal: number;
}

/**
 * No image but ours can be counted on. Postgres, schema and UI do nothing; `temporal` passes on to the embedded server;
 * the scripts of namespace and search attributes run as they are. Of worker and API nothing is changed but which files
 * the secrets are, and that the embedded registry speaks plain HTTP.
 */
function override({ stack, files, image, registry, temporal }: Changes): object {
  const idle = { image, command: ['sleep', 'infinity'] };
  const admin = { image, volumes: [`${realpathSync(join(stack.bin, 'temporal'))}:/usr/local/bin/temporal:ro`] };
  const relay = `require("net").createServer((near) => {
    const far = require("net").connect(${temporal}, "${HOST_GATEWAY}");
    for (const [one, other] of [[near, far], [far, near]]) one.on("error", () => other.destroy()).pipe(other);
  }).listen(7233)`;
  const connect = 'require("net").connect(7233).on("connect", () => process.exit(0))';
  return {
    services: {
      postgres: { ...idle, healthcheck: { test: ['CMD', 'true'] } },
      'temporal-schema': { image, command: ['true'] },
      temporal: {
        image,
        command: [`exec node -e '${relay}'`],
        extra_hosts: [`${HOST_GATEWAY}:host-gateway`],
        healthcheck: { test: ['CMD', 'node', '-e', connect] },
      },
      'temporal-namespace': admin,
      'temporal-search-attributes': admin,
      'temporal-ui': idle,
      worker: { environment: { HOLDFAST_PLAIN_HTTP_REGISTRIES: registry } },
    },
    secrets: {
      'postgres-password': { file: files.postgresPassword },
      kubeconfig: { file: files.kubeconfig },
      'tokens.json': { file: files.tokens },
    },
  };
}

async function inspect(project: string, service: string): Promise<Container> {
  const labels = { project, service };
  const filters = Object.entries(labels).map(([name, value]) => `--filter=label=com.docker.compose.${name}=${value}`);
  const id = await docker('ps', '--all', '--quiet', ...filters);
  // Docker's own words; a test that reads a field that is not there fails at once.
  const [container] = JSON.parse(await docker('inspect', id)) as [Container];
  return container;
}
