/** As much of the External Secrets Operator as the guide shows: its kind, and what it does with one of them. */
import type { Objects } from '../support/holdfast.ts';

const text = { type: 'string', minLength: 1 };
const remote = { type: 'object', required: ['key'], properties: { key: text, property: text } };
const data = {
  type: 'array',
  items: { type: 'object', required: ['secretKey', 'remoteRef'], properties: { secretKey: text, remoteRef: remote } },
};
const spec = {
  type: 'object',
  required: ['secretStoreRef', 'target', 'data'],
  properties: {
    refreshInterval: { type: 'string', pattern: '^([0-9]+(ms|s|m|h))+$' },
    secretStoreRef: {
      type: 'object',
      required: ['name'],
      properties: { kind: { type: 'string', enum: ['SecretStore', 'ClusterSecretStore'] }, name: text },
    },
    target: {
      type: 'object',
      properties: { name: text, creationPolicy: { type: 'string', enum: ['Owner', 'Orphan', 'Merge', 'None'] } },
    },
    data,
  },
};

/** Serves `v1` alone, as the operator does since 0.17. */
export const EXTERNAL_SECRET_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'externalsecrets.external-secrets.io' },
  spec: {
    group: 'external-secrets.io',
    scope: 'Namespaced',
    names: {
      kind: 'ExternalSecret',
      listKind: 'ExternalSecretList',
      plural: 'externalsecrets',
      singular: 'externalsecret',
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', required: ['spec'], properties: { spec } } },
      },
    ],
  },
};

interface ExternalSecretSpec {
  readonly target: { readonly name: string };
  readonly data: readonly { secretKey: string; remoteRef: { key: string; property: string } }[];
}

type Vault = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Copies what a vault holds into the Secret that an ExternalSecret names. */
export async function refresh(
  objects: Objects,
  [namespace, name]: readonly [string, string],
  vault: Vault,
): Promise<void> {
  const live = await objects.get('externalsecret', namespace, name);
  const { target, data: wanted } = live.spec as unknown as ExternalSecretSpec; // by the schema above
  const stringData = Object.fromEntries(
    wanted.map(({ secretKey, remoteRef }) => [secretKey, vault[remoteRef.key]?.[remoteRef.property] ?? '']),
  );
  await objects.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: target.name }, stringData });
}
