import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dependantsFirst } from '../../stack/foreign-objects.ts';

/** `a>b`: a depends on b. */
function order(...objects: readonly string[]): string {
  const all = objects.map((text) => {
    const [name = '', before = ''] = text.split('>');
    const dependsOn = before === '' ? [] : before.split('+').map((one) => ({ namespace: 'apps', name: one }));
    return { namespace: 'apps', name, dependsOn };
  });
  return dependantsFirst(all)
    .map(({ name }) => name)
    .join(' ');
}

describe('the order in which releases go', () => {
  it('is theirs when none depends on another', () => {
    assert.equal(order('a', 'b', 'c'), 'a b c');
  });

  it('begins with what depends on others', () => {
    assert.equal(order('a', 'b>a', 'c>b'), 'c b a');
    assert.equal(order('db', 'cache', 'api>db+cache', 'web>api', 'jobs>db'), 'web api jobs db cache');
  });

  it('leaves nothing out for a cycle, or for what is not there', () => {
    assert.deepEqual(order('a>b', 'b>a', 'c>missing').split(' ').sort(), ['a', 'b', 'c']);
  });
});
