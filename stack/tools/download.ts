import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { x as extract } from 'tar';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { z } from 'zod';
import { install } from './cache.ts';
import { CATALOG, fill, type Download, type ToolName } from './catalog.ts';
import { versionOf } from './find.ts';
import { ToolError, type ToolContext } from './options.ts';

const CONNECT_MS = 3000;
/** Longest silence of a server that has answered. */
const SILENCE_MS = 30_000;

/** Downloads of one run. */
export interface Downloader {
  /** Fetch a file into a folder and verify it. Throws `ToolError` with the reason when that is not possible. */
  fetch(source: Source, folder: string): Promise<{ readonly file: string; readonly sha256: string }>;
  /** Fetch, verify, unpack and cache a tool. Throws `ToolError` with the reason when that is not possible. */
  download(name: ToolName, scratch: string): Promise<string>;
  close(): Promise<void>;
}

/** One run asks an origin that did not answer only once, however many tools come from there. */
export function createDownloader(context: ToolContext): Downloader {
  const { env } = context;
  const agent = new EnvHttpProxyAgent({
    connect: { timeout: CONNECT_MS },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    httpProxy: env['http_proxy'] ?? env['HTTP_PROXY'] ?? '',
    httpsProxy: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
  });
  const silent = new Map<string, string>();

  async function open(url: string): Promise<Body> {
    const { origin } = new URL(url);
    const before = silent.get(origin);
    if (before !== undefined) throw new ToolError(before);
    const response = await fetch(url, { dispatcher: agent, signal: context.signal }).catch((error: unknown) => {
      context.signal.throwIfAborted();
      const reason = `${origin} cannot be reached (${reasonOf(error)})`;
      silent.set(origin, reason);
      throw new ToolError(reason);
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new ToolError(`${url} answers ${response.status}`);
    }
    return response.body;
  }

  async function fetchVerified({ url, checksum }: Source, folder: string): Promise<{ file: string; sha256: string }> {
    const expected = findChecksum(await textOf(await open(checksum)), basename(url));
    if (expected === null) throw new ToolError(`${checksum} names no sha256 for ${basename(url)}`);
    await mkdir(folder, { recursive: true });
    const file = join(folder, basename(url));
    const sha256 = await save(await open(url), file, context.signal);
    if (sha256 !== expected) throw new ToolError(`${url} has sha256 ${sha256}, and its publisher says ${expected}`);
    return { file, sha256 };
  }

  return {
    fetch: fetchVerified,
    async download(name, scratch) {
      const { version, download } = CATALOG[name];
      const { os, arch } = context.platform;
      if (!download.os.includes(os)) throw new ToolError(`its publisher has no binary for ${os} on ${arch}`);
      const source = locate(download, version, context);
      try {
        const { file, sha256 } = await fetchVerified(source, scratch);
        const member = download.member === null ? null : fill(download.member, version, context.platform);
        const binary = member === null ? file : join(await unpack(file, scratch, [member]), member);
        const path = await install(name, context, { file: binary, origin: source.url, sha256 });
        if ((await versionOf(name, path)) !== null) return path;
        await rm(path);
        throw new ToolError(`${source.url} does not run on this machine`);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
    close: () => agent.close(),
  };
}

type Body = NonNullable<Awaited<ReturnType<typeof fetch>>['body']>;

/** A file and what its publisher says about it; templates of the catalog until `locate` has filled them. */
type Source = Pick<Download, 'url' | 'checksum'>;

/** Where a file is for this machine, with `HOLDFAST_DOWNLOAD_BASE` (a mirror) in front when that is set. */
export function locate(source: Source, version: string, { env, platform }: ToolContext): Source {
  const base = env['HOLDFAST_DOWNLOAD_BASE'] ?? '';
  const toUrl = (template: string): string => {
    const url = fill(template, version, platform);
    return base === '' ? url : `${base.replace(/\/$/, '')}/${url.replace(/^https:\/\//, '')}`;
  };
  return { url: toUrl(source.url), checksum: toUrl(source.checksum) };
}

async function save(body: Body, file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    Readable.fromWeb(body),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(file),
    { signal },
  ).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new ToolError(`the download broke off (${reasonOf(error)})`);
  });
  return hash.digest('hex');
}

/** Unpack an archive, or only the named members of it, and answer the folder. */
export async function unpack(archive: string, folder: string, members: string[] = []): Promise<string> {
  try {
    await extract({ file: archive, cwd: folder, strict: true }, members);
    return folder;
  } catch (error) {
    throw new ToolError(`${basename(archive)} cannot be unpacked (${reasonOf(error)})`);
  }
}

async function textOf(body: Body): Promise<string> {
  let text = '';
  for await (const chunk of Readable.fromWeb(body).setEncoding('utf8')) text += String(chunk);
  return text;
}

const GitHubRelease = z.object({
  assets: z.array(z.object({ name: z.string(), digest: z.string().nullish() })),
});

/** The sha256 of `file` in what a publisher says about it; null when it says nothing. */
export function findChecksum(text: string, file: string): string | null {
  if (text.trimStart().startsWith('{')) {
    const release = GitHubRelease.safeParse(parseJson(text));
    const digest = release.data?.assets.find((asset) => asset.name === file)?.digest ?? '';
    return /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1] ?? null;
  }
  for (const line of text.split('\n')) {
    const [sum = '', name] = line.trim().split(/\s+/);
    if (!/^[0-9a-f]{64}$/i.test(sum)) continue;
    if (name === undefined || basename(name.replace(/^\*/, '')) === file) return sum.toLowerCase();
  }
  return null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not a description of a release; the caller reports that no sum was found.
    return null;
  }
}

/** The code of a network error, which undici hides one level down. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
