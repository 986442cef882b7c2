/** What people push that cannot be applied, and what they read of it on the GitRepository. */
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestRepository } from '../support/git-repository.ts';
import { CANARY, type Told } from './bad-stage.ts';

const DEEP = 10_000;

export interface GitRow extends Told {
  /** Push it. `outside` is a folder outside the repository, which holds the manifest of a ConfigMap `outside`. */
  readonly spoil: (repository: TestRepository, outside: string) => Promise<unknown>;
  readonly spec?: object;
  /** Whether what is right in the same commit is applied all the same. */
  readonly others: 'applied' | 'left';
}

/** An object as a file; YAML takes JSON. */
export function configFile(name: string, value = '1', metadata: object = {}): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data: { value } });
}

const HEAD = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deep}\n';
const file =
  (name: string, content: string): GitRow['spoil'] =>
  (repository) =>
    repository.commit({ [name]: content });
const problem = (text: string): RegExp =>
  new RegExp(`^main@[0-9a-f]{40} has 1 problem, all else is applied: ${text}$`, 's');
const oidOf = (repository: TestRepository, path: string): Promise<string> => repository.git('rev-parse', path);

function release(spec: object): string {
  const header = {
    apiVersion: 'helm-operator.ketches.cn/v1alpha1',
    kind: 'HelmRelease',
    metadata: { name: 'refused' },
  };
  const chart = { name: 'app', version: '1.0.0', ociRepository: 'oci://registry.example.com/charts/app' };
  return JSON.stringify({ ...header, spec: { chart, ...spec } });
}

export const GIT_ROWS: Readonly<Record<string, GitRow>> = {
  'a path that is absent': {
    spoil: () => Promise.resolve(),
    spec: { path: './clusters/absent' },
    reason: 'GitPathNotFound',
    message: /^there is no folder clusters\/absent in main@[0-9a-f]{40}; check spec\.path$/,
    others: 'left',
  },
  'a path that is a symlink': {
    spoil: (repository, outside) => {
      symlinkSync(outside, join(repository.work, 'linked'));
      return repository.commit({});
    },
    spec: { path: 'linked' },
    reason: 'GitPathNotFound',
    message: /^there is no folder linked in main@[0-9a-f]{40}; check spec\.path$/,
    others: 'left',
  },
  'a symlink': {
    spoil: (repository, outside) => {
      symlinkSync(join(outside, 'outside.yaml'), join(repository.work, 'link.yaml'));
      return repository.commit({});
    },
    reason: 'GitContentInvalid',
    message: problem('link\\.yaml: is a symbolic link, which is not followed'),
    others: 'applied',
  },
  'an entry named ..': {
    spoil: async (repository) => {
      const oid = await oidOf(repository, 'HEAD:good.yaml');
      return repository.pushTree([
        { mode: '100644', name: '..', oid },
        { mode: '100644', name: 'good.yaml', oid },
      ]);
    },
    reason: 'GitContentInvalid',
    message: /^http:\S+\.git sends objects that git's own check refuses$/,
    others: 'left',
  },
  'a folder named ..': {
    spoil: async (repository) => {
      const oid = await oidOf(repository, 'HEAD^{tree}');
      return repository.pushTree([{ mode: '40000', name: '..', oid }]);
    },
    reason: 'GitContentInvalid',
    message: /^http:\S+\.git sends objects that git's own check refuses$/,
    others: 'left',
  },
  'YAML 10,000 brackets deep': {
    spoil: file('deep.yaml', `${HEAD}data: ${'['.repeat(DEEP)}${CANARY}${']'.repeat(DEEP)}\n`),
    reason: 'ManifestInvalid',
    message: problem('deep\\.yaml:4: nested deeper than 128 levels'),
    others: 'applied',
  },
  'YAML 10,000 lists deep': {
    spoil: file('deep.yaml', `${HEAD}data:\n${'- '.repeat(DEEP)}${CANARY}\n`),
    reason: 'ManifestInvalid',
    message: problem('deep\\.yaml:5: nested deeper than 128 levels'),
    others: 'applied',
  },
  'a manifest of 60 MB': {
    spoil: (repository) => {
      writeFileSync(join(repository.work, 'large.yaml'), configFile('large', CANARY + 'x'.repeat(60_000_000)));
      return repository.commit({});
    },
    reason: 'GitTooLarge',
    message: problem('large\\.yaml: is larger than 5 MiB'),
    others: 'applied',
  },
  'a file that is not YAML': {
    spoil: file('broken.yaml', `${HEAD}data: [${CANARY}\n`),
    reason: 'ManifestInvalid',
    message: problem('broken\\.yaml:\\d: flow sequence .*'),
    others: 'applied',
  },
  'a release with an unknown field': {
    spoil: file('refused.yaml', release({ replicas: CANARY })),
    reason: 'ManifestInvalid',
    message: problem(
      'refused\\.yaml:1: HelmRelease bad/refused is refused: \\.spec\\.replicas: field not declared in schema',
    ),
    others: 'applied',
  },
  'a release whose name is over 53 characters': {
    spoil: file('refused.yaml', release({ release: { name: 'a'.repeat(54) } })),
    reason: 'ManifestInvalid',
    message: problem('refused\\.yaml:1: HelmRelease bad/refused is refused: .*at most 53 characters long.*'),
    others: 'applied',
  },
  'a namespace that does not exist': {
    spoil: file('lost.yaml', configFile('lost', CANARY, { namespace: 'nowhere' })),
    reason: 'NamespaceNotFound',
    message: problem(
      'lost\\.yaml:1: ConfigMap nowhere/lost has no namespace to go to: .*; add the Namespace to the repository',
    ),
    others: 'applied',
  },
};
