import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  fromEntry,
  missingFrom,
  planApply,
  planPrune,
  pruneWaves,
  toEntry,
  unionOf,
  type ApplyRules,
  type Candidate,
  type InventoryEntry,
  type ObjectId,
  type PruneInput,
  type PrunePlan,
  type Stale,
} from '../../workflows/core/git-plan.ts';

const HELM = 'helm-operator.ketches.cn/v1alpha1';

const candidate = (overrides: Partial<Candidate> = {}): Candidate => ({
  where: 'a.yaml:1',
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: 'a',
  namespace: null,
  scope: 'namespaced',
  dependsOn: [],
  ...overrides,
});
const rules = (overrides: Partial<ApplyRules> = {}): ApplyRules => ({
  own: { namespace: 'apps', name: 'repo' },
  serviceAccount: null,
  crossNamespace: 'allowed',
  ...overrides,
});

describe('inventory entries', () => {
  const ids: readonly (readonly [ObjectId, string])[] = [
    [{ apiVersion: 'v1', kind: 'Secret', namespace: 'apps', name: 'a' }, 'apps_a__Secret'],
    [{ apiVersion: 'v1', kind: 'Namespace', namespace: null, name: 'a' }, '_a__Namespace'],
    [
      { apiVersion: HELM, kind: 'HelmRelease', namespace: 'a', name: 'b.c' },
      'a_b.c_helm-operator.ketches.cn_HelmRelease',
    ],
    [
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', namespace: null, name: 'system:x_y' },
      '_system:x_y_rbac.authorization.k8s.io_ClusterRole',
    ],
  ];
  for (const [id, text] of ids) {
    it(`${text} goes there and back`, () => {
      assert.equal(toEntry(id).id, text);
      assert.deepEqual(fromEntry(toEntry(id)), id);
    });
  }

  it('are joined and compared by id, whatever the version', () => {
    const one = [
      { id: 'b', v: 'v1' },
      { id: 'a', v: 'v1' },
    ];
    const other = [
      { id: 'a', v: 'v2' },
      { id: 'c', v: 'v1' },
    ];
    assert.deepEqual(
      unionOf(one, other).map(({ id }) => id),
      ['a', 'b', 'c'],
    );
    assert.deepEqual(missingFrom(one, other), [{ id: 'b', v: 'v1' }]);
  });
});

describe('what is applied, and when', () => {
  it('namespaces and CRDs first, what is used before its users, releases last', () => {
    const kinds = [
      [HELM, 'HelmRelease'],
      ['v1', 'ConfigMap'],
      ['holdfast.dev/v1alpha1', 'GitRepository'],
      ['apps/v1', 'Deployment'],
      ['v1', 'Secret'],
      ['batch/v1', 'Job'],
      ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
      [HELM, 'HelmRepository'],
      ['v1', 'Namespace'],
    ] as const;
    const { waves, problems } = planApply(
      kinds.map(([apiVersion, kind]) => candidate({ apiVersion, kind })),
      rules({ serviceAccount: 'deployer' }),
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(
      waves.map((wave) => wave.map(({ id }) => id.kind)),
      [
        ['Namespace'],
        ['CustomResourceDefinition'],
        ['Secret'],
        ['ConfigMap'],
        ['Deployment', 'Job'],
        ['HelmRepository'],
        ['GitRepository'],
        ['HelmRelease'],
      ],
    );
  });

  it('gives an object without a namespace that of the GitRepository, and one of the cluster none', () => {
    const { waves } = planApply(
      [
        candidate(),
        candidate({ namespace: 'other' }),
        candidate({ kind: 'Namespace', namespace: 'x', scope: 'cluster' }),
      ],
      rules(),
    );
    assert.deepEqual(
      waves.flat().map(({ entry }) => entry.id),
      ['_a__Namespace', 'apps_a__ConfigMap', 'other_a__ConfigMap'],
    );
  });

  const refused: readonly (readonly [name: string, Candidate, Partial<ApplyRules>, code: string, message: RegExp])[] = [
    ['no name', candidate({ name: null }), {}, 'ManifestInvalid', /ConfigMap has no metadata\.name/],
    [
      'a foreign kind without an account',
      candidate({ apiVersion: 'apps/v1', kind: 'Deployment' }),
      {},
      'Forbidden',
      /Deployment a is not applied .* spec\.serviceAccountName/,
    ],
    [
      'a CRD without an account',
      candidate({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', scope: 'cluster' }),
      {},
      'Forbidden',
      /spec\.serviceAccountName/,
    ],
    [
      'an unknown kind',
      candidate({ apiVersion: 'x.io/v1', kind: 'Foo', scope: 'unknown' }),
      { serviceAccount: 'deployer' },
      'ApplyFailed',
      /no kind Foo in x\.io\/v1/,
    ],
    [
      'another namespace when that is turned off',
      candidate({ namespace: 'other' }),
      { crossNamespace: 'denied' },
      'CrossNamespaceDenied',
      /lies in namespace other/,
    ],
  ];
  for (const [name, document, overrides, code, message] of refused) {
    it(`refuses ${name}`, () => {
      const plan = planApply([document], rules(overrides));
      assert.deepEqual(plan.waves, []);
      assert.equal(plan.problems[0]?.code, code);
      assert.match(plan.problems[0].message, message);
    });
  }

  it('takes the first of two documents for the same object and names it to the second', () => {
    const plan = planApply([candidate(), candidate({ where: 'b.yaml:3', namespace: 'apps' })], rules());
    assert.equal(plan.waves.flat().length, 1);
    assert.deepEqual(plan.problems, [
      {
        where: 'b.yaml:3',
        code: 'ManifestInvalid',
        message: 'ConfigMap apps/a is in a.yaml:1 already; keep one of them',
      },
    ]);
  });
});

describe('what is pruned', () => {
  const entry = (name: string, kind = 'ConfigMap', apiVersion = 'v1'): InventoryEntry =>
    toEntry({ apiVersion, kind, namespace: 'apps', name });
  const stale = (overrides: Partial<Stale> = {}): Stale => ({
    entry: entry('a'),
    state: 'present',
    ours: true,
    annotation: null,
    ...overrides,
  });
  const input = (overrides: Partial<PruneInput> = {}): PruneInput => ({
    prune: true,
    revision: 'main@abc',
    confirmed: null,
    problems: 0,
    total: 10,
    stale: [stale()],
    ...overrides,
  });
  const NOTHING: PrunePlan = { prune: [], letGo: [], keep: [], heldBack: null };
  const many = ['a', 'b', 'c'].map((name) => stale({ entry: entry(name) }));
  const manyEntries = many.map((one) => one.entry);
  const namespace = toEntry({ apiVersion: 'v1', kind: 'Namespace', namespace: null, name: 'a' });
  const crd = entry('a', 'CustomResourceDefinition', 'apiextensions.k8s.io/v1');
  const claim = entry('a', 'PersistentVolumeClaim');

  const rows: readonly (readonly [name: string, PruneInput, PrunePlan])[] = [
    ['nothing when nothing is gone from Git', input({ stale: [] }), NOTHING],
    ['an object that is gone from Git', input(), { ...NOTHING, prune: [entry('a')] }],
    [
      'nothing in a pass with a problem; the inventory remembers',
      input({ problems: 2 }),
      {
        ...NOTHING,
        keep: [entry('a')],
        heldBack: '1 objects are gone from Git but stay: 2 documents of this pass have problems',
      },
    ],
    [
      'nothing in a pass with a problem, and no word about it when there is nothing to prune',
      input({ problems: 2, stale: [stale({ state: 'gone' })] }),
      { ...NOTHING, keep: [entry('a')] },
    ],
    [
      'nothing with spec.prune false: it belongs to nobody then',
      input({ prune: false }),
      { ...NOTHING, letGo: [entry('a')] },
    ],
    ['nothing that is gone already', input({ stale: [stale({ state: 'gone' })] }), NOTHING],
    ['nothing that another GitRepository has taken', input({ stale: [stale({ ours: false })] }), NOTHING],
    [
      'what is on its way already, to wait for it',
      input({ stale: [stale({ state: 'going' })] }),
      { ...NOTHING, prune: [entry('a')] },
    ],
    [
      'nothing annotated disabled',
      input({ stale: [stale({ annotation: 'disabled' })] }),
      { ...NOTHING, letGo: [entry('a')] },
    ],
    [
      'no Namespace, CRD or PersistentVolumeClaim',
      input({ stale: [namespace, crd, claim].map((one) => stale({ entry: one })) }),
      { ...NOTHING, letGo: [namespace, crd, claim] },
    ],
    [
      'a Namespace, CRD or PersistentVolumeClaim annotated enabled',
      input({ stale: [namespace, crd, claim].map((one) => stale({ entry: one, annotation: 'enabled' })) }),
      { ...NOTHING, prune: [namespace, crd, claim] },
    ],
    [
      'nothing when it would be more than half of four',
      input({ total: 4, stale: many }),
      {
        ...NOTHING,
        keep: manyEntries,
        heldBack:
          'would delete 3 of 4 objects, more than half; if that is meant, set the annotation holdfast.dev/confirmPrune: main@abc',
      },
    ],
    ['half of six', input({ total: 6, stale: many }), { ...NOTHING, prune: manyEntries }],
    ['all of three', input({ total: 3, stale: many }), { ...NOTHING, prune: manyEntries }],
    [
      'more than half when it is confirmed for this revision',
      input({ total: 4, stale: many, confirmed: 'main@abc' }),
      { ...NOTHING, prune: manyEntries },
    ],
    [
      'not when it was confirmed for another revision',
      input({ total: 4, stale: many, confirmed: 'main@abb' }),
      {
        ...NOTHING,
        keep: manyEntries,
        heldBack:
          'would delete 3 of 4 objects, more than half; if that is meant, set the annotation holdfast.dev/confirmPrune: main@abc',
      },
    ],
    [
      'the rest of a deletion that has begun, without asking again',
      input({ total: 4, stale: many.map((one) => ({ ...one, state: 'going' as const })) }),
      { ...NOTHING, prune: manyEntries },
    ],
  ];
  for (const [name, given, expected] of rows) {
    it(name, () => {
      assert.deepEqual(planPrune(given), expected);
    });
  }

  it('deletes releases first and what they use last', () => {
    const waves = pruneWaves([
      namespace,
      entry('a', 'Secret'),
      entry('a', 'HelmRepository', HELM),
      entry('b', 'HelmRelease', HELM),
      entry('a', 'HelmRelease', HELM),
      entry('a', 'Deployment', 'apps/v1'),
    ]);
    assert.deepEqual(
      waves.map((wave) => wave.map(({ kind, name }) => `${kind} ${name}`)),
      [['HelmRelease b', 'HelmRelease a'], ['HelmRepository a'], ['Deployment a'], ['Secret a'], ['Namespace a']],
    );
  });
});
