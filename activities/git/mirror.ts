import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../failures.ts';
import type { RunGit } from './command.ts';
import { type Remote, type Resolved, resolveRef, type WantedRef } from './remote.ts';

/** Where a repository comes from and whose it is. */
export interface Checkout {
  /** `<cluster>/<uid of the GitRepository>`: mirrors are never shared, for whoever names an object id may read it. */
  readonly owner: string;
  readonly remote: Remote;
  readonly ref: WantedRef;
  readonly signal: AbortSignal;
}

/** One entry of the tree of a commit. */
export interface TreeEntry {
  readonly mode: string;
  readonly oid: string;
  /** Path from the root of the repository, as bytes decoded from UTF-8. */
  readonly path: string;
}

/** A commit that is here in full, but for files over the limit. */
export interface Snapshot extends Resolved {
  list(): Promise<readonly TreeEntry[]>;
  /** Contents in the order asked for; null: over the limit. */
  read(oids: readonly string[]): Promise<readonly (Buffer | null)[]>;
}

export interface Mirrors {
  open(checkout: Checkout): Promise<Snapshot>;
  /** Forget all that was kept for an owner. */
  remove(owner: string): Promise<void>;
}

/** A file of more than this is not fetched and reported as too large. etcd takes 1.5 MiB for an object. */
export const MAX_FILE_BYTES = 5 * 1024 * 1024;
const MAX_TREE_BYTES = 64 * 1024 * 1024;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;
/** A mirror is made anew after this many fetches: nothing in it is worth a garbage collection. */
const MAX_PACKS = 50;
const HEAD = 'refs/holdfast/head';

export function createMirrors(run: RunGit, folder: string): Mirrors {
  const busy = new Map<string, Promise<unknown>>();

  return {
    async open(checkout) {
      const dir = folderOf(folder, checkout);
      // A lost attempt of the same pass may still be at work in this process.
      const before = busy.get(dir) ?? Promise.resolve();
      const turn = before.catch(() => undefined).then(() => fetchInto(run, dir, checkout));
      busy.set(dir, turn);
      try {
        return snapshotOf(run, { dir, resolved: await turn, signal: checkout.signal });
      } finally {
        if (busy.get(dir) === turn) busy.delete(dir);
      }
    },
    remove: (owner) => rm(join(folder, hash(owner)), { recursive: true, force: true }),
  };
}

/** Other credentials make another mirror: what they may see is for the server to say. */
function folderOf(folder: string, { owner, remote }: Checkout): string {
  return join(folder, hash(owner), `${hash(`${remote.url}\n${remote.authorization ?? ''}`)}.git`);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

async function fetchInto(run: RunGit, dir: string, { remote, ref, signal }: Checkout): Promise<Resolved> {
  await prepare(run, dir, signal);
  const resolved = await resolveRef(run, remote, { ref, cwd: dir, signal });
  if ((await headOf(dir)) === resolved.commit) return resolved;
  const unfinished = unfinishedMark(dir);
  await writeFile(unfinished, '', { mode: 0o600 });
  await run({
    args: [
      'fetch',
      '--quiet',
      '--no-tags',
      '--depth=1',
      `--filter=blob:limit=${String(MAX_FILE_BYTES + 1)}`,
      '--no-write-fetch-head',
      '--',
      remote.url,
      `+${resolved.commit}:${HEAD}`,
    ],
    cwd: dir,
    signal,
    ...remote,
    maxOutputBytes: MAX_TREE_BYTES,
  });
  await rm(unfinished, { force: true });
  return resolved;
}

/** A fetch that was killed leaves locks and half a pack behind; its mirror is thrown away rather than mended. */
const unfinishedMark = (dir: string): string => join(dir, 'holdfast-unfinished');

async function prepare(run: RunGit, dir: string, signal: AbortSignal): Promise<void> {
  if (existsSync(unfinishedMark(dir)) || (await packsIn(dir)) > MAX_PACKS)
    await rm(dir, { recursive: true, force: true });
  if (existsSync(dir)) return;
  // What was kept for another address or older credentials of the same object is of no use any more.
  await rm(join(dir, '..'), { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(unfinishedMark(dir), '', { mode: 0o600 });
  await run({ args: ['init', '--quiet', '--bare'], cwd: dir, signal, url: null, maxOutputBytes: 4096 });
  // Hooks that a template of the system may have put there.
  await rm(join(dir, 'hooks'), { recursive: true, force: true });
  await rm(unfinishedMark(dir), { force: true });
}

async function packsIn(dir: string): Promise<number> {
  const packs = join(dir, 'objects', 'pack');
  return existsSync(packs) ? (await readdir(packs)).filter((name) => name.endsWith('.pack')).length : 0;
}

/** Read without a git of its own: no other ref is ever written, so that nothing packs it. */
async function headOf(dir: string): Promise<string | null> {
  const file = join(dir, HEAD);
  return existsSync(file) ? (await readFile(file, 'utf8')).trim() : null;
}

function snapshotOf(
  run: RunGit,
  { dir, resolved, signal }: { readonly dir: string; readonly resolved: Resolved; readonly signal: AbortSignal },
): Snapshot {
  const ask = (args: readonly string[], options: { stdin?: string; maxOutputBytes: number }): Promise<Buffer> =>
    run({ args, cwd: dir, signal, url: null, ...options });

  /** What the filter left out. Git gives up when it is asked for the size of such a file. */
  async function missing(): Promise<ReadonlySet<string>> {
    const args = ['rev-list', '--objects', '--no-object-names', '--missing=print', resolved.commit];
    const text = (await ask(args, { maxOutputBytes: MAX_TREE_BYTES })).toString('utf8');
    return new Set(text.split('\n').flatMap((line) => (line.startsWith('?') ? [line.slice(1)] : [])));
  }

  return {
    ...resolved,
    async list() {
      const args = ['ls-tree', '-r', '-z', '--full-tree', resolved.commit];
      return parseTree((await ask(args, { maxOutputBytes: MAX_TREE_BYTES })).toString('utf8'));
    },
    async read(oids) {
      if (oids.length === 0) return [];
      const left = await missing();
      const here = [...new Set(oids)].filter((oid) => !left.has(oid));
      const check = { stdin: lines(here), maxOutputBytes: MAX_TREE_BYTES };
      const sizes = parseSizes((await ask(['cat-file', '--batch-check'], check)).toString('utf8'));
      const contents = new Map<string, Buffer>();
      for (const batch of batches(here, sizes)) {
        const answer = await ask(['cat-file', '--batch'], { stdin: lines(batch), maxOutputBytes: 2 * MAX_BATCH_BYTES });
        for (const [oid, content] of parseBatch(answer)) contents.set(oid, content);
      }
      return oids.map((oid) => contents.get(oid) ?? null);
    },
  };
}

/** `<mode> <type> <oid>\t<path>\0` */
function parseTree(text: string): readonly TreeEntry[] {
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const tab = line.indexOf('\t');
      const [mode = '', , oid = ''] = line.slice(0, tab).split(' ');
      return { mode, oid, path: line.slice(tab + 1) };
    });
}

/** Servers that know no filter send large files all the same. */
function parseSizes(text: string): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [oid = '', type, size] = line.split(' ');
    if (type === 'blob') sizes.set(oid, Number(size));
  }
  return sizes;
}

/** Groups of files that are small enough each and together. */
function batches(oids: readonly string[], sizes: ReadonlyMap<string, number>): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let room = 0;
  for (const oid of oids) {
    const size = sizes.get(oid);
    if (size === undefined || size > MAX_FILE_BYTES) continue;
    if (groups.length === 0 || size > room) {
      groups.push([]);
      room = MAX_BATCH_BYTES;
    }
    groups.at(-1)?.push(oid);
    room -= size;
  }
  return groups;
}

const lines = (oids: readonly string[]): string => `${oids.join('\n')}\n`;

/** `<oid> <type> <size>\n<content>\n`, repeated. */
function parseBatch(answer: Buffer): readonly (readonly [string, Buffer])[] {
  const entries: (readonly [string, Buffer])[] = [];
  let at = 0;
  while (at < answer.length) {
    const end = answer.indexOf(0x0a, at);
    const [oid = '', type, size = ''] = answer.subarray(at, end).toString('utf8').split(' ');
    if (type !== 'blob') throw failure('GitContentInvalid', 'the mirror of the repository is damaged');
    const start = end + 1;
    entries.push([oid, answer.subarray(start, start + Number(size))]);
    at = start + Number(size) + 1;
  }
  return entries;
}
