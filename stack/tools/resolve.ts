import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from './build.ts';
import { CATALOG, settingOf, type ToolName } from './catalog.ts';
import { createDownloader, type Downloader } from './download.ts';
import { findTool, type Search } from './find.ts';
import { obtainGo } from './go.ts';
import { withLock } from './lock.ts';
import { toContext, ToolError, type ToolContext, type ToolOptions } from './options.ts';
import { checkSpace } from './plan.ts';
import { elapsed, withStatus } from './report.ts';

type Missing = Extract<Search, { kind: 'missing' }>;

/**
 * Paths of tools, in this order for each: its setting, PATH, the cache, the publisher's download, a build with Go.
 * Throws `ToolError`, whose message says everything that was tried, as soon as one cannot be had.
 */
export async function resolveTools<N extends ToolName>(
  names: readonly N[],
  options: ToolOptions = {},
): Promise<Readonly<Record<N, string>>> {
  const context = toContext(options);
  const paths = new Map<ToolName, string>();
  const look = async (): Promise<Missing[]> => {
    const searches = await Promise.all(names.map((name) => findTool(name, context)));
    for (const search of searches) if (search.kind === 'found') paths.set(search.name, search.path);
    return searches.filter((search) => search.kind === 'missing');
  };
  if ((await look()).length > 0) {
    await withLock(context, async () => {
      // Looked again: another run may have brought them while this one waited.
      const missing = await look();
      if (missing.length > 0) await obtain(missing, paths, context);
    });
  }
  // Every name is in `paths` now: found, obtained, or an error was thrown.
  return Object.fromEntries(paths) as Record<N, string>;
}

async function obtain(missing: readonly Missing[], paths: Map<ToolName, string>, context: ToolContext): Promise<void> {
  const scratch = join(context.cacheDir, 'scratch');
  const downloader = createDownloader(context);
  // Left by a run that was killed; nobody else works there while we hold the lock.
  await remove(scratch);
  const sizeMb = missing.reduce((total, { name }) => total + CATALOG[name].sizeMb, 0);
  await checkSpace(2 * sizeMb, `getting ${missing.length} tools`, context);
  try {
    const unavailable: Unavailable[] = [];
    for (const [index, search] of missing.entries()) {
      const progress = { search, done: index, of: missing.length, context };
      const outcome = await tryDownload(progress, downloader, scratch);
      if (typeof outcome === 'string') paths.set(search.name, outcome);
      else unavailable.push(outcome);
    }
    sayUnavailable(unavailable, context);
    await buildAll(unavailable, { paths, downloader, scratch, context });
  } finally {
    await downloader.close();
    await remove(scratch);
  }
}

interface Unavailable extends Missing {
  readonly reason: string;
}

interface Progress {
  readonly search: Missing;
  readonly done: number;
  readonly of: number;
  readonly context: ToolContext;
}

async function tryDownload(progress: Progress, downloader: Downloader, scratch: string): Promise<string | Unavailable> {
  const { search, context } = progress;
  const start = Date.now();
  try {
    const path = await withStatus(
      context.report,
      (time) => `[${progress.done + 1}/${progress.of}] downloading ${label(search.name)}: ${time}`,
      () => downloader.download(search.name, join(scratch, 'download')),
    );
    context.report.line(`${label(search.name)}: downloaded in ${elapsed(Date.now() - start)}`);
    return path;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return { ...search, reason: error.message };
  }
}

/** One line for each reason: a publisher that cannot be reached usually has several of the tools. */
function sayUnavailable(tools: readonly Unavailable[], { report }: ToolContext): void {
  for (const [reason, group] of Map.groupBy(tools, (tool) => tool.reason)) {
    report.line(`no download of ${group.map(({ name }) => name).join(', ')}: ${reason}; building with Go instead`);
  }
}

interface Works {
  readonly paths: Map<ToolName, string>;
  readonly downloader: Downloader;
  readonly scratch: string;
  readonly context: ToolContext;
}

async function buildAll(tools: readonly Unavailable[], works: Works): Promise<void> {
  const { paths, scratch, context } = works;
  if (tools.length === 0) return;
  const diskMb = tools.reduce((total, { name }) => total + CATALOG[name].sizeMb + CATALOG[name].build.scratchMb, 0);
  await checkSpace(diskMb, `building ${tools.length} tools with Go (most of it freed afterwards)`, context);
  const site = { go: await goFor(tools, works), scratch: join(scratch, 'build') };
  for (const [index, tool] of tools.entries()) {
    const left = tools.slice(index + 1);
    const minutes = Math.ceil(left.reduce((total, { name }) => total + CATALOG[name].build.minutes, 0));
    const rest = left.length === 0 ? 'the last one' : `then ${left.length} more, about ${minutes} min`;
    const start = Date.now();
    try {
      const path = await withStatus(
        context.report,
        (time) => `[${index + 1}/${tools.length}] building ${label(tool.name)} with Go: ${time}; ${rest}`,
        () => build(tool.name, site, context),
      );
      paths.set(tool.name, path);
      context.report.line(`${label(tool.name)}: built in ${elapsed(Date.now() - start)}; ${rest}`);
    } catch (error) {
      if (error instanceof ToolError) throw new ToolError(giveUp(tool, left, error.message));
      throw error;
    }
  }
}

async function goFor(tools: readonly Unavailable[], { downloader, scratch, context }: Works): Promise<string> {
  try {
    return await withStatus(
      context.report,
      (time) => `looking for Go: ${time}`,
      () => obtainGo(context, downloader, join(scratch, 'go')),
    );
  } catch (error) {
    const [first, ...left] = tools;
    if (!(error instanceof ToolError) || first === undefined) throw error;
    throw new ToolError(giveUp(first, left, error.message));
  }
}

function giveUp(tool: Unavailable, left: readonly Unavailable[], reason: string): string {
  return [
    `${label(tool.name)} cannot be had:`,
    ...tool.tried.map((line) => `  - ${line}`),
    `  - download: ${tool.reason}`,
    `  - build: ${reason}`,
    ...(left.length === 0 ? [] : [`still missing after it: ${left.map(({ name }) => name).join(', ')}`]),
    `way out: connect to the internet, or put Go 1.21 or newer on PATH, or set ${settingOf(tool.name)} to a binary`,
  ].join('\n');
}

function label(name: ToolName): string {
  return `${name} ${CATALOG[name].version}`;
}

/** Compilers that an interrupt left running may still write for a moment, hence the retries. */
function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
