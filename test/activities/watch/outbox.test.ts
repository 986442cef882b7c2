import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WatchedObject } from '../../../activities/kube/watched.ts';
import type { Entities } from '../../../activities/ports.ts';
import { createOutbox } from '../../../activities/watch/outbox.ts';
import { watched } from './watched-object.ts';

const release = (name: string, generation: number): WatchedObject => watched(name, { generation });

/** Writes down what it is told, and refuses the first `refusals` messages. */
function recorder(refusals = 0): { readonly entities: Entities; readonly lines: string[] } {
  const lines: string[] = [];
  let left = refusals;
  const note = (verb: string): Entities['wake'] => {
    return (kind, ref, { generation, because }) => {
      left -= 1;
      if (left >= 0) return Promise.reject(new Error('Temporal is away'));
      lines.push(`${verb} ${kind} ${ref.name} ${generation}: ${because}`);
      return Promise.resolve();
    };
  };
  return { lines, entities: { wake: note('wake'), tell: note('tell'), running: () => nobody() } };
}

async function* nobody(): AsyncGenerator<string, void, undefined> {
  // No entity runs.
}

async function deliverAll(outbox: ReturnType<typeof createOutbox>, done: () => boolean): Promise<void> {
  const stop = new AbortController();
  const running = outbox.run(stop.signal);
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await running;
}

describe('the outbox', () => {
  it('makes one message of many changes of one object, the newest', async () => {
    const { entities, lines } = recorder();
    const outbox = createOutbox(entities);
    for (let generation = 1; generation <= 30; generation += 1) {
      outbox.wake({ kind: 'HelmRelease', object: release('web', generation), because: 'spec changed' });
    }
    outbox.wake({ kind: 'HelmRelease', object: release('api', 1), because: 'created' });
    await deliverAll(outbox, () => lines.length >= 2);
    assert.deepEqual(lines, ['wake HelmRelease web 30: spec changed', 'wake HelmRelease api 1: created']);
  });

  it('tells of an object that is gone without starting anything', async () => {
    const { entities, lines } = recorder();
    const outbox = createOutbox(entities);
    outbox.wake({ kind: 'HelmRelease', object: release('web', 1), because: 'spec changed' });
    outbox.tell('HelmRelease', release('web', 1));
    await deliverAll(outbox, () => lines.length >= 1);
    assert.deepEqual(lines, ['tell HelmRelease web 1: deleted']);
  });

  it('keeps what could not be delivered, and says so by ending', async () => {
    const { entities, lines } = recorder(1);
    const outbox = createOutbox(entities);
    outbox.wake({ kind: 'HelmRelease', object: release('web', 1), because: 'created' });
    await assert.rejects(outbox.run(new AbortController().signal), /Temporal is away/);
    await deliverAll(outbox, () => lines.length >= 1);
    assert.deepEqual(lines, ['wake HelmRelease web 1: created']);
  });
});
