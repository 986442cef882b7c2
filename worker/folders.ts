import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Folders } from '../activities/ports.ts';

/**
 * Make the folders of a worker. What a killed worker left in its temporary folder may hold credentials, and nobody
 * comes back for it: it goes first. So a data folder belongs to one worker at a time.
 */
export async function prepareFolders(dataDir: string): Promise<Folders> {
  const folders = { charts: join(dataDir, 'charts'), git: join(dataDir, 'git'), tmp: join(dataDir, 'tmp') };
  await rm(folders.tmp, { recursive: true, force: true });
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: 0o700 });
  return folders;
}
