import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { readCached } from './cache.ts';
import { CATALOG, settingOf, type ToolName } from './catalog.ts';
import { ToolError, type ToolContext } from './options.ts';

/** A tool on this machine, or why none of the places has it. */
export type Search =
  | {
      readonly kind: 'found';
      readonly name: ToolName;
      readonly path: string;
      readonly from: 'setting' | 'PATH' | 'cache';
    }
  | { readonly kind: 'missing'; readonly name: ToolName; readonly tried: readonly string[] };

const run = promisify(execFile);

const OURS = /[\\/](node_modules|\.holdfast)[\\/]/;

/** Look for a tool where it may already be. Throws `ToolError` when an explicit setting names nothing usable. */
export async function findTool(name: ToolName, context: ToolContext): Promise<Search> {
  const setting = settingOf(name);
  const explicit = context.env[setting];
  if (explicit !== undefined && explicit !== '') {
    const path = resolve(explicit);
    if (!(await isExecutable(path))) {
      throw new ToolError(`${setting}=${explicit} is not an executable file: name ${name}'s binary, or unset it`);
    }
    return { kind: 'found', name, path, from: 'setting' };
  }
  const tried = [`${setting} is not set`];
  for (const path of await candidates(name, context.env['PATH'])) {
    const version = await versionOf(name, path);
    if (isSuitable(name, version)) return { kind: 'found', name, path, from: 'PATH' };
    const { from, below } = CATALOG[name];
    tried.push(`${path} is ${version ?? 'of an unknown version'}, not ${from} or newer and below ${below}`);
  }
  if (tried.length === 1) tried.push('it is not on PATH');
  const cached = await readCached(name, context);
  if (cached !== null) return { kind: 'found', name, path: cached, from: 'cache' };
  return { kind: 'missing', name, tried: [...tried, `it is not in ${context.cacheDir}`] };
}

async function candidates(name: string, path: string | undefined): Promise<readonly string[]> {
  const all = (path ?? '')
    .split(delimiter)
    // What `npm run` and our own env file put there: links to the cache, and npm packages of the same name as a tool.
    .filter((folder) => isAbsolute(folder) && !OURS.test(folder))
    .map((folder) => join(folder, name));
  const usable = await Promise.all(all.map(isExecutable));
  return [...new Set(all.filter((_, index) => usable[index]))];
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** What a binary says of itself, as `1.2.3`; null when it does not run or does not say. */
export async function versionOf(name: ToolName, path: string): Promise<string | null> {
  try {
    // No home: a version question needs no configuration of the user's, and must not write any.
    const options = { env: { HOME: '/nonexistent', KUBECONFIG: '/dev/null' }, timeout: 10_000 };
    const { stdout, stderr } = await run(path, [...CATALOG[name].versionArgs], options);
    return /\bv?(\d+\.\d+\.\d+)/.exec(`${stdout}\n${stderr}`)?.[1] ?? null;
  } catch {
    // It does not run here: as good as absent.
    return null;
  }
}

export function isSuitable(name: ToolName, version: string | null): boolean {
  const { from, below } = CATALOG[name];
  return version !== null && compare(version, from) >= 0 && compare(version, below) < 0;
}

/** Order of two versions `1.2.3`. */
export function compare(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (const [index, part] of left.entries()) {
    const difference = part - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
