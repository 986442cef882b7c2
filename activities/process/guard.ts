/**
 * Runs a command and kills its process group when file descriptor 3, a pipe held by the worker, is closed: that is
 * how a worker's death ends what it started where the kernel has no parent-death signal.
 */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) process.exit(2);

// The group is signalled as a whole: the command decides what SIGTERM means, the guard follows it. Before the command
// is there, so that no signal can find the command running and the guard unprepared.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);

const child = spawn(file, args, { stdio: ['inherit', 'inherit', 'inherit'] });

// Not a file stream: its blocking read would keep this process from ending.
new Socket({ fd: 3 })
  .on('end', () => process.kill(0, 'SIGKILL'))
  .on('error', () => process.kill(0, 'SIGKILL'))
  .resume();

child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  process.exit(signal === null ? (code ?? 1) : 128);
});
