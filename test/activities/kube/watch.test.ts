import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { METADATA } from '../../../activities/kube/kinds.ts';
import { watch, type Watched } from '../../../activities/kube/watch.ts';
import type { Kube, Manifest } from '../../../activities/ports.ts';
import { type TestCluster, useCluster } from './cluster.ts';

/** Writes down what it is told, and lets a test wait for a line. */
class Recorder {
  readonly lines: string[] = [];
  readonly stop = new AbortController();

  listed(names: readonly string[]): void {
    this.lines.push(`listed ${[...names].sort().join(',')}`);
  }
  changed(name: string): void {
    this.lines.push(`changed ${name}`);
  }
  deleted(name: string): void {
    this.lines.push(`deleted ${name}`);
  }
  alive(heard: boolean): void {
    if (!heard) this.lines.push('not heard');
  }

  async until(line: string): Promise<void> {
    for (let tries = 0; tries < 500 && !this.lines.includes(line); tries += 1) await sleep(20);
    assert.ok(this.lines.includes(line), `${line} among ${this.lines.join('; ')}`);
  }
}

describe('watch', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await useCluster();
  });
  after(() => cluster.release());

  async function fresh(): Promise<{ namespace: string; watched: Watched<string>; path: string }> {
    const namespace = await cluster.addNamespace();
    const path = `/api/v1/namespaces/${namespace}/secrets`;
    const watched = {
      path,
      fieldSelector: 'type!=helm.sh/release.v1',
      accept: METADATA,
      parse: (object: unknown) => (object as Manifest).metadata.name,
    };
    return { namespace, path, watched };
  }

  const secret = (namespace: string, name: string, type = 'Opaque'): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name, labels: { touched: String(Math.random()).slice(2) } },
    type,
  });

  async function watching(kube: Kube, watched: Watched<string>, use: (told: Recorder) => Promise<void>): Promise<void> {
    const told = new Recorder();
    const done = watch(kube, watched, { watcher: told, signal: told.stop.signal });
    try {
      await use(told);
    } finally {
      told.stop.abort();
      await done;
    }
  }

  it('lists, even nothing, and tells what is created, changed and deleted', async () => {
    const { namespace, path, watched } = await fresh();
    await watching(cluster.kube, watched, async (told) => {
      await told.until('listed ');
      await cluster.apply(secret(namespace, 'a'));
      await told.until('changed a');
      await cluster.apply(secret(namespace, 'record', 'helm.sh/release.v1'));
      await cluster.apply(secret(namespace, 'b'));
      await cluster.kube.request({ method: 'DELETE', path: `${path}/a` });
      await told.until('deleted a');
      assert.deepEqual(told.lines, ['listed ', 'changed a', 'changed b', 'deleted a']);
    });
  });

  it('reads a long list page by page', async () => {
    const { namespace, watched } = await fresh();
    await Promise.all(Array.from({ length: 7 }, (_, i) => cluster.apply(secret(namespace, `s${String(i)}`))));
    const small: Kube = {
      ...cluster.kube,
      request: (request) =>
        cluster.kube.request({
          ...request,
          query: { ...request.query, ...(request.method === 'GET' ? { limit: 2 } : {}) },
        }),
    };
    await watching(small, watched, (told) => told.until('listed s0,s1,s2,s3,s4,s5,s6'));
  });

  it('goes on without a list when the server ends the watch, and loses nothing', async () => {
    const { namespace, watched } = await fresh();
    let watches = 0;
    const brief: Kube = {
      ...cluster.kube,
      stream(request) {
        watches += 1;
        return cluster.kube.stream({ ...request, query: { ...request.query, timeoutSeconds: 1 } });
      },
    };
    await watching(brief, watched, async (told) => {
      await told.until('listed ');
      for (let i = 0; watches < 3; i += 1) {
        await cluster.apply(secret(namespace, `s${String(i)}`));
        await told.until(`changed s${String(i)}`);
        await sleep(100);
      }
      assert.equal(told.lines.filter((line) => line.startsWith('listed')).length, 1);
    });
  });

  it('lists again when its version has expired', async () => {
    const { namespace, watched } = await fresh();
    let watches = 0;
    const old: Kube = {
      ...cluster.kube,
      stream(request) {
        watches += 1;
        return watches > 1 ? cluster.kube.stream(request) : expired();
      },
    };
    await cluster.apply(secret(namespace, 'a'));
    await watching(old, watched, async (told) => {
      for (let tries = 0; tries < 500 && watches < 2; tries += 1) await sleep(20);
      await cluster.apply(secret(namespace, 'b'));
      await told.until('changed b');
      assert.deepEqual(told.lines, ['listed a', 'not heard', 'listed a', 'changed b']);
    });
  });

  it('goes on when the API server was away', async () => {
    const { namespace, watched } = await fresh();
    const away = { is: true };
    const flaky: Kube = {
      ...cluster.kube,
      request: (request) => (away.is ? Promise.reject(new TypeError('away')) : cluster.kube.request(request)),
    };
    await cluster.apply(secret(namespace, 'a'));
    await watching(flaky, watched, async (told) => {
      await told.until('not heard');
      away.is = false;
      await told.until('listed a');
    });
  });

  it('gives up where it may not look, and says what to grant', async () => {
    const { watched } = await fresh();
    const powerless: Kube = {
      ...cluster.kube,
      request: (request) => cluster.kube.request({ ...request, as: { namespace: 'default', name: 'nobody' } }),
    };
    const told = new Recorder();
    await assert.rejects(watch(powerless, watched, { watcher: told, signal: told.stop.signal }), {
      code: 'Forbidden',
      message: `the worker may not list and watch ${watched.path}; grant it the verbs list and watch`,
    });
  });
});

/** What an API server sends for a version that it no longer has. */
async function* expired(): AsyncGenerator<unknown, void, undefined> {
  await sleep(1);
  yield {
    type: 'ERROR',
    object: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'too old resource version: 1 (4242)',
      reason: 'Expired',
      code: 410,
    },
  };
}
