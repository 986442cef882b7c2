import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entityId, hashText, jitterOf } from '../../workflows/core/ids.ts';

describe('hashText', () => {
  it('tells apart texts that differ in one character, wherever it stands', () => {
    const text = JSON.stringify({ generation: 2, filler: 'x'.repeat(2000) });
    const seen = new Set([hashText(text)]);
    for (let i = 0; i < text.length; i += 1) seen.add(hashText(`${text.slice(0, i)}#${text.slice(i + 1)}`));
    assert.equal(seen.size, text.length + 1);
  });

  it('is sixteen hex digits', () => {
    for (const text of ['', 'a', 'ü'.repeat(5000)]) assert.match(hashText(text), /^[0-9a-f]{16}$/);
  });
});

describe('entityId', () => {
  it('names cluster, kind, namespace and name', () => {
    assert.equal(entityId('local', 'HelmRelease', { namespace: 'shop', name: 'web' }), 'local/helmrelease/shop/web');
    assert.equal(entityId('local', 'GitRepository', { namespace: 'shop', name: 'web' }), 'local/git/shop/web');
  });

  it('leaves room for the attempts in the 255 characters that Temporal keeps', () => {
    const cluster = 'c'.repeat(32);
    const namespace = 'n'.repeat(63);
    const names = ['x'.repeat(253), `${'x'.repeat(252)}y`].map((name) =>
      entityId(cluster, 'HelmRepository', { namespace, name }),
    );
    assert.equal(new Set(names).size, 2);
    for (const id of names) assert.ok(`${id}/uninstall/${Number.MAX_SAFE_INTEGER}`.length <= 255, id);
  });
});

it('jitter is a fraction that belongs to the id and spreads', () => {
  const all = Array.from({ length: 1000 }, (_, n) => jitterOf(`local/helmrelease/default/app-${n}`));
  assert.ok(all.every((one) => one >= 0 && one < 1));
  assert.deepEqual(all.slice(0, 1), [jitterOf('local/helmrelease/default/app-0')]);
  const low = all.filter((one) => one < 0.5).length;
  assert.ok(low > 400 && low < 600, `${low} of 1000 below the middle`);
});
