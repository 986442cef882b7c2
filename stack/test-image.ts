/**
 * `npm run test:image`: builds the image with the Docker engine of this machine and runs the tests of `test/image`,
 * which bring up docker-compose.yml with it.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { linkTools } from './bin.ts';
import { parseOptions, Refusal, UsageError } from './commands/usage.ts';
import { gatewayAddress, docker, engineVersion, findCompose, hasImage, said } from './docker.ts';
import { interruption, runInForeground } from './foreground.ts';
import { findBase } from './image-base.ts';
import { CHECKOUT } from './state.ts';
import { TEST_RUNNER } from './test-runner.ts';
import { describePlan, elapsed, planTools, resolveTools, TOOL_NAMES } from './tools/index.ts';

const USAGE = `usage: npm run test:image -- [options]

Builds the image, brings worker and API up from docker-compose.yml beside a control plane, a Temporal server and a
registry on this machine, deploys a release, and kills the worker in the middle of upgrades. Removes what it made, but
a base. Needs Linux and a Docker engine on it with Compose 2 or docker-compose 1.29; about 10 min.

  --base IMAGE   build on this image with Node 24, npm and apt; default: that of the Dockerfile, pulled, or, where none
                 can be pulled, one made of Debian's packages (takes root and debootstrap) and kept
  --image IMAGE  do not build: test this image
`;

const OPTIONS = { base: { type: 'string' }, image: { type: 'string' } } as const;

/** A label of the Dockerfile. */
const STAGES = ['--filter=dangling=true', '--filter=label=dev.holdfast.stage'];

const interrupt = interruption();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`holdfast: ${said(error)}${error instanceof UsageError ? `\n\n${USAGE}` : ''}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(USAGE);
    return 0;
  }
  const options = parseOptions(args, OPTIONS);
  if (process.platform !== 'linux') throw new Refusal('the test of the image runs on Linux only');
  const engine = await engineVersion();
  const compose = await findCompose();
  console.log(`Docker ${engine} with ${compose.join(' ')}`);
  for (const line of describePlan(await planTools(TOOL_NAMES))) console.log(line);
  const tools = await resolveTools(TOOL_NAMES, { signal: interrupt });
  const given = options.image ?? options.base ?? (await findBase());
  if (!(await hasImage(given))) throw new Refusal(`there is no image ${given} in this engine`);
  const gateway = await gatewayAddress(given);
  const name = `holdfast-image-${randomBytes(4).toString('hex')}`;
  const bin = mkdtempSync(join(tmpdir(), 'holdfast-test-bin-'));
  try {
    linkTools(bin, tools);
    const image = options.image ?? (await build(`${name}:test`, compose, { tools, base: given }));
    await describeImage(image);
    return await runInForeground([process.execPath, ...TEST_RUNNER, 'test/image/compose.ts'], {
      env: {
        ...process.env,
        HOLDFAST_TEST_BIN: bin,
        HOLDFAST_TEST_IMAGE: image,
        HOLDFAST_TEST_GATEWAY: gateway,
        HOLDFAST_TEST_PROJECT: name,
      },
      interrupt,
    });
  } finally {
    rmSync(bin, { recursive: true, force: true });
    await removeProject(name);
    if (await hasImage(`${name}:test`)) await docker('image', 'rm', '--force', `${name}:test`);
  }
}

interface BuildOptions {
  readonly tools: Readonly<Record<'helm' | 'oras', string>>;
  readonly base: string;
}

/** Answers the image, built as docker-compose.yml says. */
async function build(
  image: string,
  compose: readonly [string, ...string[]],
  { tools, base }: BuildOptions,
): Promise<string> {
  const before = await stages();
  const takeBack = giveTools(tools);
  const start = Date.now();
  try {
    const args = ['--file', 'docker-compose.yml', 'build', '--build-arg', `BASE=${base}`, 'worker'];
    const env = { ...process.env, HOLDFAST_IMAGE: image };
    // docker-compose 1.29 leaves the docker behind that it has build.
    const code = await runInForeground([...compose, ...args], { env, interrupt, ends: 'all' });
    if (code !== 0) throw new Refusal(`the image could not be built on ${base} (exit code ${code})`);
    console.log(`image: built on ${base} in ${elapsed(Date.now() - start)}`);
    return image;
  } finally {
    takeBack();
    await removeStages(before);
  }
}

/** Images of stages that no name points to: a builder without BuildKit leaves them behind. */
async function stages(): Promise<readonly string[]> {
  return (await docker('images', '--quiet', '--no-trunc', ...STAGES)).split('\n').filter(Boolean);
}

async function removeStages(before: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const left = (await stages()).filter((id) => !before.includes(id));
    if (left.length === 0) return;
    // The engine ends the step of an interrupted build only after a moment, and holds its image until then.
    if (tries > 0) await sleep(1000);
    await docker('image', 'rm', '--force', ...left).catch(() => undefined);
  }
  console.log('images of stages are left: docker image prune --filter label=dev.holdfast.stage');
}

/** Where the person has none of their own, the image gets the helm and oras of this machine, and needs no download. */
function giveTools(tools: BuildOptions['tools']): () => void {
  const folder = join(CHECKOUT, 'image-tools');
  if (existsSync(folder)) return () => undefined;
  mkdirSync(folder);
  for (const name of ['helm', 'oras'] as const) {
    copyFileSync(tools[name], join(folder, name));
    chmodSync(join(folder, name), 0o755);
  }
  return () => {
    rmSync(folder, { recursive: true, force: true });
  };
}

async function describeImage(image: string): Promise<void> {
  const size = Number(await docker('image', 'inspect', image, '--format', '{{.Size}}'));
  console.log(`image: ${image}, ${Math.round(size / 1e6)} MB`);
}

/** All that Compose made under this name, also when whoever brought it up is gone. */
async function removeProject(name: string): Promise<void> {
  const ofProject = ['--quiet', `--filter=label=com.docker.compose.project=${name}`];
  const list = async (...command: readonly string[]): Promise<readonly string[]> =>
    (await docker(...command, ...ofProject)).split('\n').filter(Boolean);
  const containers = await list('ps', '--all');
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  for (const kind of ['network', 'volume'] as const) {
    const left = await list(kind, 'ls');
    if (left.length > 0) await docker(kind, 'rm', ...left);
  }
}
