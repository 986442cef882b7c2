import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { capLogs } from '../../stack/keeper.ts';
import { isAlive, readRunning, startProcess, stopAll, stopProcess } from '../../stack/processes.ts';
import { temporaryFolder, until } from '../support/harness.ts';

const folder = temporaryFolder();
const shell = (name: string, script: string) => ({
  name,
  command: '/bin/sh',
  args: ['-c', script],
  env: { PATH: process.env['PATH'] ?? '' },
  log: join(folder, `${name}.log`),
});

describe('processes', () => {
  it('are found again by their pid files, and stopped with their children', async () => {
    const run = join(folder, 'children');
    const child = join(folder, 'child.pid');
    await startProcess(shell('parent', `sleep 1000 & echo $! > '${child}'; wait`), run);
    const text = await until(
      () => readFile(child, 'utf8'),
      (pid) => pid.endsWith('\n'),
      'the pid',
    );
    assert.deepEqual(
      readRunning(run).map(({ name }) => name),
      ['parent'],
    );
    assert.deepEqual(await stopAll(run), ['parent']);
    assert.deepEqual(readRunning(run), []);
    await until(
      () => Promise.resolve(isRunning(Number(text))),
      (running) => !running,
      'the child',
    );
  });

  it('are let be when their pid belongs to another by now', async () => {
    const run = join(folder, 'recycled');
    const running = await startProcess(shell('mine', 'sleep 1000'), run);
    const { pid } = running;
    await stopProcess({ name: 'mine', pid, startTime: 'of an earlier process' });
    assert.ok(isAlive(running));
    writeFileSync(join(run, 'mine.pid.json'), JSON.stringify({ name: 'mine', pid, startTime: 'earlier' }));
    assert.deepEqual(await stopAll(run), []);
    assert.ok(isAlive(running));
    await running.stop();
    assert.ok(!isAlive(running));
  });

  it('end even when they are frozen or will not listen', async () => {
    const run = join(folder, 'stubborn');
    const frozen = await startProcess(shell('frozen', 'sleep 1000'), run);
    process.kill(frozen.pid, 'SIGSTOP');
    const deaf = await startProcess(shell('deaf', "trap '' TERM; echo ready; while :; do sleep 1; done"), run);
    await until(
      () => readFile(deaf.log, 'utf8'),
      (text) => text.includes('ready'),
      'the trap',
    );
    await stopAll(run, { graceMs: 200 });
    assert.ok(!isAlive(frozen) && !isAlive(deaf));
  });

  it('say how they ended, and why they could not start', async () => {
    const run = join(folder, 'ended');
    const running = await startProcess(shell('short', 'exit 3'), run);
    // Nothing else keeps this process from its end: a started one is not waited for.
    const end = await until(
      () => Promise.resolve(running.exit()),
      (exit) => exit !== null,
      'its end',
    );
    assert.equal(end, 'exited with code 3');
    assert.equal(await running.exited, end);
    assert.deepEqual(readRunning(run), []);
    const absent = { ...shell('absent', ''), command: join(folder, 'absent') };
    await assert.rejects(startProcess(absent, run), /absent: cannot run .*ENOENT/);
  });
});

describe('logs', () => {
  it('are cut when they are long, and their end is kept', () => {
    const logs = join(folder, 'logs');
    capLogs(logs);
    writeFileSync(join(logs, 'long.log'), `${'x'.repeat(99)}\n`.repeat(100_000) + 'last\n');
    writeFileSync(join(logs, 'short.log'), 'one line\n');
    capLogs(logs);
    assert.equal(statSync(join(logs, 'long.log')).size, 0);
    const kept = readFileSync(join(logs, 'long.log.1'), 'utf8');
    assert.ok(kept.length < 3_000_000 && kept.endsWith('\nlast\n'));
    assert.equal(readFileSync(join(logs, 'short.log'), 'utf8'), 'one line\n');
  });
});

function isRunning(pid: number): boolean {
  try {
    // A zombie that nobody awaits is as good as gone.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
