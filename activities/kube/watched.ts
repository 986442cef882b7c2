import { z } from 'zod';
import { refText } from '../../workflows/core/facts.ts';
import type { FailureCode } from '../../workflows/core/failures.ts';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import { dependenciesOf, readyOf } from './dependencies.ts';
import { ANNOTATIONS, FINALIZERS, listPath, METADATA } from './kinds.ts';
import { requestedAt } from './release-object.ts';
import {
  AnyObject,
  GitRepositoryFields,
  HelmReleaseFields,
  HelmRepositoryFields,
  Metadata,
  type ValuesReference,
} from './schema.ts';
import { readShown, type Shown } from './shown.ts';
import type { Watched } from './watch.ts';

/** What the watcher keeps of an object of ours: enough to see a change and to follow its references. */
export interface WatchedObject {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly generation: number;
  readonly deleting: boolean;
  /** Changes when a person speaks through an annotation; our own writes to `status` do not change it. */
  readonly annotations: string;
  /** Changes when another object that refers to this one should look again. */
  readonly state: string;
  /** No worker has seen the spec yet, or the sync that an annotation asks for. */
  readonly unobserved: boolean;
  /** `namespace/name` of the Secrets that it reads. */
  readonly secrets: readonly string[];
  /** `namespace/name` of the ConfigMaps that it reads. */
  readonly configMaps: readonly string[];
  /** HelmRelease: the HelmRepository that it names. */
  readonly repository: string | null;
  /** HelmRelease: where its chart lies. HelmRepository: its URL. */
  readonly url: string | null;
  /** HelmRelease: the releases that come first, as `namespace/name`. */
  readonly dependsOn: readonly string[];
  /** HelmRelease: what those that depend on it have to know. */
  readonly standing: Standing;
  /** HelmRelease: it says that it waits for one that comes first. */
  readonly deferred: boolean;
  /** HelmRelease: it is being deleted, and carries our finalizer: it is not uninstalled yet. */
  readonly leaving: boolean;
  /** Of no meaning for who wakes whom: for those who watch over it. */
  readonly shown: Shown;
}

/** `ready`: in its current generation. `circling`: it waits for itself, by a circle of dependencies. */
export type Standing = 'ready' | 'notReady' | 'circling' | 'deleting';

/** A Secret or a ConfigMap: only that it changed is of interest. */
export interface WatchedData {
  readonly ref: ObjectRef;
  readonly resourceVersion: string;
}

const ReleaseReferences = HelmReleaseFields.pick({ chart: true, valuesFrom: true });
const RepositoryReferences = HelmRepositoryFields.pick({ url: true, auth: true, proxySecretRef: true });
const GitReferences = GitRepositoryFields.pick({ secretRef: true });

const WatchedStatus = z.object({
  observedGeneration: z.number().nullable().catch(null),
  lastHandledRequestedAt: z.string().nullable().catch(null),
  indexDigest: z.string().nullable().catch(null),
});

const DEFERRED: ReadonlySet<string> = new Set<FailureCode>([
  'DependencyNotReady',
  'DependencyMissing',
  'DependencyDeleted',
  'DependencyCycle',
]);

/** Annotations by which people ask for something. */
const SPOKEN = [
  ANNOTATIONS.requestedAt,
  ANNOTATIONS.fluxRequestedAt,
  ANNOTATIONS.suspended,
  ANNOTATIONS.abandon,
  ANNOTATIONS.confirmPrune,
];

type References = Pick<WatchedObject, 'secrets' | 'configMaps' | 'repository' | 'url' | 'dependsOn'>;
const NO_REFERENCES: References = { secrets: [], configMaps: [], repository: null, url: null, dependsOn: [] };

export const HELM_RELEASES: Watched<WatchedObject> = {
  path: listPath('HelmRelease'),
  parse: (object) => parseObject(object, releaseReferences),
};

export const HELM_REPOSITORIES: Watched<WatchedObject> = {
  path: listPath('HelmRepository'),
  parse: (object) => parseObject(object, repositoryReferences),
};

export const GIT_REPOSITORIES: Watched<WatchedObject> = {
  path: listPath('GitRepository'),
  parse: (object) => parseObject(object, gitReferences),
};

/** Helm's records are Secrets too, and the largest ones; none of their changes concerns us. */
export const SECRETS: Watched<WatchedData> = {
  path: '/api/v1/secrets',
  fieldSelector: 'type!=helm.sh/release.v1',
  accept: METADATA,
  parse: parseData,
};

export const CONFIG_MAPS: Watched<WatchedData> = { path: '/api/v1/configmaps', accept: METADATA, parse: parseData };

function parseData(object: unknown): WatchedData | null {
  const parsed = Metadata.safeParse(metadataOf(object));
  if (!parsed.success || parsed.data.namespace === undefined) return null;
  const { name, namespace, resourceVersion } = parsed.data;
  return { ref: { namespace, name }, resourceVersion };
}

function metadataOf(object: unknown): unknown {
  return typeof object === 'object' && object !== null && 'metadata' in object ? object.metadata : null;
}

function parseObject(
  value: unknown,
  referencesOf: (namespace: string, spec: unknown) => References,
): WatchedObject | null {
  const parsed = AnyObject.safeParse(value);
  if (!parsed.success) return null;
  const { metadata, spec, status } = parsed.data;
  const { namespace, name, uid, generation, annotations } = metadata;
  const { observedGeneration, handled, index } = observedOf(status);
  const ready = readyOf(parsed.data);
  const asked = requestedAt(annotations);
  const deleting = metadata.deletionTimestamp !== undefined;
  return {
    ref: { namespace, name },
    uid,
    generation,
    deleting,
    annotations: JSON.stringify(SPOKEN.map((key) => annotations?.[key] ?? null)),
    state: [generation, ready.status, index ?? ''].join(' ').trimEnd(),
    unobserved: observedGeneration !== generation || (asked !== null && asked !== handled),
    standing: deleting ? 'deleting' : standingOf(ready),
    deferred: DEFERRED.has(ready.reason),
    leaving: deleting && metadata.finalizers?.includes(FINALIZERS.HelmRelease) === true,
    shown: readShown(parsed.data),
    ...referencesOf(namespace, spec),
  };
}

function standingOf({ settled, reason }: ReturnType<typeof readyOf>): Standing {
  if (settled) return 'ready';
  return reason === ('DependencyCycle' satisfies FailureCode) ? 'circling' : 'notReady';
}

interface Observed {
  readonly observedGeneration: number | null;
  readonly handled: string | null;
  /** Of a HelmRepository: what its index held. */
  readonly index: string | null;
}

function observedOf(status: unknown): Observed {
  const parsed = WatchedStatus.safeParse(status);
  if (!parsed.success) return { observedGeneration: null, handled: null, index: null };
  const { observedGeneration, lastHandledRequestedAt, indexDigest } = parsed.data;
  return { observedGeneration, handled: lastHandledRequestedAt, index: indexDigest };
}

function releaseReferences(namespace: string, spec: unknown): References {
  const dependsOn = dependenciesOf(namespace, spec).map(refText);
  const parsed = ReleaseReferences.safeParse(spec);
  if (!parsed.success) return { ...NO_REFERENCES, dependsOn };
  const { name, repository, ociRepository, repositoryURL } = parsed.data.chart;
  const named = repository == null ? null : refTo(repository, namespace);
  const below = given(repositoryURL) ? `${repositoryURL}/${name}` : null;
  return {
    ...valuesReferences(namespace, parsed.data.valuesFrom ?? []),
    repository: named,
    url: given(ociRepository) ? ociRepository : below,
    dependsOn,
  };
}

function valuesReferences(
  namespace: string,
  references: readonly ValuesReference[],
): Pick<References, 'secrets' | 'configMaps'> {
  const named = (wanted: ValuesReference['kind']): readonly string[] =>
    references.flatMap(({ kind, name }) => (kind === wanted ? [`${namespace}/${name}`] : []));
  return { secrets: named('Secret'), configMaps: named('ConfigMap') };
}

function repositoryReferences(namespace: string, spec: unknown): References {
  const parsed = RepositoryReferences.safeParse(spec);
  if (!parsed.success) return NO_REFERENCES;
  const { url, auth, proxySecretRef } = parsed.data;
  const secrets = [auth?.basic?.secretRef, auth?.tls?.secretRef, proxySecretRef].filter((secret) => secret != null);
  return { ...NO_REFERENCES, url, secrets: secrets.map((secret) => refTo(secret, namespace)) };
}

function gitReferences(namespace: string, spec: unknown): References {
  const parsed = GitReferences.safeParse(spec);
  if (!parsed.success || parsed.data.secretRef == null) return NO_REFERENCES;
  return { ...NO_REFERENCES, secrets: [`${namespace}/${parsed.data.secretRef.name}`] };
}

/** An empty namespace means the object's own, as an absent one does. */
function refTo(
  reference: { readonly name: string; readonly namespace?: string | null | undefined },
  own: string,
): string {
  return `${given(reference.namespace) ? reference.namespace : own}/${reference.name}`;
}

function given(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && text !== '';
}
