import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { install } from './cache.ts';
import { CATALOG, type GoBuild, type ToolName } from './catalog.ts';
import { ToolError, type ToolContext } from './options.ts';

/** Lines of a failed build that are shown. */
const TAIL = 12;

/** Where tools are built, and with which Go. */
export interface Site {
  readonly go: string;
  readonly scratch: string;
}

interface Workshop {
  readonly go: string;
  readonly folder: string;
  readonly log: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * Build a tool with Go and cache it. Sources and objects stay below `scratch`, which the caller removes
 * after the last tool, so that what the tools share is fetched and compiled once.
 */
export async function build(name: ToolName, { go, scratch }: Site, context: ToolContext): Promise<string> {
  const recipe = CATALOG[name].build;
  const logs = join(context.cacheDir, 'logs');
  const folder = join(scratch, name);
  const log = join(logs, `build-${name}.log`);
  await Promise.all([logs, folder, join(scratch, 'tmp')].map((path) => mkdir(path, { recursive: true })));
  await rm(log, { force: true });
  const workshop = { go, folder, log, env: goEnv(scratch, context.env), signal: context.signal };
  const binary = join(folder, name);
  if (recipe.by === 'install') await installModule(recipe, binary, workshop);
  else await buildDependency(recipe, binary, workshop);
  const path = await install(name, context, {
    file: binary,
    origin: `${recipe.package}@${recipe.version}`,
    sha256: null,
  });
  await rm(log, { force: true });
  return path;
}

/** Go's settings of the user (proxy, private modules) stand; what it keeps is ours and goes away again. */
function goEnv(scratch: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...env,
    GOTOOLCHAIN: env['GOTOOLCHAIN'] ?? 'auto',
    GOPATH: join(scratch, 'gopath'),
    GOMODCACHE: join(scratch, 'gopath', 'pkg', 'mod'),
    GOCACHE: join(scratch, 'gocache'),
    GOTMPDIR: join(scratch, 'tmp'),
    // Without -modcacherw the sources are read-only and cannot be removed.
    GOFLAGS: `${env['GOFLAGS'] ?? ''} -modcacherw -buildvcs=false`.trim(),
    CGO_ENABLED: '0',
    GOWORK: 'off',
    GOOS: undefined,
    GOARCH: undefined,
    GOBIN: undefined,
  };
}

const flags = ({ ldflags }: GoBuild): readonly string[] => ['-trimpath', `-ldflags=-s -w ${ldflags}`.trimEnd()];

async function installModule(recipe: GoBuild, binary: string, workshop: Workshop): Promise<void> {
  const env = { ...workshop.env, GOBIN: join(binary, '..') };
  await run(['install', ...flags(recipe), `${recipe.package}@${recipe.version}`], { ...workshop, env });
}

async function buildDependency(recipe: GoBuild, binary: string, workshop: Workshop): Promise<void> {
  const env = { ...workshop.env, GOFLAGS: `${workshop.env['GOFLAGS'] ?? ''} -mod=mod` };
  const inModule = { ...workshop, env };
  const file = join(workshop.folder, 'go.mod');
  if (recipe.by === 'kubernetes') {
    const answer = await run(['mod', 'download', '-json', `${recipe.module}@${recipe.version}`], inModule);
    const goMod = /"GoMod": "(.*)"/.exec(answer)?.[1];
    if (goMod === undefined)
      throw new ToolError(`go says nothing about ${recipe.module}; its output is in ${workshop.log}`);
    await writeFile(file, kubernetesModule(await readFile(goMod, 'utf8'), recipe));
  } else {
    await writeFile(file, `module holdfast.dev/tools\n\ngo 1.21\n`);
    await run(['get', `${recipe.module}@${recipe.version}`], inModule);
  }
  await writeFile(
    join(workshop.folder, 'tools.go'),
    `//go:build tools\n\npackage tools\n\nimport _ "${recipe.package}"\n`,
  );
  await run(['build', ...flags(recipe), '-o', binary, recipe.package], inModule);
}

/**
 * A module that requires Kubernetes. Its own go.mod replaces the staging modules by folders of its repository, which
 * do not come with it; they are published with the same minor and patch version.
 */
export function kubernetesModule(goMod: string, { module, version }: Pick<GoBuild, 'module' | 'version'>): string {
  const language = /^go (.*)$/m.exec(goMod)?.[1] ?? '1.21';
  const staging = version.replace(/^v1\./, 'v0.');
  const names = [...goMod.matchAll(/(k8s\.io\/[a-z0-9.-]+) => \.\/staging/g)].map((match) => match[1] ?? '');
  const replacements = [...new Set(names)].sort().map((name) => `replace ${name} => ${name} ${staging}`);
  return [
    'module holdfast.dev/tools',
    '',
    `go ${language}`,
    '',
    `require ${module} ${version}`,
    '',
    ...replacements,
    '',
  ].join('\n');
}

/** Run go; its output is appended to the log, standard output is also returned. */
async function run(args: readonly string[], { go, folder, log, env, signal }: Workshop): Promise<string> {
  const file = createWriteStream(log, { flags: 'a' });
  file.write(`$ go ${args.join(' ')}\n`);
  const child = spawn(go, args, { cwd: folder, env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    file.write(chunk);
  });
  child.stderr.pipe(file, { end: false });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  }).finally(() => new Promise<void>((resolve) => file.end(resolve)));
  signal.throwIfAborted();
  if (code !== 0) throw new ToolError(await explain(args, log));
  return output;
}

async function explain(args: readonly string[], log: string): Promise<string> {
  const text = (await readFile(log, 'utf8')).trimEnd();
  if (text.includes('no space left on device')) {
    return `the disk is full; free some, or set HOLDFAST_CACHE_DIR to a folder on another disk (the whole output is in ${log})`;
  }
  const tail = text
    .split('\n')
    .slice(-TAIL)
    .map((line) => `    ${line}`);
  return [`go ${args[0] ?? ''} failed; the whole output is in ${log}, its end:`, ...tail].join('\n');
}
