import { statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import type { Platform } from './catalog.ts';
import { createReport, type Report } from './report.ts';

/** What may be chosen about a resolution; everything has a default. */
export interface ToolOptions {
  /** Read for settings, PATH, proxies and Go; default: the process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: `cacheDirOf(env)`. */
  readonly cacheDir?: string;
  /** Default: lines on standard output. */
  readonly report?: Report;
  readonly platform?: Platform;
  /** Bytes free on the disk that holds a folder, which need not exist yet. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  /** Ends a running download or build; its leftovers are removed. */
  readonly signal?: AbortSignal;
}

export type ToolContext = Required<Omit<ToolOptions, 'signal'>> & { readonly signal: AbortSignal };

/** A tool cannot be had. The message is for a person and says all that was tried. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

export function toContext(options: ToolOptions): ToolContext {
  const env = options.env ?? process.env;
  return {
    env,
    cacheDir: options.cacheDir ?? cacheDirOf(env),
    report: options.report ?? createReport(process.stdout),
    platform: options.platform ?? thisPlatform(),
    freeBytes: options.freeBytes ?? freeBytes,
    signal: options.signal ?? new AbortController().signal,
  };
}

/** Where tools are kept, outside every checkout: `HOLDFAST_CACHE_DIR`, else the user's cache folder. */
export function cacheDirOf(env: NodeJS.ProcessEnv): string {
  if (env['HOLDFAST_CACHE_DIR']) return resolve(env['HOLDFAST_CACHE_DIR']);
  const base = env['XDG_CACHE_HOME'] ?? '';
  return join(base === '' ? join(env['HOME'] ?? homedir(), '.cache') : base, 'holdfast');
}

function thisPlatform(): Platform {
  const os = process.platform === 'linux' || process.platform === 'darwin' ? process.platform : null;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch === 'arm64' ? 'arm64' : null;
  if (os === null || arch === null) {
    throw new ToolError(
      `no tools for ${process.platform} on ${process.arch}: Linux or macOS on x64 or arm64 is needed`,
    );
  }
  return { os, arch };
}

async function freeBytes(folder: string): Promise<number> {
  let existing = folder;
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(existing);
      return bavail * bsize;
    } catch (error) {
      if (dirname(existing) === existing) throw error;
      existing = dirname(existing);
    }
  }
}
