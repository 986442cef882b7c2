import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

const STACK = join(import.meta.dirname, '..', '..', 'stack');
const VERSIONS = { 'node_modules/a': '1.0.0', 'node_modules/b': '2.0.0' };

/** A clone with nothing but the bootstrap in it. */
let root: string;
let cache: string;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bootstrap-'));
  root = join(folder, 'clone');
  cache = join(folder, 'cache');
  await cp(join(STACK, 'boot'), join(root, 'stack', 'boot'), { recursive: true });
  await cp(join(STACK, 'bootstrap.mjs'), join(root, 'stack', 'bootstrap.mjs'));
  await lock('package-lock.json', VERSIONS);
});
afterEach(() => rm(dirname(root), { recursive: true, force: true }));

async function file(path: string, content = 'x'): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** A lock file of npm, with a package that may be left out on this machine. */
async function lock(path: string, versions: Readonly<Record<string, string>>): Promise<void> {
  const packages: Record<string, object> = { '': { name: 'x' } };
  for (const [name, version] of Object.entries(versions)) packages[name] = { version, optional: name.endsWith('opt') };
  await file(join(root, path), JSON.stringify({ packages }));
}

function bootstrap(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'stack', 'bootstrap.mjs'), ...args], {
    env: { PATH: process.env['PATH'], HOLDFAST_CACHE_DIR: cache, ...env },
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

/** Evaluate an expression over a module of the bootstrap, which has no types. */
function ask(module: string, expression: string): unknown {
  const source = `import * as it from ${JSON.stringify(join(STACK, 'boot', module))}; console.log(JSON.stringify(${expression}))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

describe('a machine', () => {
  const good = { platform: 'linux', arch: 'x64', nodeVersion: '20.0.0', musl: false };
  const table = [
    { name: 'Linux on x64', machine: good, says: null },
    { name: 'macOS on arm64', machine: { ...good, platform: 'darwin', arch: 'arm64' }, says: null },
    {
      name: 'Node 18',
      machine: { ...good, nodeVersion: '18.20.1' },
      says: /Node 18\.20\.1 is too old: install Node 20 or newer/,
    },
    { name: 'Windows', machine: { ...good, platform: 'win32' }, says: /use WSL2/ },
    { name: 'FreeBSD', machine: { ...good, platform: 'freebsd' }, says: /freebsd is not supported/ },
    { name: 'a 32-bit ARM', machine: { ...good, arch: 'arm' }, says: /linux on arm is not supported/ },
    { name: 'musl', machine: { ...good, musl: true }, says: /use a distribution with glibc/ },
  ];
  for (const { name, machine, says } of table) {
    it(`of kind ${name} is ${says === null ? 'accepted' : 'refused with the way out'}`, () => {
      const answer = ask('machine.mjs', `it.refusal(${JSON.stringify(machine)})`);
      if (says === null) assert.equal(answer, null);
      else assert.match(String(answer), says);
    });
  }
});

describe('dependencies', () => {
  const table = [
    { name: 'absent', present: null, installed: false },
    { name: 'the same', present: VERSIONS, installed: true },
    { name: 'of another version', present: { ...VERSIONS, 'node_modules/b': '2.0.1' }, installed: false },
    { name: 'incomplete', present: { 'node_modules/a': '1.0.0' }, installed: false },
    { name: 'more than wanted', present: { ...VERSIONS, 'node_modules/c': '1.0.0' }, installed: true },
  ];
  for (const { name, present, installed } of table) {
    it(`that are ${name} are ${installed ? 'left alone' : 'installed'}`, async () => {
      if (present !== null) await lock('node_modules/.package-lock.json', present);
      assert.equal(ask('dependencies.mjs', `it.isInstalled(${JSON.stringify(root)})`), installed);
    });
  }

  it('made for other machines may be missing, but not be of another version', async () => {
    await lock('package-lock.json', { ...VERSIONS, 'node_modules/opt': '1.0.0' });
    await lock('node_modules/.package-lock.json', VERSIONS);
    assert.equal(ask('dependencies.mjs', `it.isInstalled(${JSON.stringify(root)})`), true);
    await lock('node_modules/.package-lock.json', { ...VERSIONS, 'node_modules/opt': '0.9.0' });
    assert.equal(ask('dependencies.mjs', `it.isInstalled(${JSON.stringify(root)})`), false);
  });

  it('that cannot be installed are reported with what npm said', async () => {
    const wanted = { name: 'x', dependencies: { a: '1.0.0' } };
    const packages = { '': wanted, 'node_modules/a': { version: '1.0.0' } };
    await file(join(root, 'package.json'), JSON.stringify(wanted));
    await file(join(root, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
    await file(join(root, '.npmrc'), 'registry=http://127.0.0.1:1/\nfetch-retries=0\n');
    const { code, out, err } = bootstrap(['types']);
    assert.equal(code, 1);
    assert.match(out, /^dependencies: installing what package-lock\.json names/);
    assert.match(
      err,
      /^holdfast: npm ci failed; it needs the npm registry, or a mirror set in ~\/\.npmrc\. It said:\nnpm /,
    );
    assert.equal(existsSync(join(root, '.holdfast', 'install.lock')), false);
  });
});

describe('a command', () => {
  beforeEach(() => lock('node_modules/.package-lock.json', VERSIONS));

  it('that does not exist is answered with those that do', () => {
    const { code, err } = bootstrap(['strat']);
    assert.equal(code, 1);
    assert.match(err, /^holdfast: unknown command "strat": one of start, stop, /);
  });

  it('runs on Node 24, finds it first on PATH, gets its arguments and answers with its exit code', async () => {
    const source = `console.log(JSON.stringify([process.argv.slice(2), process.env.PATH.split(':')[0]])); process.exit(7)`;
    await file(join(root, 'stack', 'cli.ts'), source);
    const { code, out } = bootstrap(['start', '--detach']);
    assert.deepEqual(JSON.parse(out), [['start', '--detach'], dirname(process.execPath)]);
    assert.equal(code, 7);
  });

  it('gets the signals that its starter gets', async () => {
    const source = `process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000); console.log('up')`;
    await file(join(root, 'stack', 'cli.ts'), source);
    const child = spawn(process.execPath, [join(root, 'stack', 'bootstrap.mjs'), 'start'], { stdio: 'pipe' });
    child.stdout.once('data', () => child.kill('SIGTERM'));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 9);
  });
});

describe('clean', () => {
  beforeEach(async () => {
    for (const path of [join(root, 'node_modules', 'a', 'x'), join(root, '.holdfast', 'x')]) await file(path);
    for (const name of ['tools/helm/x', 'npm/x', 'logs/x']) await file(join(cache, name), 'x'.repeat(2_000_000));
  });

  it('removes state, tools and dependencies, and says how much that was', () => {
    const { code, out } = bootstrap(['clean']);
    assert.equal(code, 0);
    assert.deepEqual(
      ['.holdfast', 'node_modules', '../cache'].filter((name) => existsSync(join(root, name))),
      [],
    );
    assert.match(out, /^removed .*tools \(2 MB\)$/m);
    assert.match(out, /7 MB freed\n$/);
  });

  it('leaves what others keep in the same cache folder, and works without node_modules', async () => {
    await file(join(cache, 'precious'));
    await rm(join(root, 'node_modules'), { recursive: true });
    assert.equal(bootstrap(['clean']).code, 0);
    assert.ok(existsSync(join(cache, 'precious')));
    assert.match(bootstrap(['clean']).out, /^nothing to remove/);
  });

  it('stops a running stack first, and removes nothing when that fails', async () => {
    await lock('node_modules/.package-lock.json', VERSIONS);
    await file(join(root, '.holdfast', 'run', 'etcd.pid.json'), '{}');
    await file(join(root, 'stack', 'cli.ts'), 'console.log(process.argv[2]); process.exit(1)');
    const { code, out, err } = bootstrap(['clean']);
    assert.deepEqual({ code, out }, { code: 1, out: 'stop\n' });
    assert.match(err, /the running stack could not be stopped, so nothing was removed/);
    assert.ok(existsSync(join(root, 'node_modules', 'a', 'x')));
  });
});
