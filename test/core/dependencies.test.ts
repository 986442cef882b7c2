import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { uninstalledBefore } from '../../workflows/core/dependencies.ts';
import { planApply, type Candidate } from '../../workflows/core/git-plan.ts';

/** `a>b` for a release `a` that depends on `b`, all of them being deleted. */
function leaving(...edges: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const on = new Map<string, string[]>();
  for (const edge of edges) {
    const [from = '', to] = edge.split('>');
    on.set(from, [...(on.get(from) ?? []), ...(to === undefined ? [] : [to])]);
  }
  return on;
}

describe('whom a deleted release waits for', () => {
  const rows: readonly [string, readonly string[], Readonly<Record<string, readonly string[]>>][] = [
    ['nobody, alone', ['a'], { a: [] }],
    ['its dependants, one level at a time', ['c>b', 'b>a', 'a'], { c: [], b: ['c'], a: ['b'] }],
    ['all of many', ['b>a', 'c>a', 'a'], { a: ['b', 'c'] }],
    ['none in a circle', ['a>b', 'b>c', 'c>a'], { a: [], b: [], c: [] }],
    ['not for itself', ['a>a'], { a: [] }],
    ['in a circle for those outside that depend on it', ['a>b', 'b>a', 'd>a'], { a: ['d'], b: [], d: [] }],
    ['outside a circle for those of it that depend on it', ['a>b', 'b>a', 'b>d', 'd'], { d: ['b'], a: [], b: [] }],
    ['not for those whose dependency is not being deleted', ['a>x'], { a: [] }],
  ];
  for (const [name, edges, expected] of rows) {
    it(name, () => {
      const map = leaving(...edges);
      for (const [self, first] of Object.entries(expected)) assert.deepEqual(uninstalledBefore(self, map), first, self);
    });
  }
});

describe('the order in which the releases of a commit are applied', () => {
  const release = (name: string, ...on: readonly string[]): Candidate => ({
    where: `${name}.yaml:1`,
    apiVersion: 'helm-operator.ketches.cn/v1alpha1',
    kind: 'HelmRelease',
    name,
    namespace: null,
    scope: 'namespaced',
    dependsOn: on.map((one) => ({ namespace: 'apps', name: one })),
  });

  it('is that of their dependencies, whatever the order of the documents; a circle comes last, at once', () => {
    const { waves } = planApply(
      [
        release('web', 'api', 'cache'),
        release('x', 'y'),
        release('api', 'db'),
        release('y', 'x'),
        release('cache', 'elsewhere'),
        release('db'),
      ],
      { own: { namespace: 'apps', name: 'repo' }, serviceAccount: null, crossNamespace: 'allowed' },
    );
    assert.deepEqual(
      waves.map((wave) => wave.map(({ id }) => id.name)),
      [['cache', 'db'], ['api'], ['web'], ['x', 'y']],
    );
  });
});
