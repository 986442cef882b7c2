import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startProcess, type ProcessSpec, type RunningProcess } from '../processes.ts';

/** A process of the embedded stack, and how to tell that it serves. */
export interface Service {
  readonly process: ProcessSpec;
  /** True once it answers. May throw; that counts as "not yet". */
  isReady(): Promise<boolean>;
}

/** Where one service keeps what it needs; `home` stands in for the user's home, whose settings are none of ours. */
export interface ServiceFolders {
  readonly bin: string;
  readonly data: string;
  readonly logs: string;
  readonly home: string;
}

const READY_TIMEOUT_MS = 120_000;
const POLL_MS = 40;

/** The environment of a service that needs nothing of the caller's: tools read many variables, and none are meant. */
export function bareEnvironment(home: string): Record<string, string> {
  return {
    HOME: home,
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LANG: 'C',
    ...(process.env['TMPDIR'] === undefined ? {} : { TMPDIR: process.env['TMPDIR'] }),
  };
}

/** Starts a service and waits until it serves; a failure quotes the end of its log and leaves no process. */
export async function startService(
  service: Service,
  runDir: string,
  timeoutMs = READY_TIMEOUT_MS,
): Promise<RunningProcess> {
  const running = await startProcess(service.process, runDir);
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const ended = running.exit();
    if (ended !== null) throw new Error(describeFailure(running, ended));
    if (await service.isReady().catch(() => false)) return running;
    if (Date.now() >= deadline) {
      await running.stop();
      throw new Error(describeFailure(running, `did not answer within ${timeoutMs / 1000} s`));
    }
    await delay(POLL_MS);
  }
}

function describeFailure({ name, log }: RunningProcess, what: string): string {
  const tail = readTail(log, 1500).trim();
  return `${name} ${what}; its log is ${log}${tail === '' ? '' : ` and ends with:\n${tail}`}`;
}

/** The last bytes of a file, from the start of a line on; empty when there is no such file. */
export function readTail(file: string, bytes: number): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const size = fstatSync(fd).size;
    const start = Math.max(0, size - bytes);
    const buffer = Buffer.alloc(size - start);
    readSync(fd, buffer, 0, buffer.length, start);
    const text = buffer.toString('utf8');
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    closeSync(fd);
  }
}

/** True when an HTTP GET is answered with a 2xx status. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.ok;
}
