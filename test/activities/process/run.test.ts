import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, isAlive, startTimeFromStat } from '../../../activities/process/identity.ts';
import { childEnvironment, run, type Command } from '../../../activities/process/run.ts';
import type { HelmProcess } from '../../../workflows/core/model.ts';

const sh = (script: string, more: Partial<Command> = {}): Command => ({
  file: '/bin/sh',
  args: ['-c', script],
  env: childEnvironment('/nonexistent'),
  cwd: '/',
  ...more,
});

async function until(claim: () => Promise<boolean>): Promise<void> {
  while (!(await claim())) await sleep(20);
}

describe('run', () => {
  it('gives code, output and the reason of the end', async () => {
    const ended = await run(sh('cat; echo problem >&2; exit 3', { stdin: 'given' }));
    assert.deepEqual(ended, {
      code: 3,
      signal: null,
      stdout: Buffer.from('given'),
      stdoutCut: false,
      stderr: 'problem\n',
      by: 'itself',
    });
  });

  it('caps what a command says', async () => {
    const ended = await run(
      sh('head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; echo end >&2', { maxStdout: 10 }),
    );
    assert.equal(ended.stdout.length, 10);
    assert.equal(ended.stdoutCut, true);
    assert.equal(ended.stderr.length, 64 * 1024);
    assert.ok(ended.stderr.endsWith('end\n'));
  });

  it('shows the child nothing of our environment but the allow-list', async () => {
    process.env['HOLDFAST_TEST_CANARY'] = 'canary';
    process.env['KUBECONFIG'] ??= '/decoy';
    const { stdout } = await run({ ...sh(''), file: '/usr/bin/env', args: [] });
    const names = stdout
      .toString()
      .split('\n')
      .map((line) => line.split('=')[0]);
    assert.ok(names.includes('HOME') && names.includes('PATH') && names.includes('LC_ALL'));
    assert.ok(!names.includes('HOLDFAST_TEST_CANARY') && !names.includes('KUBECONFIG'));
  });

  it('names an executable that is not there', async () => {
    await assert.rejects(run({ ...sh(''), file: '/no/such/helm' }), /cannot run \/no\/such\/helm: no such executable/);
  });

  for (const guard of ['system', 'pipe'] as const) {
    it(`ends the whole group on abort: SIGTERM first (guard: ${guard})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-run-'));
      const stop = new AbortController();
      const running = run(
        sh('trap "echo ended; exit 5" TERM; : > up; sleep 300 & wait', { signal: stop.signal, guard, cwd: folder }),
      );
      await until(() => Promise.resolve(existsSync(join(folder, 'up'))));
      stop.abort();
      const ended = await running;
      await rm(folder, { recursive: true });
      assert.equal(ended.by, 'abort');
      assert.equal(ended.code, 5);
      assert.equal(ended.stdout.toString(), 'ended\n');
    });

    it(`kills what ignores SIGTERM after the grace (guard: ${guard})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-run-'));
      const stop = new AbortController();
      let seen: HelmProcess | undefined;
      const running = run(
        sh('trap "" TERM; : > up; while :; do sleep 0.1; done', {
          signal: stop.signal,
          graceMs: 100,
          guard,
          cwd: folder,
          onStart: (process) => {
            seen = process;
          },
        }),
      );
      await until(() => Promise.resolve(seen !== undefined && existsSync(join(folder, 'up'))));
      stop.abort();
      const ended = await running;
      await rm(folder, { recursive: true });
      assert.equal(ended.signal, 'SIGKILL');
      assert.ok(seen !== undefined);
      assert.equal(await isAlive(seen), 'dead');
    });

    it(`lets nothing outlive a worker that is killed (guard: ${guard})`, async () => {
      const worker = spawn(process.execPath, ['--input-type=module-typescript', '-e', workerSource(guard)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(createInterface(worker.stdout), 'line')) as [string];
      const { started, child } = JSON.parse(line) as { started: HelmProcess; child: number };
      assert.equal(await isAlive(started), 'alive');
      worker.kill('SIGKILL');
      await until(async () => (await isAlive(started)) === 'dead');
      await until(() => Promise.resolve(!exists(child)));
      await rm(`${tmpdir()}/holdfast-run-${worker.pid}`);
    });
  }

  it('ends what runs for too long', async () => {
    const ended = await run(sh('exec sleep 300', { timeoutMs: 200 }));
    assert.deepEqual([ended.by, ended.signal], ['timeout', 'SIGTERM']);
  });

  it('gives commands up as killed when what starts them is killed, and goes on', async () => {
    let seen: HelmProcess | undefined;
    const onStart = (process: HelmProcess): void => {
      seen = process;
    };
    const running = run(sh('exec sleep 300', { onStart }));
    await until(() => Promise.resolve(seen !== undefined));
    assert.ok(seen !== undefined);
    const launcher = await parentOf(seen.pid);
    assert.notEqual(launcher, process.pid);
    process.kill(launcher, 'SIGKILL');
    const { code, signal, by } = await running;
    assert.deepEqual({ code, signal, by }, { code: null, signal: 'SIGKILL', by: 'itself' });
    await until(async () => seen !== undefined && (await isAlive(seen)) === 'dead');
    assert.equal((await run(sh('echo again'))).stdout.toString(), 'again\n');
  });

  it('gives what starts commands nothing of our environment', async () => {
    let environment: Promise<string> | undefined;
    const onStart = ({ pid }: HelmProcess): void => {
      environment = parentOf(pid).then((launcher) => readFile(`/proc/${launcher}/environ`, 'utf8'));
    };
    const stop = new AbortController();
    const running = run(sh('exec sleep 300', { onStart, signal: stop.signal }));
    await until(() => Promise.resolve(environment !== undefined));
    const names = (await environment)?.split('\0').map((line) => line.split('=')[0]);
    stop.abort();
    await running;
    assert.deepEqual(names?.filter((name) => name !== '' && name !== 'PWD').sort(), [
      'NODE_CHANNEL_FD',
      'NODE_CHANNEL_SERIALIZATION_MODE',
    ]);
  });

  it('does not start when it was aborted before', async () => {
    await assert.rejects(run(sh('exit 0', { signal: AbortSignal.abort() })), { name: 'AbortError' });
  });
});

/** A worker that runs a command which tells its pid, and reports both. */
function workerSource(guard: string): string {
  const at = (file: string): string =>
    JSON.stringify(new URL(`../../../activities/process/${file}`, import.meta.url).href);
  return `
    import { readFileSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { run, childEnvironment } from ${at('run.ts')};
    const file = tmpdir() + '/holdfast-run-' + process.pid;
    const script = 'echo $$ > ' + file + '.new; mv ' + file + '.new ' + file + '; while :; do sleep 0.1; done';
    void run({ file: '/bin/sh', args: ['-c', script], env: childEnvironment('/'), cwd: '/', guard: '${guard}',
      onStart: async (started) => {
        let child;
        while (child === undefined) { try { child = Number(readFileSync(file, 'utf8')); } catch { await sleep(20); } }
        console.log(JSON.stringify({ started, child }));
      } });`;
}

async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('identity', () => {
  it('reads the start time behind a name with spaces and brackets', () => {
    const rest = Array.from({ length: 30 }, (_, i) => i + 4).join(' ');
    assert.equal(startTimeFromStat(`7 (a) b) S ${rest}`), '22');
    assert.equal(startTimeFromStat(`7 (helm) Z ${rest}`), null);
  });

  it('takes a pid that was given away for dead and another host for unknown', async () => {
    let seen: HelmProcess | undefined;
    const stop = new AbortController();
    const running = run(
      sh('exec sleep 300', {
        signal: stop.signal,
        onStart: (process) => {
          seen = process;
        },
      }),
    );
    await until(() => Promise.resolve(seen !== undefined));
    assert.ok(seen !== undefined);
    assert.equal(await isAlive(seen), 'alive');
    assert.equal(await isAlive({ ...seen, startTime: '1' }), 'dead');
    assert.equal(await isAlive({ ...seen, host: 'elsewhere' }), 'unknown');
    assert.equal(await isAlive({ ...seen, bootId: 'before' }), 'unknown');
    assert.equal(await endProcess(seen), true);
    assert.equal((await running).signal, 'SIGKILL');
    stop.abort();
  });
});
