import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSent } from '../../../activities/helm/sent.ts';

const MANIFEST = `---
# Source: app/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: app
  annotations:
data: { mode: 0644, on: yes }
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Service, metadata: { name: one, labels: { app: a } } }
  - { apiVersion: v1, kind: Service, metadata: { name: two, namespace: other } }
---
a: [
`;

const annotations = { 'meta.helm.sh/release-name': 'app', 'meta.helm.sh/release-namespace': 'shop' };
const labels = { 'app.kubernetes.io/managed-by': 'Helm' };

describe('what Helm sends', () => {
  it('is the manifest as Kubernetes reads it, marked as that of the release', () => {
    const { objects, unread } = readSent(MANIFEST, { namespace: 'shop', name: 'app' });
    assert.deepEqual(
      objects.map(({ document }) => document),
      [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'app', labels, annotations },
          data: { mode: 420, true: true },
        },
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'one', labels: { app: 'a', ...labels }, annotations },
        },
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'two', namespace: 'other', labels, annotations } },
      ],
    );
    assert.equal(unread.length, 1);
    assert.match(unread[0] ?? '', /^line \d+: /);
  });
});
