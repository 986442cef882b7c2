import type { ObjectRef } from '../../workflows/core/ids.ts';
import { parseYaml } from '../yaml.ts';
import { type ManifestObject, objectsIn } from './manifest.ts';

/** An object as Helm sends it to the API server, but for its namespace where the manifest names none. */
export type SentObject = ManifestObject;

/**
 * The objects of a stored manifest as Helm sends them: read as Kubernetes reads YAML, and marked as those of a release.
 * What cannot be read is named by its line.
 */
export function readSent(
  manifest: string,
  release: ObjectRef,
): { readonly objects: readonly SentObject[]; readonly unread: readonly string[] } {
  const documents = parseYaml(manifest);
  return {
    objects: documents.flatMap((one) =>
      one.kind === 'value' ? objectsIn(one.value).map((object) => marked(object, release)) : [],
    ),
    unread: documents.flatMap((one) => (one.kind === 'invalid' ? [`line ${one.line}: ${one.reason}`] : [])),
  };
}

/** By these Helm knows its own; without them it would leave an object behind. */
function marked(object: ManifestObject, { namespace, name }: ObjectRef): SentObject {
  const metadata = recordOf(object.document['metadata']);
  const labels = { ...recordOf(metadata['labels']), 'app.kubernetes.io/managed-by': 'Helm' };
  const annotations = {
    ...recordOf(metadata['annotations']),
    'meta.helm.sh/release-name': name,
    'meta.helm.sh/release-namespace': namespace,
  };
  return { ...object, document: { ...object.document, metadata: { ...metadata, labels, annotations } } };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
