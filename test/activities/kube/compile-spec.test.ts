import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure } from '../../../activities/failures.ts';
import { type CompiledSpec, compileSpec, type FoundRepository } from '../../../activities/kube/compile-spec.ts';
import type { FailurePolicy } from '../../../workflows/core/model.ts';

const NOTHING: FailurePolicy = { retries: null, remedy: null, remediateLast: false };
const ONCE: FailurePolicy = { retries: 0, remedy: 'rollback', remediateLast: true };
const KEPT: FailurePolicy = { retries: 2, remedy: 'uninstall', remediateLast: false };
const REF = { namespace: 'apps', name: 'web' };
const CHART = { name: 'web', version: '1.2.3', ociRepository: 'oci://registry.example.com/charts/web' };

function compile(spec: object, repository: FoundRepository | null = null): CompiledSpec {
  return compileSpec(REF, { chart: CHART, ...spec }, { repository, sources: [] });
}

function valid(spec: object, repository: FoundRepository | null = null): Extract<CompiledSpec, { kind: 'valid' }> {
  const compiled = compile(spec, repository);
  assert.ok(compiled.kind === 'valid', JSON.stringify(compiled));
  return compiled;
}

describe('compileSpec', () => {
  it('fills in every documented default', () => {
    const { desired, spec } = valid({});
    assert.match(desired.digest, /^[0-9a-f]{40}$/);
    assert.deepEqual(desired, {
      digest: desired.digest,
      chart: { name: 'web', version: '1.2.3', url: 'oci://registry.example.com/charts/web' },
      release: REF,
      install: { timeoutMs: 600_000, wait: true, waitForJobs: true, cleanupOnFail: false },
      upgrade: { timeoutMs: 600_000, wait: true, waitForJobs: true, cleanupOnFail: true },
      uninstall: { timeoutMs: 300_000, keepHistory: false },
      remediation: spec.remediation,
    });
    assert.deepEqual(spec, {
      digest: desired.digest,
      chart: { ...desired.chart, repository: null },
      release: { ...REF, createNamespace: false },
      values: '',
      hidden: { yaml: [''], plain: [] },
      waitStrategy: 'poller',
      install: {
        timeoutMs: 600_000,
        wait: true,
        waitForJobs: true,
        skipCRDs: false,
        disableHooks: false,
        serverSideApply: 'enabled',
      },
      upgrade: {
        timeoutMs: 600_000,
        wait: true,
        waitForJobs: true,
        force: false,
        reuseValues: false,
        recreate: false,
        maxHistory: 10,
        cleanupOnFail: true,
        disableHooks: false,
        serverSideApply: 'enabled',
      },
      uninstall: { timeoutMs: 300_000, disableHooks: false, keepHistory: false },
      rollback: {
        timeoutMs: 300_000,
        wait: true,
        waitForJobs: true,
        toRevision: 0,
        force: false,
        cleanupOnFail: true,
        disableHooks: false,
      },
      remediation: {
        install: NOTHING,
        upgrade: NOTHING,
        rollback: { timeoutMs: 300_000, wait: true, waitForJobs: true, cleanupOnFail: true },
      },
      drift: { mode: 'disabled', ignore: [] },
      commonMetadata: null,
      test: { enable: false, timeoutMs: 300_000, ignoreFailures: { install: false, upgrade: false }, filters: [] },
    });
  });

  const policies: readonly (readonly [string, object, FailurePolicy])[] = [
    ['nothing: try again for ever', {}, NOTHING],
    ['rollback: false', { rollback: { enabled: false, toRevision: 3 } }, NOTHING],
    ['rollback: once', { rollback: { enabled: true } }, ONCE],
    ['remediation without retries: no remedy', { upgrade: { remediation: {} } }, { ...ONCE, remediateLast: false }],
    ['retries remedy the last failure', { upgrade: { remediation: { retries: 2 } } }, { ...ONCE, retries: 2 }],
    [
      'unless that is refused',
      { upgrade: { remediation: { retries: 2, remediateLastFailure: false } } },
      { ...ONCE, retries: 2, remediateLast: false },
    ],
    [
      'for ever, by uninstalling',
      { upgrade: { remediation: { retries: -1, strategy: 'uninstall' } } },
      { retries: null, remedy: 'uninstall', remediateLast: true },
    ],
    [
      'rollback and remediation: the latter counts, and the last failure is remedied',
      { rollback: { enabled: true }, upgrade: { remediation: { retries: 0, strategy: 'uninstall' } } },
      { ...ONCE, remedy: 'uninstall' },
    ],
  ];
  const retry = { name: 'RetryOnFailure', retryInterval: '30s' };
  const inInstall: typeof policies = [
    ['nothing: try again for ever', { rollback: { enabled: true } }, NOTHING],
    ['retries keep the last failure', { install: { remediation: { retries: 2 } } }, KEPT],
    [
      'the last one, too',
      { install: { remediation: { remediateLastFailure: true } } },
      { ...ONCE, remedy: 'uninstall' },
    ],
    ['at an interval, for ever', { install: { strategy: retry } }, { ...NOTHING, retryIntervalMs: 30_000 }],
    [
      'at the usual interval, as often as asked for',
      { install: { strategy: { name: 'RetryOnFailure' }, remediation: { retries: 2, remediateLastFailure: true } } },
      { ...NOTHING, retries: 2, retryIntervalMs: 300_000 },
    ],
  ];
  for (const [name, spec, policy] of inInstall) {
    it(`says what follows a failed install: ${name}`, () => {
      assert.deepEqual(valid(spec).desired.remediation?.install, policy);
    });
  }

  for (const [name, spec, policy] of policies) {
    it(`says what follows a failed upgrade: ${name}`, () => {
      assert.deepEqual(valid(spec).desired.remediation?.upgrade, policy);
    });
  }

  it('keeps an explicit false and an explicit 0', () => {
    const { spec } = valid({
      install: { wait: false, waitForJobs: false },
      upgrade: { wait: false, waitForJobs: false, cleanupOnFail: false, maxHistory: 0 },
    });
    assert.deepEqual([spec.install.wait, spec.install.waitForJobs], [false, false]);
    const { wait, waitForJobs, cleanupOnFail, maxHistory } = spec.upgrade;
    assert.deepEqual([wait, waitForJobs, cleanupOnFail, maxHistory], [false, false, false, 0]);
  });

  it('takes over everything that is set', () => {
    const { spec } = valid({
      release: { name: 'other', namespace: 'there', createNamespace: true },
      values: 'a: 1 # comment\n',
      install: { timeout: '1h30m', skipCRDs: true, disableHooks: true },
      upgrade: { timeout: '1.5m', force: true, recreate: true, reuseValues: true, maxHistory: 3, disableHooks: true },
      uninstall: { timeout: '250ms', disableHooks: true, keepHistory: true },
    });
    assert.deepEqual(spec.release, { namespace: 'there', name: 'other', createNamespace: true });
    assert.equal(spec.values, 'a: 1 # comment\n');
    assert.deepEqual(spec.install, {
      timeoutMs: 5_400_000,
      wait: true,
      waitForJobs: true,
      skipCRDs: true,
      disableHooks: true,
      serverSideApply: 'enabled',
    });
    assert.deepEqual(
      [
        spec.upgrade.timeoutMs,
        spec.upgrade.force,
        spec.upgrade.recreate,
        spec.upgrade.reuseValues,
        spec.upgrade.maxHistory,
      ],
      [90_000, true, true, true, 3],
    );
    assert.deepEqual(spec.uninstall, { timeoutMs: 1_000, disableHooks: true, keepHistory: true });
  });

  it('takes timeout and maxHistory for actions that name none', () => {
    const general = { timeout: '3m', maxHistory: 4 };
    const { spec } = valid({ ...general, upgrade: { timeout: '7m' } });
    const timeouts = [spec.install.timeoutMs, spec.upgrade.timeoutMs, spec.uninstall.timeoutMs];
    assert.deepEqual([...timeouts, spec.upgrade.maxHistory], [180_000, 420_000, 180_000, 4]);
    assert.equal(valid({ ...general, upgrade: { maxHistory: 0 } }).spec.upgrade.maxHistory, 0);
    assert.equal(valid({ ...general, uninstall: { timeout: '9m' } }).spec.uninstall.timeoutMs, 540_000);
  });

  it('knows how to apply and how to wait', () => {
    const { spec } = valid({
      waitStrategy: { name: 'legacy' },
      install: { serverSideApply: false },
      upgrade: { serverSideApply: 'auto' },
    });
    const { waitStrategy, install, upgrade } = spec;
    assert.deepEqual([waitStrategy, install.serverSideApply, upgrade.serverSideApply], ['legacy', 'disabled', 'auto']);
    assert.equal(spec.digest, valid({}).spec.digest, 'they change nothing of what runs');
  });

  const charts: { name: string; chart: object; repository?: FoundRepository; url: string }[] = [
    { name: 'ociRepository', chart: CHART, url: 'oci://registry.example.com/charts/web' },
    {
      name: 'ociRepository with a slash at its end',
      chart: { ...CHART, ociRepository: 'oci://r.example.com/web/' },
      url: 'oci://r.example.com/web',
    },
    {
      name: 'repository and name',
      chart: { name: 'web', version: 'v1.0.0', repository: { name: 'charts' } },
      repository: { kind: 'found', url: 'oci://r.example.com/charts/' },
      url: 'oci://r.example.com/charts/web',
    },
    {
      name: 'repositoryURL and name',
      chart: { name: 'web', version: '1.0.0-rc.1+build.5', repositoryURL: 'oci://r.example.com' },
      url: 'oci://r.example.com/web',
    },
    {
      name: 'repositoryURL over HTTP, below which its index tells where it is',
      chart: { name: 'web', version: '1.0.0', repositoryURL: 'https://C.example.com/charts/' },
      url: 'https://c.example.com/charts',
    },
    {
      name: 'HelmRepository over HTTP, whose query stays there',
      chart: { name: 'web', version: '1.0.0', repository: { name: 'charts' } },
      repository: { kind: 'found', url: 'https://c.example.com/charts?token=canary' },
      url: 'https://c.example.com/charts',
    },
  ];
  for (const { name, chart, repository, url } of charts) {
    it(`finds the chart by ${name}`, () => {
      assert.equal(valid({ chart }, repository ?? null).desired.chart.url, url);
    });
  }

  const refused: { name: string; spec: object; repository?: FoundRepository; code: string; message: RegExp }[] = [
    {
      name: 'a version that is none',
      spec: { chart: { ...CHART, version: 'latest' } },
      code: 'SpecInvalid',
      message: /^spec\.chart\.version: "latest" is no version and no range; write \*/,
    },
    {
      name: 'a repositoryURL with a query',
      spec: { chart: { name: 'a', version: '1.0.0', repositoryURL: 'https://c.example.com?token=x' } },
      code: 'SpecInvalid',
      message: /^spec\.chart\.repositoryURL has a query or fragment; name a HelmRepository/,
    },
    {
      name: 'a HelmRepository that is not there',
      spec: { chart: { name: 'a', version: '1.0.0', repository: { name: 'b' } } },
      repository: { kind: 'failed', error: failure('RepositoryNotFound', 'there is no HelmRepository apps/b') },
      code: 'RepositoryNotFound',
      message: /^there is no HelmRepository apps\/b$/,
    },
    {
      name: 'a chart from nowhere',
      spec: { chart: { name: 'a', version: '1.0.0' } },
      code: 'SpecInvalid',
      message: /names no source/,
    },
    {
      name: 'credentials in a URL',
      spec: { chart: { ...CHART, ociRepository: 'oci://me:canary@r.example.com/web' } },
      code: 'SpecInvalid',
      message: /^spec\.chart\.ociRepository is not an oci:\/\/ URL with a host and without credentials$/,
    },
    {
      name: 'a timeout that is none',
      spec: { install: { timeout: 'soon' } },
      code: 'SpecInvalid',
      message: /^spec\.install\.timeout is not a duration/,
    },
    {
      name: 'a field of another type',
      spec: { upgrade: { force: 'canary' } },
      code: 'SpecInvalid',
      message: /^spec\.upgrade\.force has the wrong form$/,
    },
    {
      name: 'values that are no mapping',
      spec: { values: '- canary\n' },
      code: 'ValuesInvalid',
      message: /^spec\.values cannot be used: they are a list, not a mapping$/,
    },
  ];
  for (const { name, spec, repository, code, message } of refused) {
    it(`refuses ${name}, and keeps the target for deletion`, () => {
      const compiled = compile(
        { release: { name: 'other', namespace: 'there' }, uninstall: { timeout: '1m', keepHistory: true }, ...spec },
        repository ?? null,
      );
      assert.ok(compiled.kind === 'invalid');
      assert.equal(compiled.failure.code, code);
      assert.match(compiled.failure.message, message);
      assert.ok(!compiled.failure.message.includes('canary'));
      assert.deepEqual(compiled.release, { namespace: 'there', name: 'other' });
    });
  }

  it('gives an equal digest for what renders equally', () => {
    const digest = (spec: object) => valid(spec).desired.digest;
    const first = digest({ values: 'b: 1\na: {x: yes, y: [1, 2]}\n' });
    assert.equal(digest({ values: '# comment\na:\n  y: [1.0, 2]\n  x: true\nb: 1\n' }), first);
    assert.equal(digest({ values: '' }), digest({ values: '{}' }));
    assert.equal(digest({ values: '# nothing\n' }), digest({}));
    assert.equal(digest({ install: { timeout: '1m' }, upgrade: { maxHistory: 3 } }), digest({}));
    assert.equal(digest({ upgrade: { resetValues: true } }), digest({}));
    assert.equal(digest({ driftDetection: { mode: 'enabled' } }), digest({}));
    assert.notEqual(digest({ upgrade: { reuseValues: true } }), digest({}));
    assert.notEqual(digest({ values: 'a: 1' }), digest({ values: 'a: "1"' }));
    assert.notEqual(digest({ values: 'a: 9007199254740993' }), digest({ values: 'a: 9007199254740992' }));
    assert.notEqual(digest({ chart: { ...CHART, version: '1.2.4' } }), digest({}));
    assert.notEqual(digest({ chart: { ...CHART, ociRepository: 'oci://other.example.com/web' } }), digest({}));
  });
});
