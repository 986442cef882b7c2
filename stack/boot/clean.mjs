import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { cacheDir } from './cache-dir.mjs';

/** What Holdfast keeps in its cache folder; a folder that the user chose may hold other things too. */
const CACHED = ['tools', 'npm', 'logs', 'scratch', 'lock'];

/**
 * Remove all that any command put on the machine: state, tools, dependencies. A running stack must be stopped before.
 * @param {string} root
 */
export function clean(root) {
  const cache = cacheDir(process.env);
  let total = 0;
  for (const path of [
    join(root, '.holdfast'),
    ...CACHED.map((name) => join(cache, name)),
    join(root, 'node_modules'),
  ]) {
    if (!existsSync(path)) continue;
    const bytes = sizeOf(path);
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    total += bytes;
    console.log(`removed ${path} (${inMb(bytes)})`);
  }
  if (existsSync(cache) && readdirSync(cache).length === 0) rmdirSync(cache);
  console.log(total === 0 ? 'nothing to remove' : `${inMb(total)} freed`);
}

/** Whether `.holdfast` names processes of a stack. @param {string} root */
export function mayRun(root) {
  const folder = join(root, '.holdfast');
  return (
    existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.pid.json'))
  );
}

/** @param {string} path */
function sizeOf(path) {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** @param {number} bytes */
function inMb(bytes) {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
