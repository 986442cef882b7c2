import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolContext } from './options.ts';
import { elapsed } from './report.ts';

const POLL_MS = 500;

/** Do something that only one process at a time may do with a cache; others wait and say for whom. */
export async function withLock<T>(context: ToolContext, work: () => Promise<T>): Promise<T> {
  const file = join(context.cacheDir, 'lock');
  await mkdir(context.cacheDir, { recursive: true });
  const start = Date.now();
  for (;;) {
    const holder = await acquire(file);
    if (holder === null) break;
    context.report.status(
      `waiting for process ${holder}, which is getting tools into ${context.cacheDir}: ${elapsed(Date.now() - start)}`,
    );
    await sleep(POLL_MS, undefined, { signal: context.signal });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** Take the lock, or answer who has it. A lock whose process is gone counts as free. */
async function acquire(file: string): Promise<number | null> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(file, 'utf8').catch(() => ''));
  // An empty lock is being written at this moment, or was left by a death between two lines: rare enough to wait out.
  if (holder > 0 && !isAlive(holder)) {
    await rm(file, { force: true });
    return acquire(file);
  }
  return holder;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
