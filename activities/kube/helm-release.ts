import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { ReleaseObject } from '../../workflows/core/model.ts';
import { failure } from '../failures.ts';
import type { Kube, Manifest } from '../ports.ts';
import { compileSpec, type FoundRepository, type HelmReleaseSpec, repositoryRef } from './compile-spec.ts';
import { type Answer, followedBy, pinVersion, refuse } from './follow-version.ts';
import { objectPath } from './kinds.ts';
import { readOrNull } from './read.ts';
import { toReleaseObject } from './release-object.ts';
import { AnyObject, HelmReleaseFields, HelmRepositoryFields } from './schema.ts';
import { readSources } from './values/sources.ts';

/** Whether a release may use what lies in other namespaces: `HOLDFAST_NO_CROSS_NAMESPACE`. */
export type CrossNamespace = 'allowed' | 'denied';

export interface ReadRelease {
  readonly object: ReleaseObject;
  /**
   * Null when the spec is invalid; the reason is in `object.spec`. Of a release whose range is not resolved, which is
   * invalid too, all is here but the version.
   */
  readonly spec: HelmReleaseSpec | null;
  readonly manifest: Manifest;
}

export interface ReadOptions {
  readonly crossNamespace?: CrossNamespace;
  /** The version that its range was found to stand for; without one a release that has a range is invalid. */
  readonly resolution?: Answer | null | undefined;
  /** Through which that is read which other releases read as well; absent: like the object itself. */
  readonly shared?: Kube;
}

/** Read and compile a HelmRelease, with the HelmRepository and the sources of values that it names. Null: there is none. */
export async function readHelmRelease(
  kube: Kube,
  ref: ObjectRef,
  { crossNamespace = 'allowed', resolution = null, shared = kube }: ReadOptions = {},
): Promise<ReadRelease | null> {
  const manifest = await readOrNull<Manifest>(kube, objectPath('HelmRelease', ref));
  if (manifest === null) return null;
  const object = AnyObject.parse(manifest);
  const fields = HelmReleaseFields.safeParse(object.spec);
  const [repository, sources] = fields.success
    ? await Promise.all([
        findNamedRepository(shared, { ref, chart: fields.data.chart, crossNamespace }),
        readSources(shared, ref.namespace, fields.data.valuesFrom ?? []),
      ])
    : [null, []];
  const followed = followedBy(object.spec, repository);
  const pinned = pinVersion(object.spec, followed, resolution);
  const compiled = compileSpec(ref, pinned.spec, { repository, sources });
  const known = toReleaseObject(object, refuse(compiled, pinned.failure));
  return {
    object: followed === null ? known : { ...known, follows: followed },
    spec: compiled.kind === 'valid' ? compiled.spec : null,
    manifest,
  };
}

async function findNamedRepository(
  kube: Kube,
  { ref, chart, crossNamespace }: { ref: ObjectRef; chart: HelmReleaseFields['chart']; crossNamespace: CrossNamespace },
): Promise<FoundRepository | null> {
  const wanted = repositoryRef(ref, chart);
  if (wanted === null) return null;
  const name = `${wanted.namespace}/${wanted.name}`;
  if (wanted.namespace !== ref.namespace && crossNamespace === 'denied') {
    const why = `spec.chart.repository names ${name}, but references to other namespaces are turned off`;
    return { kind: 'failed', error: failure('CrossNamespaceDenied', why) };
  }
  const found = AnyObject.safeParse(await readOrNull(kube, objectPath('HelmRepository', wanted)));
  const repository = HelmRepositoryFields.safeParse(found.success ? found.data.spec : null);
  if (repository.success) return { kind: 'found', url: repository.data.url };
  return { kind: 'failed', error: failure('RepositoryNotFound', `there is no HelmRepository ${name}`) };
}
