import { uninstalledBefore } from '../../workflows/core/dependencies.ts';
import type { WatchedObject } from '../kube/watched.ts';
import type { Wake } from './cluster-index.ts';

/** A release before and after an event; undefined: there is none. */
export interface Change {
  readonly before: WatchedObject | undefined;
  readonly now: WatchedObject | undefined;
}

/** Who depends on whom, among the HelmReleases of a cluster. */
export interface DependencyIndex {
  /** Take a change that `releases` has taken already; tells which other releases it concerns. */
  noted(key: string, change: Change): readonly Wake[];
  waitsInVain(release: WatchedObject): boolean;
}

/** `releases` are those that are known, by `namespace/name`; whoever keeps them tells of each change. */
export function createDependencyIndex(releases: ReadonlyMap<string, WatchedObject>): DependencyIndex {
  const dependants = new Map<string, Set<string>>();

  const wake = (key: string, because: string): readonly Wake[] => {
    const object = releases.get(key);
    return object === undefined ? [] : [{ kind: 'HelmRelease', object, because }];
  };

  /** Those that have something to do yet: who runs as its object asks, waits for nobody. */
  const unsettled = (key: string, because: string): readonly Wake[] =>
    [...(dependants.get(key) ?? [])]
      .filter((one) => releases.get(one)?.standing !== 'ready')
      .flatMap((one) => wake(one, because));

  /** Of what a release depended on: those that waited for the end of it, and of nobody else. */
  const freed = (key: string, { dependsOn }: WatchedObject): readonly Wake[] => {
    const waiting = dependsOn.filter((one) => releases.get(one)?.leaving === true);
    if (waiting.length === 0) return [];
    const leaving = new Map(
      [...releases].filter(([, release]) => release.leaving).map(([one, release]) => [one, release.dependsOn]),
    );
    return waiting
      .filter((one) => uninstalledBefore(one, leaving).length === 0)
      .flatMap((one) => wake(one, `HelmRelease ${key} is uninstalled`));
  };

  const waitsInVain = ({ deferred, dependsOn }: WatchedObject): boolean =>
    deferred && dependsOn.every((one) => releases.get(one)?.standing === 'ready');

  return {
    waitsInVain,
    noted(key, { before, now }) {
      link(dependants, key, { before, now });
      const news = newsOf(before, now);
      return [
        ...(news === null ? [] : unsettled(key, `HelmRelease ${key} ${news}`)),
        ...(before?.leaving === true && now?.leaving !== true ? freed(key, before) : []),
        // What it waited for may have become Ready between its look and its word of it.
        ...(now !== undefined && waitsInVain(now) ? wake(key, 'what it depends on is Ready') : []),
      ];
    },
  };
}

function link(dependants: Map<string, Set<string>>, key: string, { before, now }: Change): void {
  for (const one of before?.dependsOn ?? []) {
    const others = dependants.get(one);
    others?.delete(key);
    if (others?.size === 0) dependants.delete(one);
  }
  for (const one of now?.dependsOn ?? []) {
    const others = dependants.get(one) ?? new Set();
    dependants.set(one, others.add(key));
  }
}

const NEWS = {
  ready: 'is Ready',
  notReady: 'was created or changed',
  circling: 'is in a circle',
  deleting: 'is being deleted',
} as const;

/** Null for what lets nobody go on, and changes nobody's reason to wait. */
function newsOf(before: WatchedObject | undefined, now: WatchedObject | undefined): string | null {
  if (now === undefined) return before === undefined ? null : 'is gone';
  const same = before?.standing === now.standing && (before.generation === now.generation || now.standing !== 'ready');
  if (same || (before?.standing === 'ready' && now.standing === 'notReady')) return null;
  return NEWS[now.standing];
}
