import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';

const WORKFLOWS = join(import.meta.dirname, '..', 'workflows');

/**
 * Bundle the workflow code once for every state of its source. The bundler costs seconds of CPU and a hundred
 * megabytes, so a worker that finds its bundle in `folder` starts without it.
 */
export async function prepareBundle(folder: string, logger: Logger): Promise<string> {
  const file = join(folder, `workflows-${await digestOfSource()}.js`);
  if (await exists(file)) return file;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(WORKFLOWS, 'index.ts'),
    preloadModules: [join(WORKFLOWS, 'short-stacks.ts')],
    logger,
  });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, file);
  await removeOthers(folder, file);
  return file;
}

/** The source and the SDK that bundles it: a bundle serves only the version of the worker that made it. */
async function digestOfSource(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await readFile(createRequire(import.meta.url).resolve('@temporalio/worker/package.json')));
  const files = await readdir(WORKFLOWS, { recursive: true });
  for (const name of files.filter((file) => file.endsWith('.ts')).sort()) {
    hash.update(`\0${name}\0`).update(await readFile(join(WORKFLOWS, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function removeOthers(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (/^workflows-[0-9a-f]{16}\.js$/.test(name) && path !== keep) await rm(path, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false; // unreadable or absent: bundling it anew tells which
  }
}
