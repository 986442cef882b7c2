import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  installArgs,
  templateArgs,
  testArgs,
  uninstallArgs,
  upgradeArgs,
  type InstallCommand,
  type UninstallCommand,
  type UpgradeCommand,
} from '../../../activities/helm/command.ts';

const writing = {
  release: { namespace: 'apps', name: 'webapp' },
  access: { file: '/private/kubeconfig', context: null },
  chart: '/private/chart.tgz',
  values: '/private/values.yaml',
  labels: { 'holdfast.dev/owner': 'abc', 'holdfast.dev/attempt': 'def' },
  postRenderer: null,
  timeoutMs: 900_000,
  waitForJobs: true,
  disableHooks: false,
  helmWaits: false as const,
};
const install = (more: Partial<InstallCommand> = {}): readonly string[] =>
  installArgs({
    ...writing,
    createNamespace: false,
    skipCRDs: false,
    replace: false,
    serverSideApply: 'enabled',
    ...more,
  });
const upgrade = (more: Partial<UpgradeCommand> = {}): readonly string[] =>
  upgradeArgs({
    ...writing,
    force: false,
    reuseValues: false,
    maxHistory: 10,
    cleanupOnFail: false,
    serverSideApply: 'enabled',
    ...more,
  });
const uninstall = (more: Partial<UninstallCommand> = {}): readonly string[] =>
  uninstallArgs({ release: writing.release, access: writing.access, timeoutMs: 300_000, disableHooks: false, ...more });

const COMMON = ['--namespace=apps', '--kubeconfig=/private/kubeconfig'];
const WRITING = [
  '--values=/private/values.yaml',
  '--labels=holdfast.dev/owner=abc,holdfast.dev/attempt=def',
  '--disable-openapi-validation',
  '--hide-notes',
  '--timeout=900000ms',
  '--wait=hookOnly',
];
const APPLY = ['--server-side=true', '--force-conflicts'];
const NAMES = ['--', 'webapp', '/private/chart.tgz'];

describe('the arguments of helm', () => {
  it('with a plugin that changes what was rendered', () => {
    for (const args of [install({ postRenderer: 'changes' }), upgrade({ postRenderer: 'changes' })]) {
      assert.ok(args.includes('--post-renderer=changes'));
    }
  });

  it('install', () => {
    assert.deepEqual(install(), ['install', ...COMMON, ...WRITING, ...APPLY, ...NAMES]);
  });

  it('upgrade', () => {
    const own = ['--reset-values', '--history-max=10'];
    assert.deepEqual(upgrade(), ['upgrade', ...COMMON, ...WRITING, ...APPLY, ...own, ...NAMES]);
  });

  it('uninstall', () => {
    const own = ['--keep-history', '--wait=hookOnly', '--cascade=background', '--timeout=300000ms'];
    assert.deepEqual(uninstall(), ['uninstall', ...COMMON, ...own, '--', 'webapp']);
  });

  it('template', () => {
    const command = {
      ...writing,
      createNamespace: false,
      skipCRDs: false,
      replace: false,
      serverSideApply: 'enabled',
    } as const;
    const own = ['--values=/private/values.yaml', '--skip-tests', '--dry-run=server'];
    assert.deepEqual(templateArgs(command, 'install'), ['template', ...COMMON, ...own, ...NAMES]);
    assert.ok(templateArgs(command, 'upgrade').includes('--is-upgrade'));
  });

  /** What each switch adds when it is on; off, the flag is not there. */
  const switches: readonly {
    readonly name: string;
    readonly on: readonly string[];
    readonly off: readonly string[];
    readonly flags: readonly string[];
  }[] = [
    { name: 'createNamespace', on: install({ createNamespace: true }), off: install(), flags: ['--create-namespace'] },
    { name: 'skipCRDs', on: install({ skipCRDs: true }), off: install(), flags: ['--skip-crds'] },
    { name: 'replace', on: install({ replace: true }), off: install(), flags: ['--replace'] },
    { name: 'disableHooks of install', on: install({ disableHooks: true }), off: install(), flags: ['--no-hooks'] },
    { name: 'disableHooks of upgrade', on: upgrade({ disableHooks: true }), off: upgrade(), flags: ['--no-hooks'] },
    {
      name: 'disableHooks of uninstall',
      on: uninstall({ disableHooks: true }),
      off: uninstall(),
      flags: ['--no-hooks'],
    },
    { name: 'cleanupOnFail', on: upgrade({ cleanupOnFail: true }), off: upgrade(), flags: ['--cleanup-on-fail'] },
    { name: 'force', on: upgrade({ force: true }), off: upgrade(), flags: ['--server-side=false', '--force-replace'] },
    {
      name: 'no force',
      on: upgrade(),
      off: upgrade({ force: true }),
      flags: ['--server-side=true', '--force-conflicts'],
    },
    { name: 'reuseValues', on: upgrade({ reuseValues: true }), off: upgrade(), flags: ['--reuse-values'] },
    { name: 'no reuseValues', on: upgrade(), off: upgrade({ reuseValues: true }), flags: ['--reset-values'] },
    { name: 'maxHistory', on: upgrade({ maxHistory: 3 }), off: upgrade(), flags: ['--history-max=3'] },
    { name: 'no limit of history', on: upgrade({ maxHistory: 0 }), off: upgrade(), flags: ['--history-max=0'] },
    {
      name: "helm's own wait",
      on: install({ helmWaits: 'watcher' }),
      off: install(),
      flags: ['--wait=watcher', '--wait-for-jobs'],
    },
    { name: 'the wait of Helm 3', on: install({ helmWaits: 'legacy' }), off: install(), flags: ['--wait=legacy'] },
    {
      name: 'no server-side apply in an install',
      on: install({ serverSideApply: 'disabled' }),
      off: install(),
      flags: ['--server-side=false'],
    },
    {
      name: 'server-side apply as before',
      on: upgrade({ serverSideApply: 'auto' }),
      off: upgrade(),
      flags: ['--server-side=auto'],
    },
    {
      name: 'waitForJobs',
      on: upgrade({ helmWaits: 'watcher' }),
      off: upgrade({ helmWaits: 'watcher', waitForJobs: false }),
      flags: ['--wait-for-jobs'],
    },
    {
      name: 'a service account',
      on: install({ access: { file: null, context: null, as: { namespace: 'apps', name: 'deployer' } } }),
      off: install(),
      flags: ['--kube-as-user=system:serviceaccount:apps:deployer'],
    },
    {
      name: 'a context',
      on: install({ access: { file: '/k', context: 'c' } }),
      off: install(),
      flags: ['--kube-context=c'],
    },
  ];
  for (const { name, on, off, flags } of switches) {
    it(`${name}: ${flags.join(' ')}`, () => {
      for (const flag of flags) assert.ok(on.includes(flag) && !off.includes(flag), flag);
      assert.ok(!on.includes('--wait=true') && !on.some((arg) => arg === '--wait'));
    });
  }

  it('forces conflicts only where helm takes that: with server-side apply for certain', () => {
    for (const serverSideApply of ['disabled', 'auto'] as const) {
      assert.ok(!upgrade({ serverSideApply }).includes('--force-conflicts'));
    }
  });

  it('test, of those only that the filters leave', () => {
    const { release, access } = writing;
    const filters = [
      { name: 'app-db', exclude: false },
      { name: 'app-slow', exclude: true },
    ];
    assert.deepEqual(testArgs({ release, access, timeoutMs: 300_000, filters }), [
      'test',
      ...COMMON,
      '--timeout=300000ms',
      '--filter=name=app-db',
      '--filter=!name=app-slow',
      '--',
      'webapp',
    ]);
  });

  it('names no kubeconfig inside a pod', () => {
    assert.ok(!install({ access: { file: null, context: null } }).some((arg) => arg.startsWith('--kube')));
  });
});
