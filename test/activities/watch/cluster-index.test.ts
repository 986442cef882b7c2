import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { WatchedObject } from '../../../activities/kube/watched.ts';
import { createClusterIndex, type ClusterIndex, type Wake } from '../../../activities/watch/cluster-index.ts';
import { watched } from './watched-object.ts';

const said = (wakes: readonly Wake[]) =>
  wakes.map(({ kind, object, because }) => `${kind} ${object.ref.name}: ${because}`);

const repository = watched('acr', { url: 'oci://registry.example.com/helm', secrets: ['default/acr-auth'] });
const named = watched('named', { repository: 'default/acr' });
const byUrl = watched('by-url', { url: 'oci://registry.example.com/helm/app' });
const elsewhere = watched('elsewhere', { url: 'oci://registry.example.com/helmets/app' });
const fed = watched('fed', { secrets: ['default/db'], configMaps: ['default/common'] });
const git = watched('apps', { secrets: ['default/git-auth'] });

describe('the index of a cluster', () => {
  let index: ClusterIndex;
  beforeEach(() => {
    index = createClusterIndex();
    index.listed('HelmRelease', [named, byUrl, elsewhere]);
    index.listed('HelmRepository', [repository]);
    index.listed('GitRepository', [git]);
    index.dataListed('Secret', [
      { ref: { namespace: 'default', name: 'acr-auth' }, resourceVersion: '1' },
      { ref: { namespace: 'default', name: 'git-auth' }, resourceVersion: '1' },
    ]);
  });

  it('the first list wakes nobody: a restart must not wake ten thousand', () => {
    assert.deepEqual(createClusterIndex().listed('HelmRelease', [named]), { wakes: [], gone: [] });
  });

  const changes: readonly [string, Partial<WatchedObject>, readonly string[]][] = [
    ['our own status patch', { state: '1 False' }, []],
    ['a new generation', { generation: 2, state: '2 True' }, ['HelmRelease named: spec changed']],
    ['a deletion', { deleting: true }, ['HelmRelease named: deletion requested']],
    ['an annotation', { annotations: '["now"]' }, ['HelmRelease named: annotation changed']],
    ['another object under the name', { uid: 'another' }, ['HelmRelease named: created']],
  ];
  for (const [name, change, expected] of changes) {
    it(`${name} of a release wakes ${expected.length === 0 ? 'nobody' : 'it alone'}`, () => {
      assert.deepEqual(said(index.changed('HelmRelease', { ...named, ...change })), expected);
    });
  }

  it('a repository that becomes Ready wakes those that name it and those whose chart lies under it', () => {
    const because = 'HelmRepository default/acr changed';
    assert.deepEqual(said(index.changed('HelmRepository', { ...repository, state: '1 False' })), [
      `HelmRelease named: ${because}`,
      `HelmRelease by-url: ${because}`,
    ]);
  });

  it('a rotated Secret wakes the repository and its releases', () => {
    const secret = { ref: { namespace: 'default', name: 'acr-auth' }, resourceVersion: '2' };
    const because = 'Secret default/acr-auth changed';
    assert.deepEqual(said(index.dataChanged('Secret', secret, 'changed')), [
      `HelmRepository acr: ${because}`,
      `HelmRelease named: ${because}`,
      `HelmRelease by-url: ${because}`,
    ]);
  });

  it('a changed source of values wakes exactly the release that reads it, by its kind', () => {
    index.changed('HelmRelease', fed);
    const one = (name: string) => ({ ref: { namespace: 'default', name }, resourceVersion: '2' });
    assert.deepEqual(said(index.dataChanged('ConfigMap', one('common'), 'changed')), [
      'HelmRelease fed: ConfigMap default/common changed',
    ]);
    assert.deepEqual(said(index.dataChanged('Secret', one('db'), 'deleted')), [
      'HelmRelease fed: Secret default/db deleted',
    ]);
    assert.deepEqual(index.dataChanged('ConfigMap', one('db'), 'changed'), []);
  });

  it('a list of ConfigMaps after a lost watch finds the one that is new', () => {
    index.changed('HelmRelease', fed);
    assert.deepEqual(index.dataListed('ConfigMap', []), []);
    assert.deepEqual(
      said(index.dataListed('ConfigMap', [{ ref: { namespace: 'default', name: 'common' }, resourceVersion: '1' }])),
      ['HelmRelease fed: ConfigMap default/common changed'],
    );
  });

  it('a Secret that nobody refers to wakes nobody', () => {
    const secret = { ref: { namespace: 'default', name: 'other' }, resourceVersion: '2' };
    assert.deepEqual(index.dataChanged('Secret', secret, 'changed'), []);
  });

  it('a list after a lost watch finds what changed and what is gone', () => {
    const { wakes, gone } = index.listed('HelmRelease', [{ ...named, generation: 2, state: '2 True' }, byUrl]);
    assert.deepEqual(said(wakes), ['HelmRelease named: spec changed']);
    assert.deepEqual(
      gone.map(({ ref }) => ref.name),
      ['elsewhere'],
    );
  });

  describe('of releases that depend on each other', () => {
    const db = watched('db', { standing: 'notReady' });
    const web = watched('web', { dependsOn: ['default/db'], standing: 'notReady', deferred: true });
    const cron = watched('cron', { dependsOn: ['default/db'] });
    const wakesOf = (change: Partial<WatchedObject>, before: Partial<WatchedObject> = {}): readonly string[] => {
      index.changed('HelmRelease', { ...db, ...before });
      return said(index.changed('HelmRelease', { ...db, ...before, ...change }));
    };
    beforeEach(() => {
      index.listed('HelmRelease', [db, web, cron]);
    });

    it('one that becomes Ready wakes those that are not, and lets those be that run as they should', () => {
      assert.deepEqual(wakesOf({ standing: 'ready' }), ['HelmRelease web: HelmRelease default/db is Ready']);
    });
    it('one that is Ready in another generation wakes them again', () => {
      assert.deepEqual(wakesOf({ generation: 2 }, { standing: 'ready' }), [
        'HelmRelease db: spec changed',
        'HelmRelease web: HelmRelease default/db is Ready',
      ]);
    });
    it('one that is not Ready any more lets nobody go on, and wakes nobody', () => {
      assert.deepEqual(wakesOf({ standing: 'notReady' }, { standing: 'ready' }), []);
    });
    it('its status while it works wakes nobody', () => {
      assert.deepEqual(wakesOf({ state: '1 Unknown' }), []);
    });
    it('one that is deleted, gone or created anew changes what others wait for', () => {
      assert.deepEqual(wakesOf({ deleting: true, standing: 'deleting' }), [
        'HelmRelease db: deletion requested',
        'HelmRelease web: HelmRelease default/db is being deleted',
      ]);
      assert.deepEqual(said(index.deleted('HelmRelease', db)), ['HelmRelease web: HelmRelease default/db is gone']);
      assert.deepEqual(said(index.changed('HelmRelease', db)), [
        'HelmRelease db: created',
        'HelmRelease web: HelmRelease default/db was created or changed',
      ]);
    });
    it('a circle is told on, from one to the next, and so is its end', () => {
      assert.deepEqual(wakesOf({ standing: 'circling' }), ['HelmRelease web: HelmRelease default/db is in a circle']);
      assert.deepEqual(wakesOf({ standing: 'notReady' }, { standing: 'circling' }), [
        'HelmRelease web: HelmRelease default/db was created or changed',
      ]);
    });
    it('one that says that it waits for what is Ready by now has missed that, and looks again', () => {
      wakesOf({ standing: 'ready' });
      assert.equal(index.waitsInVain(web), true);
      assert.equal(index.waitsInVain(cron), false, 'it does not wait');
      assert.deepEqual(said(index.changed('HelmRelease', web)), ['HelmRelease web: what it depends on is Ready']);
    });
    it('what it does not depend on any more wakes it no more', () => {
      index.changed('HelmRelease', { ...web, dependsOn: ['default/cron'] });
      assert.deepEqual(wakesOf({ standing: 'ready' }), []);
    });
    it('the last dependant that is uninstalled lets a deleted release go, and only the last', () => {
      const going = { deleting: true, standing: 'deleting', leaving: true } as const;
      for (const one of [db, web, cron]) index.changed('HelmRelease', { ...one, ...going });
      assert.deepEqual(said(index.changed('HelmRelease', { ...web, ...going, leaving: false })), []);
      const wakes = said(index.deleted('HelmRelease', { ...cron, ...going }));
      assert.deepEqual(wakes, ['HelmRelease db: HelmRelease default/cron is uninstalled']);
    });
    it('a list after a lost watch finds the dependants of one that is gone', () => {
      const { wakes } = index.listed('HelmRelease', [web, cron]);
      assert.deepEqual(said(wakes), ['HelmRelease web: HelmRelease default/db is gone']);
    });
  });

  it('a list of Secrets after a lost watch finds the rotated one', () => {
    const wakes = index.dataListed('Secret', [
      { ref: { namespace: 'default', name: 'acr-auth' }, resourceVersion: '1' },
      { ref: { namespace: 'default', name: 'git-auth' }, resourceVersion: '2' },
    ]);
    assert.deepEqual(said(wakes), ['GitRepository apps: Secret default/git-auth changed']);
  });
});
