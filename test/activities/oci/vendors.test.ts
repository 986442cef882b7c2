/** Charts from every vendor's registry by the real oras: where vendors agree with the real registry, and where not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { createHostGates } from '../../../activities/http/host-gates.ts';
import { PLAIN_TRANSPORT, type Login } from '../../../activities/http/transport.ts';
import { parseOciName } from '../../../activities/oci/name.ts';
import { createOras, type ChartRequest, type Oras } from '../../../activities/oci/oras.ts';
import { holds } from '../../support/canary.ts';
import { pushChart } from '../../support/chart.ts';
import { sharedStack, temporaryFolder, uniqueName } from '../../support/harness.ts';
import { answerAs, answerAsStore, type Behind } from '../../support/registry/front.ts';
import { VENDORS, type Vendor } from '../../support/registry/vendors.ts';
import { serveWeb, type Web } from '../../support/web.ts';

const stack = await sharedStack('registry');
const folder = uniqueName('vendors');
const owner = { username: stack.registryLogin.user, password: stack.registryLogin.password };
const VERSIONS = ['1.0.0', '1.1.0', '1.2.0+build.1', '1.3.0', '2.0.0'];

let oras: Oras;

before(async () => {
  oras = createOras({ oras: join(stack.bin, 'oras'), tmp: temporaryFolder(), plainHttp: [], gates: createHostGates() });
  for (const version of VERSIONS) await pushChart(stack, { name: 'app', version }, folder);
});

interface Served {
  readonly host: string;
  readonly registry: Web;
  readonly tokens: Web;
  readonly store: Web;
}

/** The registry of a vendor, its server of tokens and its store of blobs, each of an origin of its own. */
async function serveVendor(vendor: Vendor): Promise<Served> {
  const origins = new Map<string, string>();
  const store = await serveWeb(answerAsStore({ registry: stack.registry, owner }));
  const originOf = (host: string): string => origins.get(host) ?? '';
  const behind: Behind = { registry: stack.registry, owner, originOf, store: store.origin, open: null };
  const answer = answerAs(vendor, behind);
  const registry = await serveWeb(answer);
  const tokens = vendor.tokens?.host == null ? registry : await serveWeb(answer);
  origins.set(vendor.host, registry.origin).set(vendor.tokens?.host ?? vendor.host, tokens.origin);
  return { host: new URL(registry.origin).host, registry, tokens, store };
}

const right: Login = { ...owner, secret: 'apps/login' };
const wrong: Login = { username: owner.username, password: 'canary-password', secret: 'apps/login' };

const ask = (host: string, login: Login | null): ChartRequest => ({
  name: parseOciName(`oci://${host}/${folder}/app`),
  chart: 'app',
  version: '1.2.0+build.1',
  transport: { ...PLAIN_TRANSPORT, login },
});

/** All that is to be had of a chart. */
async function readAll(host: string): Promise<unknown> {
  const request = ask(host, right);
  const tags = await oras.listTags(request);
  const announced = await oras.announce(request);
  const layer = await oras.fetchLayer(request, announced.layer);
  return { tags: [...tags].sort(), announced, layer: layer.toString('base64') };
}

describe('the registry of', { concurrency: 3 }, () => {
  for (const [name, vendor] of Object.entries<Vendor>(VENDORS)) {
    it(`${name} gives who may log in what the real registry gives`, async () => {
      const { host, registry, tokens, store } = await serveVendor(vendor);
      await oras.checkLogin({ host, transport: { ...PLAIN_TRANSPORT, login: right }, timeoutMs: 60_000 });
      assert.deepEqual(await readAll(host), await readAll(stack.registry));
      // All of it was really so.
      const asked = (web: Web, part: string): number =>
        web.requests.filter(({ url = '' }) => url.includes(part)).length;
      const scope = encodeURIComponent(`repository:${folder}/app:pull`);
      assert.equal(asked(tokens, `scope=${scope}`) > 0, vendor.tokens !== null, 'a token for this chart, and no more');
      assert.equal(asked(store, '/blobs/') > 0, vendor.blobs === 'elsewhere');
      const pages = registry.requests.map(({ url = '' }) => url).filter((url) => url.includes('/tags/list'));
      assert.equal(new Set(pages).size, vendor.tags.page === null ? 1 : 3);
      assert.ok(!store.requests.some(({ headers }) => headers.authorization !== undefined));
    });

    it(`${name} says that a login is wrong, and the Secret is named`, async () => {
      const { host, store } = await serveVendor(vendor);
      const message = `registry ${host} rejected the credentials of Secret apps/login for chart app 1.2.0+build.1; check its username and password, and that they may pull`;
      await assert.rejects(oras.announce(ask(host, wrong)), { code: 'AuthRejected', message });
      const check = { host, transport: { ...PLAIN_TRANSPORT, login: wrong }, timeoutMs: 60_000 };
      await assert.rejects(oras.checkLogin(check), (error: Error) => !holds(error.message, 'canary-password'));
      assert.deepEqual(store.requests, []);
    });

    it(`${name} wants a login from who has none`, async () => {
      const { host } = await serveVendor(vendor);
      await assert.rejects(oras.announce(ask(host, null)), { code: 'AuthRequired' });
    });
  }
});

describe('a registry that leads elsewhere', () => {
  it('for its next page of tags does not lead the login there', async () => {
    const elsewhere = await serveWeb((_request, response) => response.writeHead(200).end('{"name":"x","tags":[]}'));
    const behind = { registry: stack.registry, owner, store: null, open: null, originOf: () => elsewhere.origin };
    const registry = await serveWeb(answerAs(VENDORS.ecr, behind));
    const host = new URL(registry.origin).host;
    await oras.listTags(ask(host, right)).catch(() => undefined);
    assert.ok(
      registry.requests.some(({ headers }) => headers.authorization !== undefined),
      'it was logged in',
    );
    assert.ok(!elsewhere.requests.some(({ headers }) => headers.authorization !== undefined));
  });
});
