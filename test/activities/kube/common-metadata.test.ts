import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileSpec } from '../../../activities/kube/compile-spec.ts';

const chart = { name: 'web', version: '1.2.3', ociRepository: 'oci://registry.example.com/charts/web' };

function compile(commonMetadata?: object) {
  const compiled = compileSpec(
    { namespace: 'apps', name: 'web' },
    { chart, commonMetadata },
    { repository: null, sources: [] },
  );
  assert.ok(compiled.kind === 'valid', JSON.stringify(compiled));
  return compiled.spec;
}

describe('spec.commonMetadata', () => {
  it('is part of the desired state, whatever its order', () => {
    const { digest } = compile({ labels: { a: '1', b: '2' } });
    assert.equal(compile({ labels: { b: '2', a: '1' }, annotations: {} }).digest, digest);
    assert.notEqual(compile({ annotations: { a: '1', b: '2' } }).digest, digest);
    assert.notEqual(compile().digest, digest);
  });

  it('is nothing when it holds nothing', () => {
    for (const none of [undefined, {}, { labels: {} }, { labels: null, annotations: {} }]) {
      assert.equal(compile(none).commonMetadata, null);
      assert.equal(compile(none).digest, compile().digest);
    }
  });
});
