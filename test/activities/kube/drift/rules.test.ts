import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HoldfastError } from '../../../../activities/failures.ts';
import { compileSpec } from '../../../../activities/kube/compile-spec.ts';
import { toPointer } from '../../../../activities/kube/drift/pointer.ts';
import { compileDrift, ignoredIn } from '../../../../activities/kube/drift/rules.ts';
import type { DriftTarget } from '../../../../activities/kube/schema.ts';

const WEB = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web-1',
    namespace: 'shop',
    labels: { app: 'web', tier: 'front' },
    annotations: { 'example.com/owner': 'ops' },
  },
};

describe('the target of what is ignored', () => {
  const rows: readonly (readonly [target: DriftTarget, fits: boolean])[] = [
    [{}, true],
    [{ kind: 'Deployment' }, true],
    [{ kind: 'Deploy' }, false],
    [{ kind: 'Deploy.*' }, true],
    [{ kind: 'Service|Deployment' }, true],
    [{ group: 'apps' }, true],
    [{ group: 'batch' }, false],
    [{ version: 'v1' }, true],
    [{ name: 'web-[0-9]' }, true],
    [{ name: 'web', namespace: 'shop' }, false],
    [{ namespace: 'shop' }, true],
    [{ kind: '', name: null }, true],
    [{ labelSelector: 'app=web' }, true],
    [{ labelSelector: 'app == web, tier != back' }, true],
    [{ labelSelector: 'app=web,tier=back' }, false],
    [{ labelSelector: 'app in (web, api),tier' }, true],
    [{ labelSelector: 'app notin (web, api)' }, false],
    [{ labelSelector: 'none notin (web)' }, true],
    [{ labelSelector: '!none' }, true],
    [{ labelSelector: '!app' }, false],
    [{ annotationSelector: 'example.com/owner=ops' }, true],
    [{ annotationSelector: 'example.com/owner=dev' }, false],
    [{ kind: 'Deployment', labelSelector: 'app=api' }, false],
  ];
  for (const [target, fits] of rows) {
    it(`${fits ? 'fits' : 'does not fit'}: ${JSON.stringify(target)}`, () => {
      const rules = compileDrift({ mode: 'enabled', ignore: [{ paths: ['/spec/replicas'], target }] });
      assert.deepEqual(ignoredIn(rules, [WEB])[0]?.map(toPointer), fits ? ['/spec/replicas'] : []);
    });
  }

  it('is asked of each object, and of each rule', () => {
    const service = { ...WEB, apiVersion: 'v1', kind: 'Service' };
    const ignore = [
      { paths: ['/a'], target: { kind: 'Service', group: '.+' } },
      { paths: ['/b'], target: { name: 'web-.*' } },
      { paths: ['/c', '/d'], target: { kind: 'Service' } },
      { paths: ['/e'] },
    ];
    const found = ignoredIn(compileDrift({ ignore }), [WEB, service]).map((paths) => paths.map(toPointer));
    assert.deepEqual(found, [
      ['/b', '/e'],
      ['/b', '/c', '/d', '/e'],
    ]);
  });

  it('is stopped when its pattern would never come to an end', () => {
    const rules = compileDrift({ ignore: [{ paths: ['/a'], target: { name: '(a+)+b' } }] });
    const long = { ...WEB, metadata: { name: 'a'.repeat(60) } };
    assert.throws(() => ignoredIn(rules, [long]), /takes too long; make it simpler/);
  });
});

describe('spec.driftDetection', () => {
  it('is off unless it is turned on', () => {
    assert.deepEqual(compileDrift(undefined), { mode: 'disabled', ignore: [] });
    assert.equal(compileDrift({ ignore: [] }).mode, 'disabled');
  });

  it('tells the workflow what is done, unless that is nothing', () => {
    const driftOf = (driftDetection: object) => {
      const chart = { name: 'web', version: '1.2.3', ociRepository: 'oci://registry.example.com/web' };
      const found = { repository: null, sources: [] };
      const compiled = compileSpec({ namespace: 'shop', name: 'web' }, { chart, driftDetection }, found);
      return compiled.kind === 'valid' ? compiled.desired.drift : compiled.failure;
    };
    assert.equal(driftOf({ mode: 'enabled' }), 'enabled');
    assert.equal(driftOf({ mode: 'warn' }), 'warn');
    assert.equal(driftOf({ mode: 'disabled' }), undefined);
    assert.equal(driftOf({ ignore: [{ paths: ['/spec/replicas'] }] }), undefined);
    assert.deepEqual(driftOf({ ignore: [{ paths: ['replicas'] }] }), {
      code: 'SpecInvalid',
      message: 'spec.driftDetection.ignore[0].paths: "replicas" is no JSON pointer such as /spec/replicas',
    });
  });

  const refused: readonly (readonly [rule: { paths: string[]; target?: DriftTarget }, message: string])[] = [
    [{ paths: ['spec'] }, 'spec.driftDetection.ignore[0].paths: "spec" is no JSON pointer such as /spec/replicas'],
    [{ paths: [], target: { kind: '(' } }, 'spec.driftDetection.ignore[0].target.kind: "(" is no regular expression'],
    [
      { paths: [], target: { labelSelector: 'app in web' } },
      'spec.driftDetection.ignore[0].target.labelSelector: "app in web" is no selector such as app=web,tier!=cache',
    ],
    [
      { paths: [], target: { annotationSelector: 'a=b,' } },
      'spec.driftDetection.ignore[0].target.annotationSelector: "a=b," is no selector such as app=web,tier!=cache',
    ],
  ];
  for (const [rule, message] of refused) {
    it(`is refused: ${message}`, () => {
      assert.throws(() => compileDrift({ ignore: [rule] }), new HoldfastError('SpecInvalid', message));
    });
  }
});
