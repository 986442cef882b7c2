/**
 * A small process that starts commands for the worker. A fork copies the page tables of the process that forks: of a
 * worker of 500 MiB that takes 15 times as long as of this one, and the worker can do nothing else meanwhile. It dies
 * with the worker, and what it started dies with it.
 */
import type { HelmProcess } from '../../workflows/core/model.ts';
import type { News, Order } from './launch.ts';
import { perform } from './perform.ts';

/** What ends a command, by the number of its order. */
const running = new Map<number, AbortController>();

process.on('message', (order: Order) => {
  if (order.kind === 'end') running.get(order.id)?.abort();
  else void carryOut(order);
});
process.on('disconnect', () => process.exit());

async function carryOut({ id, command }: Extract<Order, { kind: 'run' }>): Promise<void> {
  const stop = new AbortController();
  running.set(id, stop);
  const onStart = (started: HelmProcess): void => {
    tell({ kind: 'started', id, process: started });
  };
  try {
    tell({ kind: 'ended', id, ended: await perform({ ...command, signal: stop.signal, onStart }) });
  } catch (error) {
    tell({ kind: 'notStarted', id, why: codeOf(error) });
  } finally {
    running.delete(id);
  }
}

function tell(news: News): void {
  process.send?.(news, undefined, undefined, () => undefined); // whoever asked may have gone: this process goes too
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.name;
}
