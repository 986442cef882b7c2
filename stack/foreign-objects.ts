/** Our objects on a cluster that is not ours, and what helm installed for them. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CRDS } from './foreign.ts';
import { runKubectl, type KubectlTarget } from './kubectl.ts';

export interface Ref {
  readonly namespace: string;
  readonly name: string;
}

export interface ForeignObject extends Ref {
  readonly crd: string;
  readonly finalizers: readonly string[];
  /** Where helm may keep its release: where it was installed, and where the spec wants it. None for other kinds. */
  readonly places: readonly Ref[];
  /** The HelmReleases that come before it. */
  readonly dependsOn: readonly Ref[];
}

const text = z.string().nullish();
const Place = z.object({ name: text, namespace: text }).nullish();
const Objects = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ namespace: z.string(), name: z.string(), finalizers: z.array(z.string()).default([]) }),
      spec: z
        .object({
          release: Place,
          dependsOn: z.array(z.object({ name: z.string(), namespace: text })).nullish(),
        })
        .default({}),
      status: z.object({ helmRelease: Place }).nullish(),
    }),
  ),
});
type Item = z.infer<typeof Objects>['items'][number];

/** All objects of one of our kinds. */
export async function listObjects(target: KubectlTarget, crd: string): Promise<readonly ForeignObject[]> {
  const json = await runKubectl(target, ['get', crd, '--all-namespaces', '--output=json']);
  return Objects.parse(JSON.parse(json)).items.map((item) => ({
    crd,
    ...item.metadata,
    places: crd === CRDS[0] ? placesOf(item) : [],
    dependsOn: (item.spec.dependsOn ?? []).map((ref) => within(ref, item.metadata)),
  }));
}

function placesOf({ metadata, spec, status }: Item): readonly Ref[] {
  const wanted = within(spec.release, metadata);
  const installed = within(status?.helmRelease ?? wanted, metadata);
  return textOf(installed) === textOf(wanted) ? [wanted] : [installed, wanted];
}

/** What is left out is that of the object. */
function within(place: z.infer<typeof Place>, { namespace, name }: Ref): Ref {
  const given = (one: string | null | undefined, own: string): string => (one == null || one === '' ? own : one);
  return { namespace: given(place?.namespace, namespace), name: given(place?.name, name) };
}

const Records = z.object({
  items: z.array(z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) })),
});

/**
 * Releases whose newest record carries our owner's mark, what depends on others first; what somebody else installed under
 * the name is let be.
 */
export async function ownedReleases(
  target: KubectlTarget,
  objects: readonly ForeignObject[],
  cluster: string,
): Promise<readonly Ref[]> {
  const owned: Ref[] = [];
  for (const { namespace, name, places } of dependantsFirst(objects)) {
    const mark = createHash('sha256').update(`${cluster}/${namespace}/${name}`).digest('hex').slice(0, 40);
    for (const place of places) {
      if (await isInstalled(target, place, mark)) owned.push(place);
    }
  }
  return owned;
}

async function isInstalled(target: KubectlTarget, { namespace, name }: Ref, mark: string): Promise<boolean> {
  const selector = `owner=helm,name=${name}`;
  const get = ['get', 'secrets', `--namespace=${namespace}`, `--selector=${selector}`, '--output=json'];
  const newest = Records.parse(JSON.parse(await runKubectl(target, get)))
    .items.map(({ metadata }) => metadata.labels)
    .sort((a, b) => Number(b['version'] ?? 0) - Number(a['version'] ?? 0))[0];
  return newest?.['holdfast.dev/owner'] === mark && newest['status'] !== 'uninstalled';
}

/** Each object after all that depend on it, as far as they do so without a cycle. */
export function dependantsFirst<T extends Pick<ForeignObject, 'namespace' | 'name' | 'dependsOn'>>(
  objects: readonly T[],
): readonly T[] {
  const sorted = new Set<T>();
  const begun = new Set<T>();
  const visit = (object: T): void => {
    if (begun.has(object)) return;
    begun.add(object);
    const own = textOf(object);
    objects.filter(({ dependsOn }) => dependsOn.some((ref) => textOf(ref) === own)).forEach(visit);
    sorted.add(object);
  };
  objects.forEach(visit);
  return [...sorted];
}

const textOf = ({ namespace, name }: Ref): string => `${namespace}/${name}`;
