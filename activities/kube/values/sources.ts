import type { ObjectRef } from '../../../workflows/core/ids.ts';
import { failure, type HoldfastError } from '../../failures.ts';
import type { Kube } from '../../ports.ts';
import { readOrNull } from '../read.ts';
import { SecretData, type ValuesReference } from '../schema.ts';

/** What one entry of `spec.valuesFrom` was found to hold. */
export type FoundSource =
  | { readonly kind: 'found'; readonly reference: ValuesReference; readonly text: string }
  /** It is optional, and not there. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly error: HoldfastError };

/** The key that a reference means when it names none. */
const DEFAULT_KEY = 'values.yaml';

/** Read what `spec.valuesFrom` refers to, each object once; it lies in the namespace of the HelmRelease. */
export async function readSources(
  kube: Kube,
  namespace: string,
  references: readonly ValuesReference[],
): Promise<readonly FoundSource[]> {
  const objects = new Map<string, ReturnType<typeof readData>>();
  return Promise.all(
    references.map(async (reference) => {
      const { kind, name } = reference;
      const id = `${kind}/${name}`;
      const data = objects.get(id) ?? readData(kube, kind, { namespace, name });
      objects.set(id, data);
      return sourceOf(reference, namespace, await data);
    }),
  );
}

type Data = Readonly<Record<string, string>>;

async function readData(
  kube: Kube,
  kind: ValuesReference['kind'],
  { namespace, name }: ObjectRef,
): Promise<Data | null> {
  const plural = kind === 'Secret' ? 'secrets' : 'configmaps';
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`;
  const object = await readOrNull(kube, path);
  if (object === null) return null;
  const data = SecretData.parse(object).data ?? {};
  if (kind === 'ConfigMap') return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

function sourceOf(reference: ValuesReference, namespace: string, data: Data | null): FoundSource {
  const key = keyOf(reference);
  const text = data !== null && Object.hasOwn(data, key) ? data[key] : undefined;
  if (text !== undefined) return { kind: 'found', reference, text };
  if (reference.optional === true) return { kind: 'absent' };
  const object = `${reference.kind} ${namespace}/${reference.name}`;
  const keys = Object.keys(data ?? {}).sort();
  const why =
    data === null
      ? `there is no ${object}, whose key ${key} spec.valuesFrom asks for; create it, or set optional: true`
      : `${object} has no key ${key}, which spec.valuesFrom asks for; its keys are: ${keys.join(', ') || 'none'}`;
  return { kind: 'failed', error: failure('ValuesSourceNotFound', why) };
}

/** The key, named as people find it. */
export function describeSource(reference: ValuesReference, namespace: string): string {
  return `key ${keyOf(reference)} of ${reference.kind} ${namespace}/${reference.name}`;
}

function keyOf({ valuesKey }: ValuesReference): string {
  return valuesKey == null || valuesKey === '' ? DEFAULT_KEY : valuesKey;
}
