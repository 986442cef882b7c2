import { homedir } from 'node:os';
import { CATALOG, GO, type ToolName } from './catalog.ts';
import { findTool, type Search } from './find.ts';
import { findGo } from './go.ts';
import { toContext, ToolError, type ToolContext, type ToolOptions } from './options.ts';

export interface ToolPlan {
  readonly found: readonly Extract<Search, { kind: 'found' }>[];
  readonly missing: readonly Extract<Search, { kind: 'missing' }>[];
  readonly cacheDir: string;
  readonly freeMb: number;
  /** For what is missing, if all of it is downloaded. */
  readonly download: { readonly minutes: number; readonly diskMb: number };
  /** For what is missing, if all of it is built; disk includes what is freed afterwards. */
  readonly build: { readonly minutes: number; readonly diskMb: number; readonly memoryMb: number };
  /** The Go that would build; null: none. */
  readonly go: string | null;
}

/** What linking the largest of them takes. */
const BUILD_MEMORY_MB = 3000;

/** Look for tools and say what getting the missing ones will take. Nothing is fetched or written. */
export async function planTools(names: readonly ToolName[], options: ToolOptions = {}): Promise<ToolPlan> {
  const context = toContext(options);
  const searches = await Promise.all(names.map((name) => findTool(name, context)));
  const missing = searches.filter((search) => search.kind === 'missing');
  const tools = missing.map(({ name }) => CATALOG[name]);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const sizeMb = sum(tools.map((tool) => tool.sizeMb));
  return {
    found: searches.filter((search) => search.kind === 'found'),
    missing,
    cacheDir: context.cacheDir,
    freeMb: Math.floor((await context.freeBytes(context.cacheDir)) / 1e6),
    download: { minutes: Math.max(1, Math.ceil(sizeMb / 400)), diskMb: 2 * sizeMb },
    build: {
      // The first build also compiles Go's own library.
      minutes: 1 + Math.ceil(sum(tools.map((tool) => tool.build.minutes))),
      diskMb: sizeMb + sum(tools.map((tool) => tool.build.scratchMb)),
      memoryMb: BUILD_MEMORY_MB,
    },
    go: missing.length === 0 ? null : await findGo(context.env).catch(() => null),
  };
}

/** The tools of a list that are not on this machine yet. */
export async function missingTools(
  names: readonly ToolName[],
  options: ToolOptions = {},
): Promise<readonly ToolName[]> {
  return (await planTools(names, options)).missing.map(({ name }) => name);
}

/** The plan in lines for a person, said before anything is done; empty when nothing is to be done. */
export function describePlan(plan: ToolPlan): readonly string[] {
  if (plan.missing.length === 0) return [];
  const { download, build } = plan;
  const list = plan.missing.map(({ name }) => `${name} ${CATALOG[name].version}`).join(', ');
  const go = plan.go === null ? `with Go ${GO.version}, fetched for it` : `with Go ${plan.go}`;
  const viaGo = `built ${go}: about ${build.minutes} min on two cores, ${inGb(build.diskMb)} of disk (most of it freed afterwards), ${inGb(build.memoryMb)} of memory`;
  return [
    `tools to get: ${list}`,
    `  downloaded from their publishers, if these can be reached: about ${download.minutes} min, ${inGb(download.diskMb)} of disk`,
    `  otherwise ${viaGo}`,
    `  kept in ${tilde(plan.cacheDir)} (${inGb(plan.freeMb)} free there) until \`npm run clean\``,
  ];
}

/** Refuse early when not even the finished binaries fit. */
export async function checkSpace(neededMb: number, what: string, context: ToolContext): Promise<void> {
  const freeMb = Math.floor((await context.freeBytes(context.cacheDir)) / 1e6);
  if (freeMb >= neededMb) return;
  throw new ToolError(
    `${what} needs ${inGb(neededMb)} of disk, and ${context.cacheDir} has ${inGb(freeMb)} free: free some, or set HOLDFAST_CACHE_DIR to a folder on another disk`,
  );
}

function inGb(mb: number): string {
  return mb < 1000 ? `${mb} MB` : `${(mb / 1000).toFixed(1)} GB`;
}

function tilde(path: string): string {
  return path.startsWith(`${homedir()}/`) ? `~${path.slice(homedir().length)}` : path;
}
