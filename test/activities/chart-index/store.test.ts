import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  createIndexStore,
  type IndexSource,
  type IndexStore,
  type StoreLimits,
} from '../../../activities/chart-index/store.ts';
import { createHostGates } from '../../../activities/http/host-gates.ts';
import { PLAIN_TRANSPORT } from '../../../activities/http/transport.ts';
import { createSharing } from '../../../activities/sharing.ts';
import { chartRepository, type ChartRepository } from '../../support/chart-repository.ts';
import { temporaryFolder, toolsFolder } from '../../support/harness.ts';
import { serveWeb } from '../../support/web.ts';

const bin = await toolsFolder();
const none = new AbortController().signal;
/** Whoever wants an answer to a question that nobody has asked yet, and whoever takes any. */
const [ANEW, ANY] = [
  { since: Infinity, signal: none },
  { since: 0, signal: none },
];
const storeIn = (folder: string, limits: Partial<StoreLimits> = {}): IndexStore =>
  createIndexStore({ folder, gates: createHostGates(), sharing: createSharing() }, limits);
const source = (url: string, more: Partial<IndexSource> = {}): IndexSource => ({
  url,
  transport: PLAIN_TRANSPORT,
  loginFor: new URL(url).origin,
  ...more,
});
const login = { username: 'reader', password: 'p', secret: 'a/b' };
const withLogin = { transport: { ...PLAIN_TRANSPORT, login } };
const asked = ({ requests }: Pick<ChartRepository, 'requests'>): readonly unknown[] => requests.map(({ url }) => url);

describe('the store of indexes', () => {
  it('reads what helm has made, and keeps a line for each chart', async () => {
    const repository = await chartRepository(bin);
    await repository.publish({ name: 'app', version: '1.0.0' }, { name: 'app', version: '1.1.0' });
    await repository.publish({ name: 'web', version: '0.1.0' });
    const folder = temporaryFolder();
    const index = await storeIn(folder).get(source(repository.url), ANEW);
    assert.deepEqual([index.names, index.versions, index.skipped], [['app', 'web'], 3, 0]);
    const app = await index.chart('app');
    assert.deepEqual(
      app?.versions.map(({ version, url }) => [version, url]),
      [
        ['1.1.0', 'app-1.1.0.tgz'],
        ['1.0.0', 'app-1.0.0.tgz'],
      ],
    );
    assert.match(app.versions[0]?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
    assert.equal(index.bytes, statSync(join(repository.folder, 'index.yaml')).size);
    assert.equal(await index.chart('nobody'), null);
    const [file = '', ...more] = readdirSync(folder);
    assert.deepEqual(more, [], 'what was fetched is gone, its lines stay');
    assert.equal(statSync(join(folder, file)).mode.toString(8), '100600');
  });

  it('reads JSON as well', async () => {
    const repository = await chartRepository(bin, { json: true });
    await repository.publish({ name: 'app', version: '1.0.0' });
    assert.equal(readFileSync(join(repository.folder, 'index.yaml'), 'utf8')[0], '{');
    const index = await storeIn(temporaryFolder()).get(source(repository.url), ANEW);
    assert.deepEqual(index.names, ['app']);
  });

  for (const validator of ['etag', 'last-modified'] as const) {
    it(`has it sent again only when it changed, by ${validator}`, async () => {
      const repository = await chartRepository(bin, { validator });
      await repository.publish({ name: 'app', version: '1.0.0' });
      const store = storeIn(temporaryFolder());
      const first = await store.get(source(repository.url), ANEW);
      assert.equal(await store.get(source(repository.url), ANEW), first);
      assert.equal(repository.requests.length, 2);
      const header = validator === 'etag' ? 'if-none-match' : 'if-modified-since';
      assert.equal(typeof repository.requests[1]?.headers[header], 'string');
      await repository.publish({ name: 'app', version: '1.1.0' });
      const minuteLater = new Date(Date.now() + 60_000); // times over HTTP have seconds
      utimesSync(join(repository.folder, 'index.yaml'), minuteLater, minuteLater);
      const second = await store.get(source(repository.url), ANEW);
      assert.notEqual(second.digest, first.digest);
      assert.equal((await second.chart('app'))?.versions.length, 2);
      assert.equal((await first.chart('app'))?.versions.length, 1, 'who holds the old one can still read it');
    });
  }

  it('asks once for all who ask together or shortly after, but not for those with other credentials', async () => {
    const repository = await chartRepository(bin, { login });
    await repository.publish({ name: 'app', version: '1.0.0' });
    const store = storeIn(temporaryFolder());
    const all = await Promise.all(Array.from({ length: 20 }, () => store.get(source(repository.url, withLogin), ANY)));
    assert.equal(new Set(all).size, 1);
    await store.get(source(repository.url, withLogin), ANY);
    assert.deepEqual(asked(repository), ['/charts/index.yaml']);
    await assert.rejects(store.get(source(repository.url), ANEW), { code: 'AuthRequired' });
    const wrong = { transport: { ...PLAIN_TRANSPORT, login: { ...login, password: 'old' } } };
    await assert.rejects(store.get(source(repository.url, wrong), ANEW), { code: 'AuthRejected' });
    assert.equal(repository.requests.length, 3);
  });

  it('of a server that cannot say whether it has changed is fetched again only after a while', async () => {
    const repository = await chartRepository(bin, { validator: 'none' });
    await repository.publish({ name: 'app', version: '1.0.0' });
    const [patient, eager] = [storeIn(temporaryFolder()), storeIn(temporaryFolder(), { freshWithoutConditionMs: 0 })];
    for (const store of [patient, eager]) {
      const first = await store.get(source(repository.url), ANEW);
      assert.equal(await store.get(source(repository.url), ANEW), first, 'the same bytes are the same index');
    }
    assert.equal(repository.requests.length, 3);
  });

  it('leaves the others their answer when one gives up', async () => {
    let letGo: () => void = () => undefined;
    const web = await serveWeb((_request, response) => {
      letGo = () => void response.end('entries: {}\n');
      given.abort(new RangeError('enough'));
    });
    const given = new AbortController();
    const store = storeIn(temporaryFolder());
    const [one, other] = [
      store.get(source(web.origin), { since: 0, signal: given.signal }),
      store.get(source(web.origin), ANY),
    ];
    await assert.rejects(one, { message: 'enough' });
    letGo();
    assert.deepEqual((await other).names, []);
    assert.equal(web.requests.length, 1);
  });

  it('keeps a query, and shows none', async () => {
    const web = await serveWeb((_request, response) => response.writeHead(404).end());
    await assert.rejects(storeIn(temporaryFolder()).get(source(`${web.origin}/a/?token=canary`), ANEW), {
      code: 'IndexInvalid',
      message: `${new URL(web.origin).host} does not have the index of ${web.origin}/a`,
    });
    assert.deepEqual(asked(web), ['/a/index.yaml?token=canary']);
  });

  const answers: Readonly<Record<string, readonly [RequestListener, RegExp]>> = {
    'a page': [(_request, response) => response.end('<html></html>'), /^the index of \S+ is no index of a chart/],
    'one that is too large': [
      (_request, response) => response.end(`# ${'x'.repeat(2_000)}`),
      /is larger than the 1000 bytes that are allowed$/,
    ],
    'nothing new, unasked': [(_request, response) => response.writeHead(304).end(), /not modified, unasked$/],
  };
  for (const [name, [answer, message]] of Object.entries(answers)) {
    it(`refuses ${name}, and leaves nothing behind`, async () => {
      const web = await serveWeb(answer);
      const folder = temporaryFolder();
      const store = storeIn(folder, { maxIndexBytes: 1_000 });
      await assert.rejects(store.get(source(web.origin), ANEW), { code: 'IndexInvalid', message });
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});
