/**
 * The real parts that tests talk to. `npm test` starts them once for all files and names them in the environment; a
 * file that is run alone starts what it asks for and stops it at its end.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { linkTools } from '../../stack/bin.ts';
import { runKubectl } from '../../stack/kubectl.ts';
import { readAccess, type SharedStack } from '../../stack/test-access.ts';
import { startTestStack, TEST_PARTS, type StackPart, type TestPart, type TestStack } from '../../stack/test-stack.ts';
import { resolveTools, TOOL_NAMES } from '../../stack/tools/index.ts';

export type { SharedStack } from '../../stack/test-access.ts';

const VARIABLES: Readonly<Record<TestPart, string>> = {
  kubernetes: 'HOLDFAST_TEST_KUBECONFIG',
  temporal: 'HOLDFAST_TEST_TEMPORAL_ADDRESS',
  registry: 'HOLDFAST_TEST_REGISTRY',
};

/** Call it at the top of a test file or in `before`. Fields of parts that were not asked for may be empty. */
export async function sharedStack(...wanted: readonly TestPart[]): Promise<SharedStack> {
  const parts = wanted.length === 0 ? TEST_PARTS : wanted;
  const given = parts.every((part) => process.env[VARIABLES[part]] !== undefined);
  return readAccess(given ? process.env : await startOwn(parts));
}

/** Folder of the tools; resolves them when `npm test` has not done so. */
export async function toolsFolder(): Promise<string> {
  const given = process.env['HOLDFAST_TEST_BIN'];
  if (given !== undefined) return given;
  const folder = temporaryFolder();
  return linkTools(join(folder, 'bin'), await resolveTools(TOOL_NAMES, {}));
}

export interface OwnStack extends SharedStack {
  /** Pid files of its processes; those written here are ended with it. */
  readonly runDir: string;
  /** One of its processes, for instance `temporal` or `kube-apiserver`. */
  part(name: string): StackPart;
}

/** A whole stack, or some of its parts, that no other file touches, for tests that run a worker or end parts of the stack. */
export async function ownStack(...wanted: readonly TestPart[]): Promise<OwnStack> {
  const stack = await startOwnParts(wanted.length === 0 ? TEST_PARTS : wanted);
  return { ...readAccess(stack.env), runDir: stack.runDir, part: (name) => stack.part(name) };
}

const POLL_MS = 200;

/** More than anything takes, also where other tests keep the machine busy. */
const PATIENCE_MS = 240_000;

/** Ask until the answer is as wanted; when that takes too long, fail with the last answer or error. */
export async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean, what: string): Promise<T> {
  const giveUp = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await ask().then(
      (answer) => ({ answer, done: wanted(answer) }),
      (error: unknown) => ({ error, done: false }),
    );
    if (seen.done && 'answer' in seen) return seen.answer;
    if (Date.now() > giveUp) {
      const last = 'error' in seen ? String(seen.error) : JSON.stringify(seen.answer, null, 1);
      throw new Error(`${what} never was as wanted; last seen: ${last}`);
    }
    await sleep(POLL_MS);
  }
}

async function startOwn(parts: readonly TestPart[]): Promise<Readonly<Record<string, string>>> {
  return (await startOwnParts(parts)).env;
}

async function startOwnParts(parts: readonly TestPart[]): Promise<TestStack> {
  // A signal alone would not run the exit handler that ends what was started.
  // Not once: a second one, to the whole group, would end the process in the middle of that handler.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
  const stack = await startTestStack(await toolsFolder(), parts);
  atEnd(() => stack.stop());
  return stack;
}

const cleanups: (() => Promise<void> | void)[] = [];

/**
 * Runs when all tests of the file are over, the last one first. A hook of `node:test` would belong to the suite in
 * which it happens to be registered, and might run before its first test.
 */
function atEnd(cleanup: () => Promise<void> | void): void {
  if (cleanups.length === 0) process.once('beforeExit', () => void cleanUp());
  cleanups.push(cleanup);
}

async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** A DNS label of its own: `prefix-1a2b3c4d`. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

/** A namespace of its own, removed (not waited for) at the end of the file. */
export async function uniqueNamespace(stack: SharedStack, prefix = 'test'): Promise<string> {
  const name = uniqueName(prefix);
  await kubectl(stack, ['create', 'namespace', name]);
  // A cluster of this file's own goes as a whole.
  if (stack.kubeconfig !== process.env[VARIABLES.kubernetes]) return name;
  atEnd(async () => {
    await kubectl(stack, ['delete', 'namespace', name, '--wait=false', '--ignore-not-found']);
  });
  return name;
}

/** A private folder, removed at the end of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'));
  atEnd(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

let home: string | null = null;

/** kubectl against the shared cluster; answers its standard output. */
export function kubectl(stack: SharedStack, args: readonly string[], stdin?: string): Promise<string> {
  if (home === null || !existsSync(home)) {
    home = join(temporaryFolder(), 'home');
    mkdirSync(home, { mode: 0o700 });
  }
  return runKubectl({ bin: stack.bin, home, kubeconfig: stack.kubeconfig }, args, stdin);
}
