import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CATALOG, type ToolName } from './catalog.ts';
import type { ToolContext } from './options.ts';

/** Written last, so that a folder with one holds a whole binary. */
const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  /** Of the binary, as it lies here. */
  size: z.number(),
  /** Where it came from: an address, or the Go package that it was built from. */
  origin: z.string(),
  /** Of the downloaded file, as its publisher states it; null: built here. */
  sha256: z.string().nullable(),
});
export type Manifest = z.infer<typeof Manifest>;

type Place = Pick<ToolContext, 'cacheDir' | 'platform'>;

/** `<cache>/tools/<name>/<version>/<os>-<arch>`. */
export function folderOf(name: ToolName, { cacheDir, platform }: Place): string {
  return join(cacheDir, 'tools', name, CATALOG[name].version, `${platform.os}-${platform.arch}`);
}

/** Path of a cached tool, or null when it is absent or incomplete. */
export async function readCached(name: ToolName, place: Place): Promise<string | null> {
  const folder = folderOf(name, place);
  const path = join(folder, name);
  try {
    const manifest = Manifest.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
    return (await stat(path)).size === manifest.size ? path : null;
  } catch {
    // Absent, half written or not ours: it is fetched again.
    return null;
  }
}

/**
 * Put a binary into the cache. Both files appear by rename, so two runs that install the same tool at once both leave
 * a whole one behind, and a process that already runs the old file keeps it.
 */
export async function install(
  name: ToolName,
  place: Place,
  source: { readonly file: string; readonly origin: string; readonly sha256: string | null },
): Promise<string> {
  const folder = folderOf(name, place);
  await mkdir(folder, { recursive: true });
  const { size } = await stat(source.file);
  const manifest: Manifest = {
    name,
    version: CATALOG[name].version,
    size,
    origin: source.origin,
    sha256: source.sha256,
  };
  const path = join(folder, name);
  await replace(path, (temporary) => copyFile(source.file, temporary), 0o755);
  await replace(
    join(folder, 'manifest.json'),
    (temporary) => writeFile(temporary, `${JSON.stringify(manifest, null, 2)}\n`),
    0o644,
  );
  return path;
}

async function replace(path: string, write: (temporary: string) => Promise<void>, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await write(temporary);
    await chmod(temporary, mode);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
