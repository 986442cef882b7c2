/** Charts from repositories over HTTP that the real helm has indexed. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chartRepository, type ChartRepository, type RepositoryOptions } from '../support/chart-repository.ts';
import { basicAuth } from '../support/web.ts';
import { useRegistryScene, type RegistryScene } from './oci/scene.ts';

let scene: RegistryScene;
const login = { username: 'reader', password: 'canary-password' };

before(async () => {
  scene = await useRegistryScene('indexed');
  await scene.secret('reader', login);
});
after(() => scene.releases.release());

/** A repository with two versions of a chart, and the HelmRepository that names it. */
async function repository(
  name: string,
  options: RepositoryOptions = {},
  spec: Readonly<Record<string, unknown>> = {},
): Promise<ChartRepository> {
  const made = await chartRepository(scene.releases.stack.bin, options);
  // Not the bytes of another test: those would be in the cache.
  const files = { 'README.md': `${name}\n` };
  await made.publish({ name: 'app', version: '1.0.0', files }, { name: 'app', version: '1.2.0', files });
  const auth = options.login === undefined ? {} : { auth: { basic: { secretRef: { name: 'reader' } } } };
  await scene.repository(name, made.url, { type: 'helm', ...auth, ...spec });
  return made;
}

const authorizations = ({ requests }: Pick<ChartRepository, 'requests'>): readonly unknown[] =>
  requests.map(({ headers }) => headers.authorization);
const urls = ({ requests }: Pick<ChartRepository, 'requests'>): readonly unknown[] => requests.map(({ url }) => url);

describe('a chart of a repository over HTTP', () => {
  it('is downloaded once, with the credentials of its repository', async () => {
    const web = await repository('private', { login });
    assert.equal(await scene.pull('private', '1.2.0'), '1.2.0');
    assert.equal(await scene.pull('private', 'v1.2.0'), '1.2.0');
    const index = '/charts/index.yaml';
    assert.deepEqual(urls(web), [index, '/charts/app-1.2.0.tgz', index], 'the second time it is in the cache');
    assert.deepEqual(new Set(authorizations(web)), new Set([basicAuth(login)]));
  });

  for (const [way, options] of Object.entries({
    named: { archives: 'elsewhere' },
    redirected: { redirect: true },
  } as const)) {
    it(`that lies on another host, ${way}, is downloaded from there without credentials`, async () => {
      const web = await repository(way, { login, ...options });
      assert.equal(await scene.pull(way), '1.0.0');
      assert.deepEqual(authorizations(web.elsewhere), [undefined]);
    });
  }

  it('that lies on another host gets the credentials with passCredentials', async () => {
    const web = await repository('passed', { login, archives: 'elsewhere' }, { passCredentials: true });
    assert.equal(await scene.pull('passed'), '1.0.0');
    assert.deepEqual(authorizations(web.elsewhere), [basicAuth(login)]);
  });

  it('needs no HelmRepository, but on other machines TLS then', async () => {
    const { url } = await repository('named-here');
    const chart = { name: 'app', version: '1.0.0' };
    assert.equal(await scene.pullChart('here', { ...chart, repositoryURL: url }), '1.0.0');
    assert.deepEqual(await scene.pullChart('there', { ...chart, repositoryURL: 'http://nobodys.example.invalid' }), {
      code: 'SpecInvalid',
      message:
        'spec.chart.repositoryURL has http://; whoever is on the way could read credentials, and change charts: write https://, or make a HelmRepository of this url with insecure: true',
    });
  });

  it('is not what another archive holds', async () => {
    const web = await repository('tampered');
    appendFileSync(join(web.folder, 'app-1.0.0.tgz'), 'more');
    const failure = await scene.pull('tampered');
    assert.partialDeepStrictEqual(failure, { code: 'DigestMismatch' });
  });

  it('is taken for what it is where the index has no digest', async () => {
    const web = await repository('undigested');
    const index = join(web.folder, 'index.yaml');
    writeFileSync(index, readFileSync(index, 'utf8').replaceAll(/^ +digest: .*\n/gm, ''));
    assert.equal(await scene.pull('undigested'), '1.0.0');
  });

  it('is found by its version where that has build metadata beside it', async () => {
    const web = await repository('built');
    await web.publish({ name: 'app', version: '1.3.0+a' }, { name: 'app', version: '1.3.0+b' });
    assert.equal(await scene.pull('built', '1.3.0'), '1.3.0+b');
  });

  it('that is not there is missed by name, and what is there is named', async () => {
    const web = await repository('missing');
    assert.deepEqual(await scene.pull('missing', '1.1.0'), {
      code: 'ChartNotFound',
      message: `version 1.1.0 of chart app is not in the index of ${web.url}: the nearest there are 1.2.0, 1.0.0; check spec.chart.version, or publish it`,
    });
    await web.publish({ name: 'web', version: '1.0.0' });
    writeFileSync(
      join(web.folder, 'index.yaml'),
      readFileSync(join(web.folder, 'index.yaml'), 'utf8').replace('  app:', '  other:'),
    );
    assert.deepEqual(await scene.pull('missing'), {
      code: 'ChartNotFound',
      message: `chart app is not in the index of ${web.url}: there are other, web; check spec.chart.name`,
    });
  });
});
