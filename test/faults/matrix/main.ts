/**
 * `npm run test:matrix`: every cell of the kill matrix, one victim after the other, each on a stack of its own. When all
 * pass it writes results.json and docs/reliability.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describeMachine, readVersions } from '../../../bench/record.ts';
import { linkTools } from '../../../stack/bin.ts';
import { interruption, runInForeground } from '../../../stack/foreground.ts';
import { CHECKOUT } from '../../../stack/state.ts';
import { describePlan, planTools, resolveTools, TOOL_NAMES } from '../../../stack/tools/index.ts';
import { CELLS, VICTIMS } from './cells.ts';
import { renderReport, REPORT, RESULTS } from './report.ts';
import { ROWS_FILE, type Results, type Row } from './rows.ts';

const interrupt = interruption();
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), 'holdfast-matrix-'));
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`holdfast: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<number> {
  for (const line of describePlan(await planTools(TOOL_NAMES))) say(line);
  const bin = linkTools(join(folder, 'bin'), await resolveTools(TOOL_NAMES, { signal: interrupt }));
  // Before the run: what else the machine has to do.
  const about = { date: new Date().toISOString(), machine: describeMachine(), versions: await readVersions(bin) };
  const file = join(folder, 'rows');
  writeFileSync(file, '');
  const failed: string[] = [];
  for (const victim of VICTIMS.filter((one) => CELLS.some((cell) => cell.victim === one))) {
    if (interrupt.aborted) return 1;
    const env = { ...process.env, HOLDFAST_TEST_BIN: bin, HOLDFAST_TEST_MATRIX_VICTIM: victim, [ROWS_FILE]: file };
    // Not by the runner of `npm test`: a file may take longer here than it allows.
    const program = [process.execPath, '--test-reporter=spec', 'test/faults/matrix/victim.ts'] as const;
    const code = await runInForeground(program, { env, interrupt });
    if (code !== 0) failed.push(victim);
  }
  if (failed.length > 0) {
    say(`failed: ${failed.join(', ')}; nothing was written`);
    return 1;
  }
  // Written by `noteRow`.
  const rows = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  write({ ...about, rows });
  return 0;
}

function write(results: Results): void {
  writeFileSync(join(CHECKOUT, RESULTS), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(CHECKOUT, REPORT), renderReport(results));
  say(`wrote ${RESULTS} and ${REPORT}`);
}
