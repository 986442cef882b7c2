import { mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Makes `folder` hold a link to each tool under its plain name, whatever file it came from; answers the folder. */
export function linkTools(folder: string, paths: Readonly<Record<string, string>>): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, path] of Object.entries(paths)) {
    const link = join(folder, name);
    if (linkTarget(link) === path) continue;
    rmSync(link, { force: true });
    symlinkSync(path, link);
  }
  return folder;
}

function linkTarget(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}
