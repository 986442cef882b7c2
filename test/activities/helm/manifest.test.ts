import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasPostHook, parseManifest } from '../../../activities/helm/manifest.ts';

const MANIFEST = `---
# Source: app/templates/cm.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: plain
---
# only a comment
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: { name: kept, namespace: elsewhere, annotations: { helm.sh/resource-policy: " Keep " } }
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: "012", annotations: }
`;

describe('parseManifest', () => {
  it('finds every object, those in Lists too', () => {
    const objects = parseManifest(MANIFEST).map(({ kind, name, namespace, keep }) => ({ kind, name, namespace, keep }));
    assert.deepEqual(objects, [
      { kind: 'ConfigMap', name: 'plain', namespace: null, keep: false },
      { kind: 'PersistentVolumeClaim', name: 'kept', namespace: 'elsewhere', keep: true },
      { kind: 'Deployment', name: '012', namespace: null, keep: false },
    ]);
  });

  it('finds nothing in nothing', () => {
    assert.deepEqual(parseManifest(''), []);
  });
});

describe('hasPostHook', () => {
  const hook = (events: string): string =>
    `apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: h\n  annotations:\n    helm.sh/hook: ${events}\n`;
  const rows: readonly (readonly [string, 'install' | 'upgrade', boolean])[] = [
    ['post-install', 'install', true],
    ['post-install', 'upgrade', false],
    ['"pre-install, post-upgrade"', 'upgrade', true],
    ['pre-install', 'install', false],
    ['post-delete', 'install', false],
    ['test', 'upgrade', false],
  ];
  for (const [events, action, expected] of rows) {
    it(`${events} is ${expected ? 'one' : 'none'} for ${action}`, () => {
      assert.equal(hasPostHook(hook(events), action), expected);
    });
  }
});
