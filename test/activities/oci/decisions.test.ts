/** What Holdfast decides itself about what registries say: one test for each row of the table in docs/architecture.md. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { createHostGates } from '../../../activities/http/host-gates.ts';
import { PLAIN_TRANSPORT } from '../../../activities/http/transport.ts';
import { matchRepository } from '../../../activities/match-repository.ts';
import { parseOciName, tagOf, versionOf } from '../../../activities/oci/name.ts';
import { createOras, type ChartRequest, type Oras } from '../../../activities/oci/oras.ts';
import { choose, parseWanted } from '../../../activities/semver/wanted.ts';
import { readDocument, tableUnder } from '../../docs/markdown.ts';
import { temporaryFolder, toolsFolder } from '../../support/harness.ts';
import { serveWeb, type Web } from '../../support/web.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CHART = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const OLD_CHART = 'application/tar+gzip';
const OTHER = 'application/vnd.oci.image.layer.v1.tar+gzip';

let oras: Oras;

before(async () => {
  const file = join(await toolsFolder(), 'oras');
  oras = createOras({ oras: file, tmp: temporaryFolder(), plainHttp: [], gates: createHostGates() });
});

const digestOf = (body: string): string => `sha256:${createHash('sha256').update(body).digest('hex')}`;
const layer = (mediaType: string, content: string, more: object = {}): object => ({
  mediaType,
  digest: digestOf(content),
  size: content.length,
  ...more,
});
const manifestOf = (...layers: readonly object[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: layer('c', '{}'), layers });
const indexOf = (mediaType: string, ...inner: readonly string[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: inner.map((text) => layer(mediaType, text)) });

/** A registry that has this under the tag, and everything by its digest; or by another, where it lies. */
async function serveArtifact(
  top: string,
  { also = [], lies = {} }: { also?: readonly string[]; lies?: Readonly<Record<string, string>> } = {},
): Promise<Web & { readonly request: ChartRequest }> {
  const contents = new Map([top, ...also].map((text) => [digestOf(text), text]));
  const web = await serveWeb(({ url = '', method }, response) => {
    const [, reference = ''] = /\/(?:manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const body = lies[reference] ?? contents.get(reference) ?? (url.includes('/manifests/1.0.0') ? top : undefined);
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type = url.includes('/blobs/') ? 'application/octet-stream' : body.includes(INDEX) ? INDEX : MANIFEST;
    response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(method === 'HEAD' ? undefined : body);
  });
  const name = parseOciName(`oci://${new URL(web.origin).host}/charts/app`);
  return { ...web, request: { name, chart: 'app', version: '1.0.0', transport: PLAIN_TRANSPORT } };
}

const refused = (message: RegExp, code = 'ChartInvalid'): object => ({ code, message });

const RULES: Readonly<Record<string, () => Promise<void> | void>> = {
  'name of a repository': () => {
    assert.deepEqual(parseOciName('oci://Registry.example.com:5000/charts/app/'), {
      host: 'registry.example.com:5000',
      path: 'charts/app',
    });
    for (const rest of [
      'r.example/a/../b',
      'r.example/App',
      'r.example/app:1',
      'me:canary@r.example/a',
      'r.example/a?b',
    ]) {
      assert.throws(
        () => parseOciName(`oci://${rest}`),
        (error: Error) => !error.message.includes('canary'),
      );
    }
  },
  tag: () => {
    assert.equal(tagOf('1.0.0+build.1'), '1.0.0_build.1');
    for (const version of ['', '../1.0.0', '-1', 'a b', 'x'.repeat(129)]) {
      assert.throws(() => tagOf(version), { code: 'SpecInvalid' });
    }
  },
  version: () => {
    const tags = ['latest', '0.9.0', '1.2.0-rc.1', '1.1.0_b.2', '1.1.0_b.10', 'sha256-0123.sig', 'v1.0.0'];
    const wanted = parseWanted('^1.0.0');
    assert.ok(wanted.kind === 'range');
    assert.equal(choose(tags.map(versionOf), wanted.constraint), '1.1.0+b.10');
  },
  credentials: () => {
    const all = ['oci://r.example', 'oci://r.example/team', 'oci://r.example/team/charts', 'oci://r.example/tea'];
    const candidates = all.map((url) => ({ namespace: 'apps', name: url, url }));
    const options = { namespace: 'apps', crossNamespace: 'denied' } as const;
    const found = (url: string): unknown => {
      const match = matchRepository(url, candidates, options);
      return match.kind === 'one' ? match.repository.url : match.kind;
    };
    assert.equal(found('oci://r.example/team/charts/app'), 'oci://r.example/team/charts');
    assert.equal(found('oci://r.example/team/charts-of-others/app'), 'oci://r.example/team');
    assert.equal(found('oci://r.example:443/team/app'), 'none');
  },
  'digest of a manifest': async () => {
    const [asked, other] = [manifestOf(layer(CHART, 'asked')), manifestOf(layer(CHART, 'other'))];
    const digest = digestOf(asked);
    const { request } = await serveArtifact(asked, { lies: { [digest]: other } });
    assert.equal((await oras.announce(request)).manifestDigest, digest);
    await assert.rejects(oras.announce({ ...request, digest }), refused(/its digest is not the one/, 'DigestMismatch'));
  },
  'digest of a chart': async () => {
    const lies = { [digestOf('chart')]: 'other', [digestOf('longer')]: 'longer than it was said to be' };
    for (const content of ['chart', 'longer']) {
      const { request } = await serveArtifact(manifestOf(layer(CHART, content)), { lies });
      const announced = await oras.announce(request);
      const mismatch = refused(/its digest is not the one/, 'DigestMismatch');
      await assert.rejects(oras.fetchLayer(request, announced.layer), mismatch);
    }
    const { request } = await serveArtifact(manifestOf(layer(CHART, 'chart', { digest: 'sha256:../../x' })));
    await assert.rejects(oras.announce(request), refused(/no manifest/));
  },
  'size of a manifest': async () => {
    const { request } = await serveArtifact(
      manifestOf(layer(CHART, 'chart', { annotations: { x: 'x'.repeat(4_200_000) } })),
    );
    await assert.rejects(oras.announce(request), refused(/is larger than the 4 MiB that are read$/));
  },
  'size of a chart': async () => {
    const LARGEST = 10 * 1024 * 1024;
    for (const size of [LARGEST + 1, -1, 0.5, 2 ** 53]) {
      const { request, requests } = await serveArtifact(manifestOf(layer(CHART, 'chart', { size })));
      await assert.rejects(oras.announce(request), refused(/a chart of 10485761 bytes|no manifest/));
      assert.ok(!requests.some(({ url = '' }) => url.includes('/blobs/')));
    }
    const { request } = await serveArtifact(manifestOf(layer(CHART, 'chart', { size: LARGEST })));
    assert.equal((await oras.announce(request)).layer.size, LARGEST);
  },
  'media type of a chart': async () => {
    const among = manifestOf(layer(OTHER, 'provenance'), layer(OLD_CHART, 'old'), layer(CHART, 'chart'));
    const { request } = await serveArtifact(among);
    assert.equal((await oras.announce(request)).layer.digest, digestOf('chart'));
    const { request: older } = await serveArtifact(manifestOf(layer(OTHER, 'provenance'), layer(OLD_CHART, 'old')));
    assert.equal((await oras.announce(older)).layer.digest, digestOf('old'));
  },
  'number of charts': async () => {
    const { request: none } = await serveArtifact(manifestOf(layer(OTHER, 'an image')));
    await assert.rejects(oras.announce(none), refused(/without a Helm chart/));
    const { request: two } = await serveArtifact(manifestOf(layer(CHART, 'one'), layer(CHART, 'two')));
    await assert.rejects(oras.announce(two), refused(/2 charts in one artifact/));
  },
  index: async () => {
    const inner = manifestOf(layer(CHART, 'chart'));
    const { request } = await serveArtifact(indexOf(MANIFEST, inner), { also: [inner] });
    assert.equal((await oras.announce(request)).manifestDigest, digestOf(inner));
    const { request: many } = await serveArtifact(indexOf(MANIFEST, inner, inner), { also: [inner] });
    await assert.rejects(oras.announce(many), refused(/an index of 2 manifests/));
    const nested = indexOf(MANIFEST, inner);
    const { request: deep } = await serveArtifact(indexOf(INDEX, nested), { also: [nested, inner] });
    await assert.rejects(oras.announce(deep), refused(/without a Helm chart/));
  },
  'addresses of a layer': async () => {
    const elsewhere = await serveWeb((_request, response) => response.end('chart'));
    const { request } = await serveArtifact(manifestOf(layer(CHART, 'chart', { urls: [elsewhere.origin] })), {
      also: ['chart'],
    });
    const announced = await oras.announce(request);
    assert.equal((await oras.fetchLayer(request, announced.layer)).toString(), 'chart');
    assert.deepEqual(elsewhere.requests, []);
  },
};

describe('of what a registry says', () => {
  for (const [name, check] of Object.entries(RULES)) it(`the ${name} is decided as it is written`, check);

  it('nothing else is decided, or written', () => {
    const rows = tableUnder(readDocument('architecture.md'), '| of a registry | what Holdfast decides itself |');
    assert.deepEqual(
      rows.map(([name]) => name),
      Object.keys(RULES),
    );
  });
});
