import type { Manifest } from '../../activities/ports.ts';
import { BAD_REPOSITORIES, GOOD_REPOSITORIES } from './repositories.ts';

const KETCHES = 'helm-operator.ketches.cn/v1alpha1';
type Spec = Record<string, unknown>;
const OCI = { name: 'app', version: '1.0.0', ociRepository: 'oci://registry.example.com/charts/app' };
const release = (spec: Spec): Manifest => ({ apiVersion: KETCHES, kind: 'HelmRelease', metadata: { name: 'x' }, spec });
/** A release of a chart that is described in part. */
export const chart = (spec: Spec): Manifest => release({ chart: { name: 'app', version: '1.0.0', ...spec } });
const git = (spec: Spec): Manifest => ({
  apiVersion: 'holdfast.dev/v1alpha1',
  kind: 'GitRepository',
  metadata: { name: 'x' },
  spec: { url: 'https://git.example.com/team/app.git', ...spec },
});

/** What the API server takes. */
export const GOOD: { name: string; manifest: Manifest }[] = [
  ...GOOD_REPOSITORIES,
  { name: 'a chart from a HelmRepository', manifest: chart({ repository: { name: 'charts', namespace: 'default' } }) },
  { name: 'a chart from a repository URL', manifest: chart({ repositoryURL: 'https://charts.example.com' }) },
  {
    name: 'empty strings where a field is not meant',
    manifest: release({ chart: { ...OCI, repositoryURL: '' }, release: { name: '', namespace: '' } }),
  },
  {
    name: 'a range of versions, as the older operator takes it',
    manifest: chart({ version: '^1.2.0', repository: { name: 'charts' } }),
  },
  {
    name: 'every field',
    manifest: release({
      chart: OCI,
      release: { name: 'app.v1', namespace: 'apps', createNamespace: true },
      values: 'a: 1\n',
      valuesFrom: [
        { kind: 'ConfigMap', name: 'common', valuesKey: 'all.yaml', optional: true },
        { kind: 'Secret', name: 'db', valuesKey: 'password', targetPath: 'a.example\\.com/b[0].c', literal: true },
      ],
      valuesObject: { a: { b: [1, null, 'c'] } },
      serviceAccountName: 'deployer',
      timeout: '3m',
      maxHistory: 5,
      waitStrategy: { name: 'legacy' },
      commonMetadata: {
        labels: { 'example.com/team': 'shop', empty: '' },
        annotations: { note: 'any text: of any kind' },
      },
      driftDetection: {
        mode: 'enabled',
        ignore: [
          { paths: [''], target: { kind: 'Job' } },
          {
            paths: ['/spec/replicas', '/metadata/annotations/a~1b'],
            target: {
              group: 'apps',
              version: 'v1',
              kind: 'Deployment',
              name: 'web-.*',
              namespace: 'shop',
              labelSelector: 'app=web',
              annotationSelector: 'owner notin (ops)',
            },
          },
        ],
      },
      install: {
        timeout: '1h30m',
        wait: false,
        waitForJobs: false,
        skipCRDs: true,
        replace: true,
        disableHooks: true,
        serverSideApply: false,
      },
      upgrade: {
        timeout: '1.5h',
        wait: false,
        waitForJobs: false,
        force: true,
        resetValues: true,
        reuseValues: false,
        recreate: true,
        maxHistory: 0,
        cleanupOnFail: false,
        disableHooks: true,
        serverSideApply: 'auto',
        strategy: { name: 'RetryOnFailure', retryInterval: '30s' },
        remediation: { retries: 3, strategy: 'uninstall', remediateLastFailure: false, ignoreTestFailures: true },
      },
      uninstall: { timeout: '90s', disableHooks: true, keepHistory: true },
      rollback: {
        enabled: true,
        toRevision: 0,
        timeout: '5m',
        wait: true,
        cleanupOnFail: true,
        force: false,
        disableHooks: false,
      },
      test: {
        enable: true,
        timeout: '5m',
        ignoreFailures: false,
        filters: [{ name: 'app-db' }, { name: 'app-slow', exclude: true }],
      },
      dependsOn: [{ name: 'database', namespace: 'data' }],
      interval: '6h',
      suspend: false,
    }),
  },
  {
    name: 'a GitRepository with every field',
    manifest: git({
      ref: { branch: 'release/1.x' },
      path: 'clusters/a',
      interval: '30s',
      timeout: '1m',
      prune: false,
      deletionPolicy: 'Delete',
      serviceAccountName: 'deployer',
      secretRef: { name: 'git' },
      verify: { mode: 'HEAD', secretRef: { name: 'keys' } },
      ignore: '*.tmp\n',
      suspend: true,
    }),
  },
];

/** What it refuses, and with which words. */
export const BAD: { name: string; manifest: Manifest; message: string | RegExp }[] = [
  ...BAD_REPOSITORIES,
  {
    name: 'no spec',
    manifest: { apiVersion: KETCHES, kind: 'HelmRelease', metadata: { name: 'x' } },
    message: 'spec: Required value',
  },
  { name: 'no chart', manifest: release({ suspend: false }), message: 'spec.chart: Required value' },
  {
    name: 'a chart from nowhere',
    manifest: chart({}),
    message: 'set exactly one of ociRepository, repository and repositoryURL',
  },
  {
    name: 'a chart from two places',
    manifest: chart({ ...OCI, repository: { name: 'charts' } }),
    message: 'set exactly one of ociRepository, repository and repositoryURL',
  },
  {
    name: 'a chart name with a path that leads out',
    manifest: release({ chart: { ...OCI, name: '../x' } }),
    message: /spec\.chart\.name: Invalid value.*should match/,
  },
  {
    name: 'an ociRepository over https',
    manifest: chart({ ociRepository: 'https://registry.example.com/app' }),
    message: 'must be an oci:// URL with a host and a path',
  },
  {
    name: 'an ociRepository with a password',
    manifest: chart({ ociRepository: 'oci://me:canary@registry.example.com/app' }),
    message: 'must not hold credentials; name them in the auth of a HelmRepository',
  },
  {
    name: 'an ociRepository with a tag',
    manifest: chart({ ociRepository: 'oci://registry.example.com:5000/app:1.0.0' }),
    message: 'the version belongs into chart.version',
  },
  {
    name: 'values from an object of another kind',
    manifest: release({ chart: OCI, valuesFrom: [{ kind: 'Deployment', name: 'a' }] }),
    message: /valuesFrom\[0\]\.kind: Unsupported value: "Deployment"/,
  },
  {
    name: 'values for a path that is none',
    manifest: release({ chart: OCI, valuesFrom: [{ kind: 'Secret', name: 'a', targetPath: 'a=b' }] }),
    message: /targetPath: Invalid value.*should match/,
  },
  {
    name: 'literal values without a path',
    manifest: release({ chart: OCI, valuesFrom: [{ kind: 'Secret', name: 'a', literal: true }] }),
    message: 'literal needs a targetPath',
  },
  {
    name: 'a way to wait that is none',
    manifest: release({ chart: OCI, waitStrategy: { name: 'never' } }),
    message: /waitStrategy\.name: Unsupported value: "never"/,
  },
  {
    name: 'a common label whose value is none of a label',
    manifest: release({ chart: OCI, commonMetadata: { labels: { team: 'shop and more' } } }),
    message: /commonMetadata\.labels\.team/,
  },
  {
    name: 'a kind of drift detection that is none',
    manifest: release({ chart: OCI, driftDetection: { mode: 'on' } }),
    message: /driftDetection\.mode: Unsupported value: "on"/,
  },
  {
    name: 'a path of an ignored field that is no JSON pointer',
    manifest: release({ chart: OCI, driftDetection: { ignore: [{ paths: ['spec.replicas'] }] } }),
    message: /driftDetection\.ignore\[0\]\.paths\[0\]/,
  },
  {
    name: 'a list as values',
    manifest: release({ chart: OCI, valuesObject: ['a'] }),
    message: 'spec.valuesObject: expected map',
  },
  {
    name: 'a repositoryURL over ftp',
    manifest: chart({ repositoryURL: 'ftp://charts.example.com' }),
    message: 'must be an http://, https:// or oci:// URL with a host',
  },
  {
    name: 'a release name that is too long',
    manifest: release({ chart: OCI, release: { name: 'a'.repeat(54) } }),
    message: 'must be at most 53 characters long',
  },
  {
    name: 'an object name that is too long for a release',
    manifest: { ...release({ chart: OCI }), metadata: { name: 'a'.repeat(54) } },
    message: 'set spec.release.name',
  },
  {
    name: 'a release name with capitals',
    manifest: release({ chart: OCI, release: { name: 'App' } }),
    message: 'must be made of lower-case letters, digits, dots and hyphens',
  },
  {
    name: 'a namespace with a slash',
    manifest: release({ chart: OCI, release: { namespace: 'a/b' } }),
    message: 'must be the name of a namespace',
  },
  {
    name: 'a timeout without a unit',
    manifest: release({ chart: OCI, install: { timeout: '600' } }),
    message: /spec\.install\.timeout: Invalid value/,
  },
  {
    name: 'wait as text',
    manifest: release({ chart: OCI, install: { wait: 'yes' } }),
    message: /spec\.install\.wait: Invalid value|wait.*expected boolean/,
  },
  {
    name: 'values as a mapping',
    manifest: release({ chart: OCI, values: { a: 1 } }),
    message: /spec\.values|\.values: expected string/,
  },
  {
    name: 'resetValues and reuseValues',
    manifest: release({ chart: OCI, upgrade: { resetValues: true, reuseValues: true } }),
    message: 'set at most one of resetValues and reuseValues to true',
  },
  {
    name: 'a field that does not exist',
    manifest: release({ chart: OCI, upgrade: { atomic: true } }),
    message: /upgrade\.atomic: field not declared in schema|unknown field/,
  },
  {
    name: 'Git over ssh',
    manifest: git({ url: 'git@git.example.com:team/app.git' }),
    message: 'must be an https:// or http:// URL; other transports are not supported yet',
  },
  {
    name: 'Git with a token in the URL',
    manifest: git({ url: 'https://canary@git.example.com/team/app.git' }),
    message: 'must not hold credentials; name a Secret in secretRef',
  },
  {
    name: 'a branch and a tag',
    manifest: git({ ref: { branch: 'main', tag: 'v1' } }),
    message: 'set at most one of branch, tag, semver and commit',
  },
  {
    name: 'a short commit',
    manifest: git({ ref: { commit: 'abc1234' } }),
    message: 'must be the full hash of a commit, 40 or 64 lower-case hex digits',
  },
  {
    name: 'a branch that looks like an option',
    manifest: git({ ref: { branch: '--upload-pack=x' } }),
    message: /spec\.ref\.branch: Invalid value/,
  },
  {
    name: 'a path that leads out',
    manifest: git({ path: 'a/../../b' }),
    message: 'must be a folder inside the repository',
  },
  {
    name: 'an unknown deletionPolicy',
    manifest: git({ deletionPolicy: 'Keep' }),
    message: 'supported values: "Orphan", "Delete"',
  },
];
