import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CompiledSpec, compileSpec } from '../../../activities/kube/compile-spec.ts';
import type { Desired } from '../../../workflows/core/model.ts';

const CHART = { name: 'web', version: '1.2.3', ociRepository: 'oci://registry.example.com/charts/web' };

function valid(spec: object): Extract<CompiledSpec, { kind: 'valid' }> {
  const found = { repository: null, sources: [] };
  const compiled = compileSpec({ namespace: 'apps', name: 'web' }, { chart: CHART, ...spec }, found);
  assert.ok(compiled.kind === 'valid', JSON.stringify(compiled));
  return compiled;
}

describe('spec.test', () => {
  const tests: readonly (readonly [string, Readonly<Record<string, unknown>>, Desired['test']])[] = [
    ['nothing', {}, undefined],
    ['not enabled', { test: { enable: false, timeout: '1m' } }, undefined],
    ['enabled', { test: { enable: true } }, { timeoutMs: 300_000, ignoreFailures: { install: false, upgrade: false } }],
    [
      'the general timeout, and failures ignored',
      { timeout: '2m', test: { enable: true, ignoreFailures: true } },
      { timeoutMs: 120_000, ignoreFailures: { install: true, upgrade: true } },
    ],
    [
      'a timeout of its own, and each remediation over the general word',
      {
        timeout: '2m',
        test: { enable: true, timeout: '90s', ignoreFailures: true },
        install: { remediation: { ignoreTestFailures: false } },
      },
      { timeoutMs: 90_000, ignoreFailures: { install: false, upgrade: true } },
    ],
  ];
  for (const [name, spec, wanted] of tests) {
    it(`says whether charts are tested, and what follows: ${name}`, () => {
      assert.deepEqual(valid(spec).desired.test, wanted);
    });
  }

  it('asks for no upgrade because tests are asked for', () => {
    assert.equal(valid({ test: { enable: true } }).desired.digest, valid({}).desired.digest);
  });

  it('names the tests that are run, and those that are left out', () => {
    const filters = [{ name: 'app-db' }, { name: 'app-slow', exclude: true }];
    assert.deepEqual(valid({ test: { enable: true, filters } }).spec.test.filters, [
      { name: 'app-db', exclude: false },
      { name: 'app-slow', exclude: true },
    ]);
  });
});
