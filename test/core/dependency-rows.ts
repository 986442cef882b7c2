import type { Action, Dependency, Look } from '../../workflows/core/model.ts';
import { history, look, NOW, object, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

const ref = (name: string) => ({ namespace: 'shop', name });
const dependency = (name: string, state: Dependency['state'], generation: number | null = null): Dependency => ({
  ref: ref(name),
  state,
  generation,
});
/** A release that is to be upgraded, behind others. */
const behind = (dependencies: readonly Dependency[], change: Partial<Look> = {}): Look =>
  look({ stored: stored({ digest: 'd0' }), dependencies, ...change });
const deferred = (code: Extract<Action, { kind: 'defer' }>['failure']['code'], message: string): Action => ({
  kind: 'defer',
  until: null,
  failure: { code, message },
});
const UPGRADE: Action = { kind: 'upgrade', because: 'chart, version or values changed' };
const UNINSTALL: Action = { kind: 'uninstall', because: 'the HelmRelease was deleted' };
const NOBODY = { first: [], count: 0 };
const leaving = (change: Partial<NonNullable<Look['dependants']>>): Look =>
  look({
    object: object({ deleting: true }),
    dependants: { since: NOW - 1000, leaving: NOBODY, living: NOBODY, ...change },
  });
const WAITS = deferred('DependencyNotReady', 'waits for HelmRelease shop/db to become Ready in generation 2');
const open = [dependency('db', 'notReady', 2)];

export const DEPENDENCY_ROWS: readonly Row[] = [
  { name: 'every dependency is Ready: upgrade', look: behind([dependency('db', 'ready', 2)]), then: UPGRADE },
  { name: 'a dependency is not Ready in its current generation: wait for it', look: behind(open), then: WAITS },
  { name: 'the same before an install', look: behind(open, { stored: null }), then: WAITS },
  {
    name: 'the same before another try',
    look: behind(open, { stored: stored({ status: 'failed' }) }),
    history: history({ retryAt: NOW - 1 }),
    then: WAITS,
  },
  {
    name: 'all that are waited for are named',
    look: behind([...open, dependency('cache', 'ready', 1), dependency('queue', 'notReady', 1)]),
    then: deferred(
      'DependencyNotReady',
      'waits for HelmRelease shop/db to become Ready in generation 2, HelmRelease shop/queue to become Ready in generation 1',
    ),
  },
  {
    name: 'a dependency that does not exist',
    look: behind([...open, dependency('cache', 'missing')]),
    then: deferred(
      'DependencyMissing',
      'there is no HelmRelease shop/cache, which spec.dependsOn names; create it, or remove it from spec.dependsOn',
    ),
  },
  {
    name: 'a dependency that is being deleted',
    look: behind([...open, dependency('cache', 'deleting', 4)]),
    then: deferred(
      'DependencyDeleted',
      'HelmRelease shop/cache, which spec.dependsOn names, is being deleted; create it anew, or remove it from spec.dependsOn',
    ),
  },
  {
    name: 'a circle is named in full',
    look: behind(open, { cycle: [ref('app'), ref('db'), { namespace: 'data', name: 'disk' }, ref('app')] }),
    then: deferred(
      'DependencyCycle',
      'spec.dependsOn leads in a circle: shop/app → shop/db → data/disk → shop/app; remove one of these dependencies',
    ),
  },
  {
    name: 'a dependency in another namespace, which is turned off, stalls',
    look: behind([dependency('db', 'denied')]),
    then: {
      kind: 'stall',
      failure: {
        code: 'CrossNamespaceDenied',
        message: 'spec.dependsOn names shop/db, but references to other namespaces are turned off',
      },
    },
  },
  { name: 'in sync: what it depends on does not matter', look: look({ dependencies: open }), then: { kind: 'none' } },
  {
    name: 'a written revision is waited for, whatever it depends on',
    look: look({ dependencies: open }),
    history: history({ readyRevision: 2 }),
    then: { kind: 'wait', revision: 3, deadline: NOW + 600_000 },
  },
  {
    name: 'a dead lock is opened, whatever it depends on',
    look: behind(open, { stored: stored({ status: 'pending-upgrade', attempt: 'a2' }) }),
    history: history({ lost: { attempt: 'a2', process: null, deadAt: NOW + 1000 } }),
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'a failure is told before what it depends on',
    look: behind(open),
    history: history({ retryAt: NOW + 5000, lastFailure: { code: 'HelmFailed', message: 'it broke' } }),
    then: { kind: 'hold', until: NOW + 5000, failure: { code: 'HelmFailed', message: 'it broke' } },
  },
  // deletion
  { name: 'deleted, and nothing depends on it: uninstall', look: leaving({}), then: UNINSTALL },
  {
    name: 'deleted with its dependants: these go first',
    look: leaving({ leaving: { first: [ref('web')], count: 1 }, living: { first: [ref('cron')], count: 1 } }),
    then: deferred(
      'DependantsRemain',
      'waits until HelmRelease shop/web, deleted too and dependent on it, is uninstalled',
    ),
  },
  {
    name: 'of many dependants the first are named and the others counted',
    look: leaving({ leaving: { first: [ref('a'), ref('b'), ref('c')], count: 500 } }),
    then: deferred(
      'DependantsRemain',
      'waits until HelmReleases shop/a, shop/b, shop/c and 497 more, deleted too and dependent on it, are uninstalled',
    ),
  },
  {
    name: 'deleted a moment ago, and one that depends on it lives: wait whether it is deleted too',
    look: leaving({ living: { first: [ref('web')], count: 1 } }),
    then: {
      kind: 'defer',
      until: NOW + 9000,
      failure: {
        code: 'DependantsRemain',
        message: 'waits 10 s whether HelmRelease shop/web, dependent on it, is deleted too',
      },
    },
  },
  {
    name: 'deleted alone: living dependants do not keep it',
    look: leaving({ since: NOW - 10_000, living: { first: [ref('web')], count: 1 } }),
    then: UNINSTALL,
  },
  {
    name: 'by the clock of an API server that is far ahead nothing is waited for',
    look: leaving({ since: NOW + 3_600_000, living: { first: [ref('web')], count: 1 } }),
    then: UNINSTALL,
  },
  {
    name: 'deleted with its dependants and nothing of ours installed: let go',
    look: { ...leaving({ leaving: { first: [ref('web')], count: 1 } }), stored: null },
    then: { kind: 'release' },
  },
];
