import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createLinkedList, readDependants, type Linked } from '../../../activities/kube/dependants.ts';
import { readDependencies } from '../../../activities/kube/dependencies.ts';
import type { CrossNamespace } from '../../../activities/kube/helm-release.ts';
import { addFinalizer } from '../../../activities/kube/metadata.ts';
import { reportStatus } from '../../../activities/kube/release-status.ts';
import type { Kube } from '../../../activities/ports.ts';
import { type TestCluster, useCluster } from './cluster.ts';
import { helmRelease, report } from './release-fixtures.ts';

let cluster: TestCluster;
before(async () => {
  cluster = await useCluster();
});
after(() => cluster.release());

/** A HelmRelease that depends on others of its namespace; answers its uid. */
async function apply(namespace: string, name: string, on: readonly string[] = []): Promise<string> {
  const dependsOn = on.map((one) => ({ name: one }));
  return (await cluster.apply(helmRelease({ namespace, name }, { dependsOn }))).metadata.uid ?? '';
}
const remove = (namespace: string, name: string): Promise<unknown> =>
  cluster.kube.request({
    method: 'DELETE',
    path: `/apis/helm-operator.ketches.cn/v1alpha1/namespaces/${namespace}/helmreleases/${name}`,
  });

describe('what a release depends on', () => {
  const read = (namespace: string, names: readonly string[], crossNamespace: CrossNamespace = 'allowed') =>
    readDependencies(cluster.kube, {
      ref: { namespace, name: 'web' },
      dependsOn: names.map((name) => ({ namespace, name })),
      crossNamespace,
    });

  it('nothing is nothing to read', async () => {
    assert.deepEqual(await read(cluster.namespace, []), {});
  });

  it('is Ready in its current generation only, missing, or being deleted', async () => {
    const namespace = await cluster.addNamespace();
    const db = await apply(namespace, 'db');
    const old = await apply(namespace, 'old');
    await apply(namespace, 'new');
    const going = await apply(namespace, 'going');
    const ref = (name: string) => ({ namespace, name });
    await addFinalizer(cluster.kube, { kind: 'HelmRelease', ref: ref('going'), uid: going });
    await remove(namespace, 'going');
    for (const [name, uid] of [
      ['db', db],
      ['old', old],
    ] as const) {
      await reportStatus(cluster.kube, report(ref(name), uid));
    }
    await cluster.apply(helmRelease(ref('old'), { values: 'a: 2' }));
    assert.deepEqual(await read(namespace, ['db', 'old', 'new', 'absent', 'going']), {
      dependencies: [
        { ref: ref('db'), state: 'ready', generation: 1 },
        { ref: ref('old'), state: 'notReady', generation: 2 },
        { ref: ref('new'), state: 'notReady', generation: 1 },
        { ref: ref('absent'), state: 'missing', generation: null },
        { ref: ref('going'), state: 'deleting', generation: 2 },
      ],
    });
  });

  it('is not looked at in another namespace where that is turned off', async () => {
    const dependsOn = [{ namespace: 'kube-system', name: 'db' }];
    const query = { ref: { namespace: cluster.namespace, name: 'web' }, dependsOn, crossNamespace: 'denied' } as const;
    assert.deepEqual(await readDependencies(cluster.kube, query), {
      dependencies: [{ ref: { namespace: 'kube-system', name: 'db' }, state: 'denied', generation: null }],
    });
  });

  const circles: readonly [string, Readonly<Record<string, readonly string[]>>, string | undefined][] = [
    ['no circle', { web: ['a'], a: ['b'], b: [] }, undefined],
    ['one of two', { web: ['a'], a: ['web'] }, 'web a web'],
    ['one of itself', { web: ['web'] }, 'web web'],
    ['the shortest of two', { web: ['a', 'c'], a: ['b'], b: ['web'], c: ['web'] }, 'web c web'],
    ['one of others', { web: ['a'], a: ['b'], b: ['a'] }, undefined],
    ['one that a Ready release breaks', { web: ['a'], a: ['ready'], ready: ['web'] }, undefined],
  ];
  for (const [name, edges, expected] of circles) {
    it(`finds ${name}`, async () => {
      const namespace = await cluster.addNamespace();
      for (const [one, on] of Object.entries(edges)) {
        const uid = await apply(namespace, one, on);
        if (one === 'ready') await reportStatus(cluster.kube, report({ namespace, name: one }, uid));
      }
      const { cycle } = await read(namespace, edges['web'] ?? []);
      assert.equal(cycle?.map((ref) => ref.name).join(' '), expected);
    });
  }
});

describe('what depends on a release that is being deleted', () => {
  it('is told apart: what goes before it, and what lives', async () => {
    const namespace = await cluster.addNamespace();
    const edges = { db: [], web: ['db'], cron: ['db'], done: ['db'], other: [] } as const;
    for (const [name, on] of Object.entries(edges)) {
      const uid = await apply(namespace, name, on);
      const ref = { namespace, name };
      if (name === 'db' || name === 'web') await addFinalizer(cluster.kube, { kind: 'HelmRelease', ref, uid });
    }
    for (const name of ['db', 'web', 'done']) await remove(namespace, name);
    const list = createLinkedList(cluster.kube);
    const query = { ref: { namespace, name: 'db' }, since: 7, crossNamespace: 'allowed' } as const;
    assert.deepEqual(await readDependants(list, query), {
      since: 7,
      leaving: { first: [{ namespace, name: 'web' }], count: 1 },
      living: { first: [{ namespace, name: 'cron' }], count: 1 },
    });
  });

  it('is not to be found in another namespace where that is turned off', async () => {
    const linked = (namespace: string, name: string): Linked => ({
      ref: { namespace, name },
      dependsOn: [{ namespace: 'a', name: 'db' }],
      deleting: name === 'web',
      held: true,
    });
    const list = (): Promise<readonly Linked[]> => Promise.resolve([linked('b', 'web'), linked('b', 'cron')]);
    const query = { ref: { namespace: 'a', name: 'db' }, since: 7 } as const;
    const nobody = { first: [], count: 0 };
    assert.deepEqual(await readDependants(list, { ...query, crossNamespace: 'denied' }), {
      since: 7,
      leaving: nobody,
      living: nobody,
    });
    assert.equal((await readDependants(list, { ...query, crossNamespace: 'allowed' })).leaving.count, 1);
  });

  it('is listed once for all who ask at once, and anew for whoever asks later', async () => {
    let lists = 0;
    const counting: Kube = {
      ...cluster.kube,
      request: (request) => {
        lists += 1;
        return cluster.kube.request(request);
      },
    };
    const list = createLinkedList(counting);
    const namespace = await cluster.addNamespace();
    await Promise.all(Array.from({ length: 200 }, () => list()));
    assert.equal(lists, 1);
    await apply(namespace, 'late');
    const [later] = await Promise.all(Array.from({ length: 200 }, () => list()));
    assert.equal(lists, 2);
    assert.ok(later?.some(({ ref }) => ref.namespace === namespace && ref.name === 'late'));
  });
});
