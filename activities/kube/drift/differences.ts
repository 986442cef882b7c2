import { isObject, type Json, type Path, toPointer } from './pointer.ts';

/** What the API server or a controller writes, whatever is sent. */
const SERVER_METADATA: ReadonlySet<string> = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'uid',
  'selfLink',
]);

/**
 * Where an object in the cluster differs from what it would be if Helm sent its own again, in the order of the fields'
 * names. Each difference is told once, as high up as it begins.
 */
export function differences(live: Json, wanted: Json, ignored: readonly Path[]): readonly Path[] {
  const skipped = new Set(['/status', ...ignored.map(toPointer)]);
  return compare(relevant(live), relevant(wanted), { path: [], skipped });
}

function relevant({ metadata, ...fields }: Json): Json {
  const kept = Object.entries(isObject(metadata) ? metadata : {}).filter(([name]) => !SERVER_METADATA.has(name));
  return { ...fields, metadata: Object.fromEntries(kept) };
}

interface Place {
  readonly path: Path;
  /** Pointers to what is not compared. */
  readonly skipped: ReadonlySet<string>;
}

function compare(live: unknown, wanted: unknown, { path, skipped }: Place): readonly Path[] {
  if (skipped.has(toPointer(path))) return [];
  const both = childrenOf(live, wanted);
  if (both === null) return Object.is(live, wanted) ? [] : [path];
  const [before, after] = both;
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  return names.flatMap((name) => compare(before.get(name), after.get(name), { path: [...path, name], skipped }));
}

type Children = ReadonlyMap<string, unknown>;

/** Null: at least one of them has no children, or they are of two kinds. */
function childrenOf(one: unknown, other: unknown): readonly [Children, Children] | null {
  if (Array.isArray(one) && Array.isArray(other)) return [byIndex(one), byIndex(other)];
  return isObject(one) && isObject(other) ? [new Map(Object.entries(one)), new Map(Object.entries(other))] : null;
}

function byIndex(items: readonly unknown[]): Children {
  return new Map(items.map((item, index) => [String(index), item]));
}
