import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createGit } from '../../../activities/git/index.ts';
import { type Manifests, normalizePath, readManifests } from '../../../activities/git/manifests.ts';
import type { Mirrors } from '../../../activities/git/mirror.ts';
import { startTestGit, type TestGit, type TestRepository } from '../../support/git-repository.ts';
import { temporaryFolder } from '../../support/harness.ts';

const named = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

let server: TestGit;
let mirrors: Mirrors;

before(async () => {
  const folder = temporaryFolder();
  server = await startTestGit(folder);
  mirrors = createGit({ git: '/usr/bin/git', tmp: join(folder, 'tmp'), folder: join(folder, 'git') });
});
after(() => server.close());

async function read(repository: TestRepository, path = ''): Promise<Manifests> {
  const snapshot = await mirrors.open({
    owner: repository.url,
    remote: { url: repository.url, authorization: null },
    ref: { branch: 'main', tag: null, commit: null },
    signal: AbortSignal.timeout(30_000),
  });
  return readManifests(snapshot, { path, ignore: 'extra/\n' });
}

describe('reading manifests', () => {
  it('reads what is a manifest and skips what is none', async () => {
    const repository = await server.create('mixed');
    await repository.commit({
      'README.md': '# no manifest',
      'apps/a.yaml': `${named('a')}---\n${named('b')}`,
      'apps/c.yml': named('c'),
      'apps/values.yaml': 'replicas: 2\n',
      'apps/list.yaml': `apiVersion: v1\nkind: List\nitems:\n- ${named('d').trim().replaceAll('\n', '\n  ')}\n`,
      'chart/Chart.yaml': 'name: x\n',
      'chart/templates/x.yaml': '{{ if true }}\n',
      '.github/workflows/ci.yaml': 'on: push\n',
      'old/e.yaml': named('e'),
      'extra/f.yaml': named('f'),
      '.holdfastignore': '# done with\nold/\n',
      'apps/.holdfastignore': '/drafts\n',
      'apps/drafts/g.yaml': named('g'),
    });
    const { documents, skipped, problems } = await read(repository);
    assert.deepEqual(
      documents.map(({ where, value }) => [where, (value['metadata'] as { name: string }).name]),
      [
        ['apps/a.yaml:1', 'a'],
        ['apps/a.yaml:6', 'b'],
        ['apps/c.yml:1', 'c'],
        ['apps/list.yaml:1', 'd'],
      ],
    );
    assert.deepEqual(problems, []);
    // values.yaml, Chart.yaml, templates/x.yaml, ci.yaml, old/e.yaml, extra/f.yaml, apps/drafts/g.yaml
    assert.equal(skipped, 7);
  });

  it('reads only what is under the path', async () => {
    const repository = await server.create('paths');
    await repository.commit({ 'apps/a.yaml': named('a'), 'apps-old/b.yaml': named('b'), 'c.yaml': named('c') });
    assert.deepEqual(
      (await read(repository, './apps/')).documents.map(({ where }) => where),
      ['apps/a.yaml:1'],
    );
    await assert.rejects(read(repository, 'app'), { code: 'GitPathNotFound' });
  });

  it('reports what it cannot take, each by name, and reads the rest', async () => {
    const repository = await server.create('problems');
    symlinkSync('/etc/passwd', join(repository.work, 'link.yaml'));
    const commit = await repository.commit({
      'bad.yaml': 'a: 1\n  b: 2\n',
      'binary.yaml': Buffer.from([0xff, 0xfe, 0x00]),
      'good.yaml': named('good'),
      'half.yaml': `${named('half')}---\nkind: [\n---\n${named('other')}`,
      'kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n',
      'large.yaml': `a: ${'x'.repeat(60 * 1024 * 1024)}\n`,
      'pointer.yaml': 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n',
    });
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},module`);
    await repository.git('commit', '-q', '-m', 'Add a submodule');
    await repository.git('push', '-q', 'origin', 'HEAD:refs/heads/main');
    const { documents, problems } = await read(repository);
    assert.deepEqual(
      documents.map(({ where }) => where),
      ['good.yaml:1', 'half.yaml:1', 'half.yaml:8'],
    );
    assert.deepEqual(
      problems.map(({ where, code, message }) => [where, code, message.split(',')[0]]),
      [
        [
          'kustomization.yaml',
          'GitContentInvalid',
          'kustomize is not run; the manifests beside it are applied as they stand: remove it',
        ],
        ['link.yaml', 'GitContentInvalid', 'is a symbolic link'],
        ['module', 'GitContentInvalid', 'is a submodule'],
        ['bad.yaml:1', 'ManifestInvalid', 'nested mappings are not allowed in compact mappings'],
        ['binary.yaml', 'ManifestInvalid', 'is not UTF-8 text'],
        [
          'half.yaml:6',
          'ManifestInvalid',
          'flow sequence in block collection must be sufficiently indented and end with a ]',
        ],
        ['large.yaml', 'GitTooLarge', 'is larger than 5 MiB'],
        ['pointer.yaml', 'GitContentInvalid', 'is a Git LFS pointer'],
      ],
    );
  });

  it('does not take a manifest with a broken header for a values file', async () => {
    const repository = await server.create('headers');
    const manifest = named('a');
    await repository.commit({
      'a.yaml': manifest.replace('apiVersion', 'apiversion'),
      'b.yaml': manifest.replace('kind: ConfigMap\n', ''),
      'c.yaml': manifest.replace('apiVersion: v1\n', ''),
      'd.yaml': manifest.replace('kind: ConfigMap', 'kind: [ConfigMap]'),
      'e.yaml': `- ${manifest.trim().replaceAll('\n', '\n  ')}\n`,
      'f.yaml': manifest.replace('apiVersion: v1', 'apiVersion: 1'),
      'values-1.yaml': 'kind: DaemonSet\nimage: {name: x}\n',
      'values-2.yaml': 'apiVersion: 1\nproviders: []\n',
      'values-3.yaml': 'metadata: {labels: {}}\n',
      'values-4.yaml': '- a\n- {b: 1}\n',
      'values-5.yaml': 'just text\n',
    });
    const { documents, skipped, problems } = await read(repository);
    assert.deepEqual(documents, []);
    assert.equal(skipped, 5);
    assert.deepEqual(
      problems.map(({ where, code }) => [where, code]),
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [`${name}.yaml:1`, 'ManifestInvalid']),
    );
  });

  it('needs a path inside the repository', () => {
    assert.equal(normalizePath('./clusters//production/'), 'clusters/production');
    assert.equal(normalizePath('/'), '');
    for (const path of ['../x', 'a/../../x', 'a\\b']) assert.throws(() => normalizePath(path), { code: 'SpecInvalid' });
  });
});
