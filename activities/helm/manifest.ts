import { parseAllDocuments } from 'yaml';
import { ManifestDocument, ManifestList } from './schema.ts';

/** An object that a release's manifest names. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** As the template says; null: that of the release, if the kind has one. */
  readonly namespace: string | null;
  /** Helm leaves it alone when the release goes. */
  readonly keep: boolean;
  /** The whole document. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** The objects of a stored manifest, Lists unfolded, in the manifest's order. */
export function parseManifest(manifest: string): readonly ManifestObject[] {
  return parseAllDocuments(manifest, { maxAliasCount: -1, uniqueKeys: false, logLevel: 'silent' } as object)
    .map((document) => document.toJS() as unknown)
    .flatMap(objectsIn);
}

/** What a document of a manifest holds: an object, those of a List, or nothing. */
export function objectsIn(document: unknown): readonly ManifestObject[] {
  return unfold(document).flatMap((one) => {
    const parsed = ManifestDocument.safeParse(one);
    return parsed.success ? [objectOf(parsed.data, one)] : [];
  });
}

function unfold(document: unknown): readonly unknown[] {
  const list = ManifestList.safeParse(document);
  return list.success ? list.data.items.flatMap(unfold) : [document];
}

function objectOf(
  { apiVersion, kind, metadata }: ReturnType<typeof ManifestDocument.parse>,
  document: unknown,
): ManifestObject {
  const policy = metadata.annotations?.[KEEP_ANNOTATION];
  return {
    apiVersion,
    kind,
    name: metadata.name,
    namespace: metadata.namespace ?? null,
    keep: isKeep(policy),
    document: document as Readonly<Record<string, unknown>>, // parsed by the schema, so it is an object
  };
}

export const KEEP_ANNOTATION = 'helm.sh/resource-policy';

export function isKeep(policy: unknown): boolean {
  return typeof policy === 'string' && policy.trim().toLowerCase() === 'keep';
}

/** The annotations that say whether an object takes part in hooks after an install or upgrade. */
export function hasPostHook(rendered: string, action: 'install' | 'upgrade'): boolean {
  return parseManifest(rendered).some(({ document }) => {
    const { metadata } = ManifestDocument.parse(document);
    const events = metadata.annotations?.['helm.sh/hook'];
    return typeof events === 'string' && events.split(',').some((event) => event.trim() === `post-${action}`);
  });
}

/** `Kind namespace/name`, as people name an object. */
export function describeObject({ kind, namespace, name }: Pick<ManifestObject, 'kind' | 'namespace' | 'name'>): string {
  return namespace === null ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
