import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { KubeError, type Manifest } from '../../activities/ports.ts';
import { type TestCluster, useCluster } from '../activities/kube/cluster.ts';
import { kubectl } from '../support/harness.ts';
import { BAD, chart, GOOD } from './manifests.ts';

const CRDS = new URL('../../crds/', import.meta.url);
const GUIDE = readFileSync(new URL('guide.yaml', import.meta.url), 'utf8');

const EXTERNAL_SECRETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'externalsecrets.external-secrets.io' },
  spec: {
    group: 'external-secrets.io',
    scope: 'Namespaced',
    names: { kind: 'ExternalSecret', plural: 'externalsecrets', singular: 'externalsecret' },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

describe('the CRDs', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await useCluster();
  });
  after(() => cluster.release());

  const placed = (manifest: Manifest): Manifest => ({
    ...manifest,
    metadata: { ...manifest.metadata, namespace: cluster.namespace },
  });

  for (const { name, manifest } of GOOD) {
    it(`take ${name}, and keep it as it is`, async () => {
      const applied = await cluster.apply(placed(manifest));
      assert.deepEqual(applied['spec'], manifest['spec']);
    });
  }

  for (const { name, manifest, message } of BAD) {
    it(`refuse ${name}`, async () => {
      await assert.rejects(cluster.apply(placed(manifest)), (error: unknown) => {
        assert.ok(error instanceof KubeError);
        if (typeof message === 'string') assert.ok(error.message.includes(message), error.message);
        else assert.match(error.message, message);
        return true;
      });
    });
  }

  it('take every manifest of the guide unchanged', async () => {
    await cluster.apply(EXTERNAL_SECRETS);
    await kubectl(cluster.stack, ['wait', '--for=condition=Established', 'crd/externalsecrets.external-secrets.io']);
    for (const name of ['production', 'apps']) {
      await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    // Another test may use the same namespaces, so nothing is left in them.
    const applied = await kubectl(cluster.stack, ['apply', '--dry-run=server', '-f', '-'], GUIDE);
    assert.equal(applied.trim().split('\n').length, parseAllDocuments(GUIDE).length);
  });

  it('show Chart, Version, Ready, Status and Age', async () => {
    await cluster.apply(placed({ ...chart({ repository: { name: 'charts' } }), metadata: { name: 'shown' } }));
    await kubectl(cluster.stack, [
      'patch',
      'hr',
      'shown',
      '-n',
      cluster.namespace,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({
        status: {
          conditions: [
            {
              type: 'Ready',
              status: 'False',
              reason: 'NotReady',
              message: 'waiting for Deployment app',
              lastTransitionTime: '2026-01-01T00:00:00Z',
              observedGeneration: 1,
            },
          ],
        },
      }),
    ]);
    const [header = '', row = ''] = (
      await kubectl(cluster.stack, ['get', 'hr', 'shown', '-n', cluster.namespace])
    ).split('\n');
    assert.match(header, /^NAME +CHART +VERSION +READY +STATUS +AGE/);
    assert.match(row, /^shown +app +1\.0\.0 +False +waiting for Deployment app +\d+s/);
  });

  it('describe every field, and set no default', () => {
    for (const file of readdirSync(CRDS)) {
      const crd = parse(readFileSync(new URL(file, CRDS), 'utf8')) as {
        spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
      };
      for (const { schema } of crd.spec.versions) {
        for (const [path, field] of fields(schema.openAPIV3Schema, file)) {
          assert.ok(field.description !== undefined || path.endsWith('.metadata'), `${path} has a description`);
          assert.ok(!Object.hasOwn(field, 'default'), `${path} has no default`);
        }
      }
    }
  });
});

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

function* fields(schema: Schema, path: string): Generator<[string, Schema]> {
  yield [path, schema];
  if (schema.items !== undefined) yield* fields(schema.items, `${path}[]`);
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* fields(field, `${path}.${name}`);
}
