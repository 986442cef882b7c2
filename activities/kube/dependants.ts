import { setTimeout as sleep } from 'node:timers/promises';
import { uninstalledBefore } from '../../workflows/core/dependencies.ts';
import { refText } from '../../workflows/core/facts.ts';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { Dependants, Some } from '../../workflows/core/model.ts';
import type { Kube } from '../ports.ts';
import { dependenciesOf } from './dependencies.ts';
import type { CrossNamespace } from './helm-release.ts';
import { FINALIZERS, listPath } from './kinds.ts';
import { listEach } from './list.ts';
import type { AnyObject } from './schema.ts';

/** A HelmRelease as far as the order of deletion depends on it. */
export interface Linked {
  readonly ref: ObjectRef;
  readonly dependsOn: readonly ObjectRef[];
  readonly deleting: boolean;
  /** It carries our finalizer: what it installed is not uninstalled yet. */
  readonly held: boolean;
}

/** What depends on a release that is being deleted; `list` tells of all HelmReleases of the cluster. */
export async function readDependants(
  list: () => Promise<readonly Linked[]>,
  {
    ref,
    since,
    crossNamespace,
  }: { readonly ref: ObjectRef; readonly since: number; readonly crossNamespace: CrossNamespace },
): Promise<Dependants> {
  const all = await list();
  const counts = (one: ObjectRef, other: ObjectRef): boolean =>
    crossNamespace === 'allowed' || one.namespace === other.namespace;
  const edges = ({ ref: own, dependsOn }: Linked): readonly string[] =>
    dependsOn.filter((one) => counts(own, one)).map(refText);
  const leaving = new Map(
    all
      .filter(({ deleting, held }) => deleting && held)
      .map((one): [string, readonly string[]] => [refText(one.ref), edges(one)]),
  );
  const first = new Set(uninstalledBefore(refText(ref), leaving));
  return {
    since,
    leaving: someOf(all.filter((one) => first.has(refText(one.ref)))),
    living: someOf(all.filter((one) => !one.deleting && edges(one).includes(refText(ref)))),
  };
}

/** A look stays small however many there are. */
function someOf(many: readonly Linked[]): Some {
  return { first: many.slice(0, 3).map(({ ref }) => ref), count: many.length };
}

/** The longest pause between two lists. */
const MAX_PAUSE_MS = 5_000;

/**
 * Lists the HelmReleases of the cluster, for many who ask at once by one list: it begins after the last of them asked,
 * so it shows everything that any of them can know of. Between two lists there is a pause as long as a list took.
 */
export function createLinkedList(kube: Kube): () => Promise<readonly Linked[]> {
  let next: Promise<readonly Linked[]> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const list = async (): Promise<readonly Linked[]> => {
    next = null;
    const began = performance.now();
    const listed = listEach(kube, { path: listPath('HelmRelease') }, toLinked);
    last = listed.catch(() => undefined).then(() => sleep(Math.min(performance.now() - began, MAX_PAUSE_MS)));
    return listed;
  };
  return () => (next ??= last.then(list));
}

function toLinked({ metadata, spec }: AnyObject): Linked {
  const { namespace, name, deletionTimestamp, finalizers } = metadata;
  return {
    ref: { namespace, name },
    dependsOn: dependenciesOf(namespace, spec),
    deleting: deletionTimestamp !== undefined,
    held: finalizers?.includes(FINALIZERS.HelmRelease) === true,
  };
}
