/** A base for the image where none can be pulled: Debian's packages, the Node of our dependencies, this machine's npm. */
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { Refusal } from './commands/usage.ts';
import { CommandError, defaultBase, docker, hasImage, MissingProgram, runCommand, said } from './docker.ts';
import { CHECKOUT } from './state.ts';
import { elapsed } from './tools/index.ts';

/** `/tmp` may be mounted without devices, which debootstrap has to make. */
const PARENT = '/var/tmp';
const SUITE = 'bookworm';
const AUTHORITIES = '/etc/ssl/given-ca-certificates.crt';

/** That of the Dockerfile where it is or can be pulled; else one that was made here, now or earlier. */
export async function findBase(): Promise<string> {
  const wanted = defaultBase();
  const made = `holdfast-base:${wanted.split(':')[1] ?? 'latest'}`;
  for (const name of [wanted, made]) if (await hasImage(name)) return name;
  console.log(`base: pulling ${wanted}`);
  try {
    await docker('pull', '--quiet', wanted);
    return wanted;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.log(`base: ${said(error)}`);
  }
  const start = Date.now();
  console.log(`base: making ${made} of Debian's packages instead (about 2 min)`);
  await makeBase(made);
  console.log(`base: made in ${elapsed(Date.now() - start)}; it stays: docker image rm ${made}`);
  return made;
}

async function makeBase(name: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Refusal('to make a base takes root: run this as root, or name an image that is there with --base');
  }
  const folder = mkdtempSync(join(PARENT, 'holdfast-base-'));
  try {
    const root = join(folder, 'root');
    await bootstrapDebian(root);
    await addNode(root);
    const changes = addAuthorities(root);
    const archive = join(folder, 'base.tar');
    await runCommand('tar', ['--directory', root, '--create', '--file', archive, '.']);
    await docker('import', ...changes.flatMap((change) => ['--change', change]), archive, name);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bootstrapDebian(root: string): Promise<void> {
  try {
    await runCommand('debootstrap', ['--variant=minbase', SUITE, root]);
  } catch (error) {
    if (!(error instanceof MissingProgram)) throw error;
    throw new Refusal(
      `${error.message}: install it (on Debian: apt-get install debootstrap), or name an image that is there with --base`,
    );
  }
  for (const left of ['var/cache/apt/archives', 'var/lib/apt/lists']) {
    rmSync(join(root, left), { recursive: true, force: true });
    mkdirSync(join(root, left, 'partial'), { recursive: true });
  }
}

async function addNode(root: string): Promise<void> {
  const node = join(CHECKOUT, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (!existsSync(node)) {
    throw new Refusal(`${node} is not there: its package is optional and was left out; npm ci brings it`);
  }
  const local = join(root, 'usr', 'local');
  mkdirSync(join(local, 'bin'), { recursive: true });
  copyFileSync(node, join(local, 'bin', 'node'));
  const npm = join('lib', 'node_modules', 'npm');
  cpSync(findNpm(), join(local, npm), { recursive: true });
  symlinkSync(join('..', npm, 'bin', 'npm-cli.js'), join(local, 'bin', 'npm'));
  // A file of another machine's libc would show only in the middle of the build.
  await runCommand('chroot', [root, '/usr/local/bin/npm', '--version']);
}

/** Folder of the npm that runs us, else of that on PATH. */
function findNpm(): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'npm'));
  const program = [process.env['npm_execpath'] ?? '', ...onPath].find((path) => path !== '' && existsSync(path));
  if (program === undefined) throw new Refusal('there is no npm on PATH');
  return dirname(dirname(realpathSync(program)));
}

/** Where this machine's Node needs more authorities to reach the npm registry, the build needs them too. */
function addAuthorities(root: string): readonly string[] {
  const given = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  if (!existsSync(given)) return [];
  mkdirSync(dirname(join(root, AUTHORITIES)), { recursive: true });
  copyFileSync(given, join(root, AUTHORITIES));
  return [`ENV NODE_EXTRA_CA_CERTS=${AUTHORITIES}`];
}
