/** `npm run test:soak`. Exit codes: 0 all as declared, 1 not, 2 misused. */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { UsageError } from '../../stack/commands/usage.ts';
import { parseSoakArgs, USAGE } from './options.ts';
import { soak, type Result } from './soak.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const options = parseSoakArgs(args, () => randomInt(1, 2 ** 31));
    const result = await soak(options, (line) => {
      console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
    });
    if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    console.log(`\n${describe(result)}`);
    return result.failures.length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError) console.error(`holdfast: ${error.message}\n\n${USAGE}`);
    else console.error(`holdfast: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function describe({ kills, changes, releases, revisions, secondsToSettle, failures }: Result): string {
  const killed = Object.entries(kills).map(([victim, times]) => `${victim} ${times}`);
  return [
    `${changes} changes of ${releases} releases; killed: ${killed.join(', ')}`,
    `${revisions.done} revisions done, ${revisions.died} died and closed; all Ready ${secondsToSettle.toFixed(1)} s after the last kill`,
    ...(failures.length === 0 ? ['nothing lost, nothing done twice, nothing pending'] : failures),
  ].join('\n');
}
