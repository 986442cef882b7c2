import { z } from 'zod';
import { refText } from '../../workflows/core/facts.ts';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { Dependency, Look } from '../../workflows/core/model.ts';
import type { Kube } from '../ports.ts';
import type { CrossNamespace } from './helm-release.ts';
import { objectPath } from './kinds.ts';
import { readOrNull } from './read.ts';
import { type AnyObject, AnyObjectOrNull, HelmReleaseFields } from './schema.ts';

const Dependencies = HelmReleaseFields.pick({ dependsOn: true });

/** What a HelmRelease depends on, each once, also when its spec is wrong elsewhere. */
export function dependenciesOf(own: string, spec: unknown): readonly ObjectRef[] {
  const parsed = Dependencies.safeParse(spec);
  const refs = parsed.success ? (parsed.data.dependsOn ?? []) : [];
  const keyed = refs.map(({ name, namespace }): [string, ObjectRef] => {
    // An empty namespace means the object's own, as an absent one does.
    const ref = { namespace: namespace == null || namespace === '' ? own : namespace, name };
    return [refText(ref), ref];
  });
  return [...new Map(keyed).values()];
}

const ReadyStatus = z.object({
  conditions: z
    .array(
      z.object({
        type: z.string(),
        status: z.string(),
        reason: z.string().catch(''),
        observedGeneration: z.number().nullish().catch(null),
      }),
    )
    .catch([]),
});

/** What the condition `Ready` of an object says; `settled`: True, and about the object as it is now. */
export function readyOf({ metadata, status }: AnyObject): {
  readonly status: string;
  readonly reason: string;
  readonly settled: boolean;
} {
  const parsed = ReadyStatus.safeParse(status);
  const ready = parsed.success ? parsed.data.conditions.find(({ type }) => type === 'Ready') : undefined;
  if (ready === undefined) return { status: 'Unknown', reason: '', settled: false };
  const settled = ready.status === 'True' && ready.observedGeneration === metadata.generation;
  return { status: ready.status, reason: ready.reason, settled };
}

export interface DependencyQuery {
  readonly ref: ObjectRef;
  readonly dependsOn: readonly ObjectRef[];
  readonly crossNamespace: CrossNamespace;
}

/** Where each dependency stands; and, when some are waited for, whether these wait for the release in turn. */
export async function readDependencies(
  kube: Kube,
  { ref, dependsOn, crossNamespace }: DependencyQuery,
): Promise<Pick<Look, 'dependencies' | 'cycle'>> {
  if (dependsOn.length === 0) return {};
  const seen = await Promise.all(
    dependsOn.map(async (one) =>
      one.namespace !== ref.namespace && crossNamespace === 'denied'
        ? ({ ref: one, state: 'denied', generation: null, object: null } as const)
        : toSeen(one, await readRelease(kube, one)),
    ),
  );
  const waiting = seen.flatMap(({ state, object }) => (state === 'notReady' && object !== null ? [object] : []));
  const cycle = waiting.length === 0 ? null : await findCycle(kube, { ref, waiting, crossNamespace });
  return {
    dependencies: seen.map(({ ref: one, state, generation }) => ({ ref: one, state, generation })),
    ...(cycle === null ? {} : { cycle }),
  };
}

type Seen = Dependency & { readonly object: AnyObject | null };

function toSeen(ref: ObjectRef, object: AnyObject | null): Seen {
  if (object === null) return { ref, state: 'missing', generation: null, object };
  const { generation, deletionTimestamp } = object.metadata;
  const state = deletionTimestamp !== undefined ? 'deleting' : readyOf(object).settled ? 'ready' : 'notReady';
  return { ref, state, generation, object };
}

async function readRelease(kube: Kube, ref: ObjectRef): Promise<AnyObject | null> {
  return AnyObjectOrNull.parse(await readOrNull(kube, objectPath('HelmRelease', ref)));
}

interface Walk {
  readonly ref: ObjectRef;
  readonly waiting: readonly AnyObject[];
  readonly crossNamespace: CrossNamespace;
}

/** Releases that one walk reads; a longer circle shows as releases that wait. */
const MAX_VISITED = 200;

/**
 * The shortest way from a release back to itself over releases that are not Ready. One that is Ready breaks a circle:
 * those that depend on it may go on. Only a release that has to wait pays for this.
 */
async function findCycle(kube: Kube, { ref, waiting, crossNamespace }: Walk): Promise<readonly ObjectRef[] | null> {
  if (waiting.some(({ metadata }) => refText(metadata) === refText(ref))) return [ref, ref];
  const from = new Map<string, ObjectRef>();
  for (const { metadata } of waiting) from.set(refText(metadata), ref);
  for (let level = waiting; level.length > 0;) {
    const next: ObjectRef[] = [];
    for (const { metadata, spec } of level) {
      for (const one of dependenciesOf(metadata.namespace, spec)) {
        if (one.namespace !== metadata.namespace && crossNamespace === 'denied') continue;
        if (refText(one) === refText(ref)) return wayTo(metadata, { from, ref });
        if (from.has(refText(one)) || from.size >= MAX_VISITED) continue;
        from.set(refText(one), metadata);
        next.push(one);
      }
    }
    const read = await Promise.all(next.map(async (one) => toSeen(one, await readRelease(kube, one))));
    level = read.flatMap(({ state, object }) => (state === 'notReady' && object !== null ? [object] : []));
  }
  return null;
}

function wayTo(
  last: ObjectRef,
  { from, ref }: { readonly from: ReadonlyMap<string, ObjectRef>; readonly ref: ObjectRef },
): readonly ObjectRef[] {
  const way: ObjectRef[] = [ref];
  for (let at: ObjectRef | undefined = last; at !== undefined && at !== ref; at = from.get(refText(at))) {
    way.unshift({ namespace: at.namespace, name: at.name });
  }
  return [ref, ...way];
}
