/** `npm run bench`: one benchmark on a stack of its own. Exit codes: 0 measured, 1 failed, 2 misused. */
import { constants } from 'node:os';
import { Refusal, UsageError } from '../stack/commands/usage.ts';
import { ToolError } from '../stack/tools/index.ts';
import { measureChain } from './chain.ts';
import { compare } from './compare.ts';
import { measureIdle } from './idle.ts';
import { measureNeverReady } from './never-ready.ts';
import { parseBenchArgs, USAGE, type Options } from './options.ts';
import { describeMachine, keep, readVersions, toEntry, write } from './record.ts';
import { describeResult } from './report.ts';
import type { Result } from './results.ts';
import { onScene, type Scene } from './scene.ts';
import { measureThousand } from './thousand.ts';

// Only an exit runs the handlers that end what was started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(USAGE);
    return 0;
  }
  try {
    await bench(parseBenchArgs(args));
    return 0;
  } catch (error) {
    if (error instanceof UsageError) console.error(`holdfast: ${error.message}\n\n${USAGE}`);
    else console.error(`holdfast: ${describeError(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function bench(options: Options): Promise<void> {
  if (process.platform !== 'linux') throw new Refusal('the benchmarks need Linux: CPU and memory are read from /proc');
  const date = new Date().toISOString();
  const machine = describeMachine();
  const say = (line: string): void => {
    console.log(line);
  };
  const { result, versions } = await onScene(say, async (scene) => ({
    result: await measure(scene, options),
    versions: await readVersions(scene.access.bin),
  }));
  const entry = toEntry(result, { date, machine, versions });
  console.log(`\n${describeResult(result)}`);
  if (options.json !== null) write(options.json, entry);
  if (options.record === 'keep') console.log(`\nkept in ${keep(entry)}`);
}

function measure(scene: Scene, { benchmark, ...options }: Options): Promise<Result> {
  switch (benchmark) {
    case 'idle':
      return measureIdle(scene, options);
    case 'never-ready':
      return measureNeverReady(scene, options);
    case 'chain':
      return measureChain(scene, options);
    case '1000':
      return measureThousand(scene, options);
    case 'install':
    case 'upgrade':
      return compare(scene, { benchmark, ...options });
  }
}

function describeError(error: unknown): string {
  if (error instanceof Refusal || error instanceof ToolError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
