import { refText } from './facts.ts';
import type { Failure } from './failures.ts';
import type { Instant, ObjectRef } from './ids.ts';
import type { Action, Dependency, Look, Some } from './model.ts';

/**
 * People delete a set one object after the other, in any order. For so long a deleted release on which living ones
 * depend waits whether these are deleted, too; after that it is uninstalled from under them, as was asked.
 */
const SET_GRACE_MS = 10_000;
const SHOWN = 3;

/** The action; or, for one that would install or upgrade too early, the wait for what comes first. */
export function afterDependencies(action: Action, { dependencies = [], cycle = [] }: Look): Action {
  if (action.kind !== 'install' && action.kind !== 'upgrade') return action;
  const denied = dependencies.find(({ state }) => state === 'denied');
  if (denied !== undefined) return { kind: 'stall', failure: elsewhere(denied) };
  const failure = obstacle(dependencies, cycle);
  return failure === null ? action : { kind: 'defer', until: null, failure };
}

/** The action; or, for an uninstall that would come too early, the wait for those that go first. */
export function afterDependants(action: Action, { dependants }: Look, now: Instant): Action {
  if (action.kind !== 'uninstall' || dependants === undefined) return action;
  const { since, leaving, living } = dependants;
  if (leaving.count > 0) {
    const message = `waits until ${some(leaving)}, deleted too and dependent on it, ${leaving.count > 1 ? 'are' : 'is'} uninstalled`;
    return { kind: 'defer', until: null, failure: { code: 'DependantsRemain', message } };
  }
  // Not by the clock of an API server that is far ahead: nobody could say when that wait would end.
  if (living.count === 0 || Math.abs(now - since) >= SET_GRACE_MS) return action;
  const message = `waits ${SET_GRACE_MS / 1000} s whether ${some(living)}, dependent on it, ${living.count > 1 ? 'are' : 'is'} deleted too`;
  return { kind: 'defer', until: since + SET_GRACE_MS, failure: { code: 'DependantsRemain', message } };
}

function obstacle(dependencies: readonly Dependency[], cycle: readonly ObjectRef[]): Failure | null {
  const missing = dependencies.find(({ state }) => state === 'missing');
  if (missing !== undefined) {
    const message = `there is no ${named(missing.ref)}, which spec.dependsOn names; create it, or remove it from spec.dependsOn`;
    return { code: 'DependencyMissing', message };
  }
  const deleted = dependencies.find(({ state }) => state === 'deleting');
  if (deleted !== undefined) {
    const message = `${named(deleted.ref)}, which spec.dependsOn names, is being deleted; create it anew, or remove it from spec.dependsOn`;
    return { code: 'DependencyDeleted', message };
  }
  if (cycle.length > 0) {
    const message = `spec.dependsOn leads in a circle: ${cycle.map(refText).join(' → ')}; remove one of these dependencies`;
    return { code: 'DependencyCycle', message };
  }
  const open = dependencies.filter(({ state }) => state === 'notReady');
  return open.length === 0
    ? null
    : { code: 'DependencyNotReady', message: `waits for ${open.map(openText).join(', ')}` };
}

/** The generation tells apart a release that is not Ready yet from one that was Ready before its last change. */
function openText({ ref, generation }: Dependency): string {
  return `${named(ref)} to become Ready${generation === null ? '' : ` in generation ${generation}`}`;
}

function elsewhere({ ref }: Dependency): Failure {
  const message = `spec.dependsOn names ${refText(ref)}, but references to other namespaces are turned off`;
  return { code: 'CrossNamespaceDenied', message };
}

function some({ first, count }: Some): string {
  const shown = first.slice(0, SHOWN);
  const more = count > shown.length ? ` and ${count - shown.length} more` : '';
  return `HelmRelease${count > 1 ? 's' : ''} ${shown.map(refText).join(', ')}${more}`;
}

function named(ref: ObjectRef): string {
  return `HelmRelease ${refText(ref)}`;
}

/**
 * Whom a deleted release waits for: those that are being deleted too and depend on it, but for those on which it
 * depends itself, for in a circle nobody could begin. `leaving` says for each of them what it depends on.
 */
export function uninstalledBefore(self: string, leaving: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const below = new Set<string>([self]);
  // A set is walked in the order of insertion, also over what is added meanwhile.
  for (const key of below) for (const next of leaving.get(key) ?? []) below.add(next);
  return [...leaving].filter(([key, on]) => on.includes(self) && !below.has(key)).map(([key]) => key);
}

/** Waves in which those come first on which others depend; what is left in a circle comes last, at once. */
export function inOrder<T>(
  items: readonly T[],
  linkOf: (item: T) => { readonly key: string; readonly dependsOn: readonly string[] },
): readonly (readonly T[])[] {
  const left = new Map(items.map((item) => [linkOf(item).key, item]));
  const waves: T[][] = [];
  while (left.size > 0) {
    const free = [...left].filter(([, item]) => linkOf(item).dependsOn.every((key) => !left.has(key)));
    const wave = free.length > 0 ? free : [...left];
    for (const [key] of wave) left.delete(key);
    waves.push(wave.map(([, item]) => item));
  }
  return waves;
}
