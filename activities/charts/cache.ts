import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFull, failure } from '../failures.ts';

/** Chart archives by the digest of their layer. Nothing leaves it that does not match its digest. */
export interface ChartCache {
  /** The archive of a digest, from disk or, once, from `fetch`. */
  get(digest: string, fetch: () => Promise<Buffer>): Promise<Buffer>;
}

/** Some ten thousand charts. */
const MAX_BYTES = 512 * 1024 * 1024;

/** One file per digest in a folder that several workers may share: files come by rename and are checked when read. */
export function createChartCache(folder: string, maxBytes = MAX_BYTES): ChartCache {
  return {
    async get(digest, fetch) {
      const file = join(folder, `${digest.replace(':', '-')}.tgz`);
      const kept = await readIfSound(file, digest);
      if (kept !== null) return kept;
      const archive = await fetch();
      if (digestOf(archive) !== digest) {
        throw failure('DigestMismatch', `a chart archive was fetched as ${digest} and is ${digestOf(archive)}`);
      }
      await keep(file, archive);
      await evict(folder, maxBytes);
      return archive;
    },
  };
}

async function readIfSound(file: string, digest: string): Promise<Buffer | null> {
  const archive = await readFile(file).catch(() => null);
  if (archive === null) return null;
  if (digestOf(archive) === digest) {
    const now = new Date();
    await utimes(file, now, now).catch(() => undefined); // evicted by another worker meanwhile
    return archive;
  }
  await rm(file, { force: true });
  return null;
}

async function keep(file: string, archive: Buffer): Promise<void> {
  const partial = `${file}.${randomBytes(6).toString('hex')}.part`;
  try {
    await writeFile(partial, archive, { mode: 0o600 });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw diskFull(error, 'for charts') ?? error;
  }
}

/** Remove what was not used for longest, until the rest fits. */
async function evict(folder: string, maxBytes: number): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(names.map((name) => describe(join(folder, name))));
  const byUse = files.filter((file) => file !== null).toSorted((a, b) => b.usedAt - a.usedAt);
  let total = 0;
  for (const { path, size } of byUse) {
    total += size;
    if (total > maxBytes) await rm(path, { force: true });
  }
}

async function describe(path: string): Promise<{ path: string; size: number; usedAt: number } | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : { path, size: found.size, usedAt: found.mtimeMs };
}

function digestOf(archive: Buffer): string {
  return `sha256:${createHash('sha256').update(archive).digest('hex')}`;
}
