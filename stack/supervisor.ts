/**
 * The process behind a running stack: starts its parts, starts again what dies, serves Git, keeps logs short. `npm
 * start` talks to it over IPC while it waits; without one it goes on alone.
 */
import { bringUp, type SampleState } from './bring-up.ts';
import { createKeeper, capLogs } from './keeper.ts';
import { readPlan } from './plan.ts';
import { removePidFile, writeOwnPidFile } from './processes.ts';
import { stateOf } from './state.ts';

/** What the supervisor tells its starter. */
export type Message =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'up'; readonly sample: SampleState }
  | { readonly kind: 'failed'; readonly text: string };

const LOG_CHECK_MS = 30_000;

async function main(): Promise<void> {
  const state = stateOf(process.env);
  const plan = readPlan(state);
  if (plan === null) throw new Error(`${state.plan} is missing: run npm start`);
  writeOwnPidFile(state.lock, 'supervisor');
  const keeper = createKeeper(state.run, (text) => {
    log(text);
    tell({ kind: 'progress', text });
  });
  const timer = setInterval(() => {
    capLogs(state.logs);
  }, LOG_CHECK_MS);
  const ended = Promise.withResolvers<undefined>();
  const end = (): void => {
    ended.resolve(undefined);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
  // A foreground start that vanished without a word takes its stack with it; a detached one says goodbye first.
  process.once('disconnect', () => {
    if (!process.argv.includes('--detach')) end();
  });
  const rising = bringUp({ state, plan, env: process.env, start: keeper.start, report: progress }).then((sample) => {
    tell({ kind: 'up', sample });
  });
  rising.catch((error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    log(text);
    tell({ kind: 'failed', text });
    process.exitCode = 1;
    end();
  });
  await ended.promise;
  clearInterval(timer);
  await keeper.stop();
  await rising.catch(() => undefined);
  // Whatever was on its way while the others were being stopped.
  await keeper.stop();
  removePidFile(state.lock, 'supervisor');
  log('stopped');
  // The Git server of a bring-up that failed half-way may still listen.
  process.exit();
}

function progress(text: string): void {
  log(text);
  tell({ kind: 'progress', text });
}

function log(text: string): void {
  console.log(`${new Date().toISOString()} ${text}`);
}

function tell(message: Message): void {
  if (process.connected) process.send?.(message);
}

await main();
