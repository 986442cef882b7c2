import { refText } from '../../workflows/core/facts.ts';
import { ENTITY_KINDS, type EntityKind } from '../../workflows/core/ids.ts';
import type { WatchedData, WatchedObject } from '../kube/watched.ts';
import { matchRepository } from '../match-repository.ts';
import { createDependencyIndex, type DependencyIndex } from './dependency-index.ts';

/** An object that should look again, and why. */
export interface Wake {
  readonly kind: EntityKind;
  readonly object: WatchedObject;
  readonly because: string;
}

/**
 * What is known of the objects of a cluster, and who refers to whom. It tells for each change whom it concerns; pure
 * bookkeeping, so that what wakes whom can be tabled.
 */
export interface ClusterIndex {
  /** Take a list; wakes only what differs from what was known, and nothing the first time. */
  listed(
    kind: EntityKind,
    objects: readonly WatchedObject[],
  ): { readonly wakes: readonly Wake[]; readonly gone: readonly WatchedObject[] };
  changed(kind: EntityKind, object: WatchedObject): readonly Wake[];
  deleted(kind: EntityKind, object: WatchedObject): readonly Wake[];
  dataListed(kind: DataKind, all: readonly WatchedData[]): readonly Wake[];
  dataChanged(kind: DataKind, one: WatchedData, how: 'changed' | 'deleted'): readonly Wake[];
  readonly objects: (kind: EntityKind) => readonly WatchedObject[];
  /** It says that it waits for releases that are all Ready by now: a message to it was lost. */
  waitsInVain(object: WatchedObject): boolean;
}

/** What objects of ours read, and by which of their references. */
const READ_BY = { Secret: 'secrets', ConfigMap: 'configMaps' } as const satisfies Record<string, keyof WatchedObject>;
export type DataKind = keyof typeof READ_BY;

interface State {
  readonly known: Readonly<Record<EntityKind, Map<string, WatchedObject>>>;
  readonly dependencies: DependencyIndex;
  readonly seeded: Set<EntityKind>;
  /** Resource versions; none before the first list. */
  readonly versions: Map<DataKind, Map<string, string>>;
}

export function createClusterIndex(): ClusterIndex {
  const releases = new Map<string, WatchedObject>();
  const state: State = {
    known: { HelmRelease: releases, HelmRepository: new Map(), GitRepository: new Map() },
    dependencies: createDependencyIndex(releases),
    seeded: new Set(),
    versions: new Map(),
  };
  return {
    listed: (kind, objects) => listed(state, kind, objects),
    changed: (kind, object) => changed(state, kind, object),
    deleted: (kind, object) => deleted(state, kind, object),
    dataListed: (kind, all) => dataListed(state, kind, all),
    dataChanged(kind, { ref, resourceVersion }, how) {
      const key = refText(ref);
      if (how === 'deleted') state.versions.get(kind)?.delete(key);
      else state.versions.get(kind)?.set(key, resourceVersion);
      return dataConcerns(state, kind, { key, how });
    },
    objects: (kind) => [...state.known[kind].values()],
    waitsInVain: (object) => state.dependencies.waitsInVain(object),
  };
}

function listed(state: State, kind: EntityKind, objects: readonly WatchedObject[]): ReturnType<ClusterIndex['listed']> {
  const known = state.known[kind];
  const first = !state.seeded.has(kind);
  state.seeded.add(kind);
  const now = new Set(objects.map(({ ref }) => refText(ref)));
  const gone = [...known.values()].filter(({ ref }) => !now.has(refText(ref)));
  const wakes = [
    ...gone.flatMap((object) => deleted(state, kind, object)),
    ...objects.flatMap((object) => changed(state, kind, object)),
  ];
  return first ? { wakes: [], gone: [] } : { wakes, gone };
}

function deleted(state: State, kind: EntityKind, object: WatchedObject): readonly Wake[] {
  // Those whom it served are found while it is still known.
  const wakes = dependants(state, kind, object);
  const key = refText(object.ref);
  const before = state.known[kind].get(key);
  state.known[kind].delete(key);
  return kind === 'HelmRelease' ? [...wakes, ...state.dependencies.noted(key, { before, now: undefined })] : wakes;
}

function changed(state: State, kind: EntityKind, object: WatchedObject): readonly Wake[] {
  const key = refText(object.ref);
  const before = state.known[kind].get(key);
  state.known[kind].set(key, object);
  const because = differenceOf(before, object);
  const own: Wake[] = because === null ? [] : [{ kind, object, because }];
  if (kind === 'HelmRelease') return [...own, ...state.dependencies.noted(key, { before, now: object })];
  return before?.state === object.state ? own : [...own, ...dependants(state, kind, object)];
}

/** Releases that use a repository: those that name it, and those whose chart it may be the credential of. */
function dependants({ known }: State, kind: EntityKind, repository: WatchedObject): readonly Wake[] {
  if (kind !== 'HelmRepository') return [];
  const because = `HelmRepository ${refText(repository.ref)} changed`;
  const all = [...known.HelmRepository.values()];
  return [...known.HelmRelease.values()]
    .filter((release) => uses(release, repository, all))
    .map((object) => ({ kind: 'HelmRelease', object, because }));
}

function dataListed(state: State, kind: DataKind, all: readonly WatchedData[]): readonly Wake[] {
  const before = state.versions.get(kind);
  const now = new Map(all.map(({ ref, resourceVersion }) => [refText(ref), resourceVersion]));
  state.versions.set(kind, now);
  if (before === undefined) return [];
  const keys = new Set([...before.keys(), ...now.keys()]);
  return [...keys]
    .filter((key) => before.get(key) !== now.get(key))
    .flatMap((key) => dataConcerns(state, kind, { key, how: 'changed' }));
}

function dataConcerns(
  state: State,
  dataKind: DataKind,
  { key, how }: { readonly key: string; readonly how: 'changed' | 'deleted' },
): readonly Wake[] {
  const because = `${dataKind} ${key} ${how}`;
  return ENTITY_KINDS.flatMap((kind) =>
    [...state.known[kind].values()]
      .filter((object) => object[READ_BY[dataKind]].includes(key))
      .flatMap((object) => [
        { kind, object, because },
        ...dependants(state, kind, object).map((wake) => ({ ...wake, because })),
      ]),
  );
}

/** Null for what is no news: status that we wrote ourselves, labels, a resource version. */
function differenceOf(before: WatchedObject | undefined, now: WatchedObject): string | null {
  if (before === undefined || before.uid !== now.uid) return 'created';
  if (before.deleting !== now.deleting) return 'deletion requested';
  if (before.generation !== now.generation) return 'spec changed';
  return before.annotations === now.annotations ? null : 'annotation changed';
}

/** As the release itself will choose: a repository elsewhere is no news where one in its own namespace wins. */
function uses(release: WatchedObject, repository: WatchedObject, all: readonly WatchedObject[]): boolean {
  const key = refText(repository.ref);
  if (release.repository !== null) return release.repository === key;
  if (release.url === null) return false;
  const candidates = all.flatMap(({ ref, url }) => (url === null ? [] : [{ ...ref, url }]));
  const match = matchRepository(release.url, candidates, {
    namespace: release.ref.namespace,
    crossNamespace: 'allowed',
  });
  if (match.kind === 'one') return refText(match.repository) === key;
  return match.kind === 'ambiguous' && match.repositories.some((one) => refText(one) === key);
}
