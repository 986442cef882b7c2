/** A mirror is asked first and never trusted; the registry itself stays the one that says what a version is. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { pushChart } from '../../support/chart.ts';
import { forwardHttp, type AlteringLink } from '../../support/forwarder.ts';
import { uniqueName } from '../../support/harness.ts';
import { useRegistryScene, WITH_LOGIN, type RegistryScene } from './scene.ts';

let scene: RegistryScene;
const links: AlteringLink[] = [];

before(async () => {
  scene = await useRegistryScene('mirror');
});
after(async () => {
  for (const link of links) link.close();
  await scene.releases.release();
});

interface Pulled {
  readonly pulled: unknown;
  readonly origin: readonly string[];
  readonly mirror: readonly string[];
}

interface Case {
  /** Folder of the charts below the mirror, which leads to the same registry. */
  readonly at?: string;
  readonly alter?: (path: string, body: Buffer) => Buffer;
  readonly pinned?: boolean;
  /** How the mirror is logged in at. */
  readonly auth?: object;
}

/** Pull a chart that nobody has pulled before; answers what the registry and its mirror were asked for. */
async function pull(
  name: string,
  { at, alter = (_, body) => body, pinned = false, auth = WITH_LOGIN }: Case,
): Promise<Pulled> {
  const folder = uniqueName('mirrored');
  const { registry } = scene.releases.stack;
  // Not the bytes of another test: those would be in the cache.
  const files = { 'values.yaml': `message: ${folder}\nreplicas: 1\npodLabels: {}\n` };
  await pushChart(scene.releases.stack, { name: 'app', version: '1.0.0', files }, folder);
  const asked = { origin: [] as string[], mirror: [] as string[] };
  const front = async (which: keyof typeof asked, change: typeof alter): Promise<string> => {
    const link = await forwardHttp(registry, (path, body) => {
      asked[which].push(path.replace(/^.*\/(manifests|blobs)\/.*$/, '$1'));
      return change(path, body);
    });
    links.push(link);
    return link.address;
  };
  const originAt = await front('origin', (_, body) => body);
  const mirrorAt = await front('mirror', alter);
  const mirror = `oci://${mirrorAt}/${at ?? folder}`;
  await scene.repository(`${name}-mirror`, mirror, { auth });
  await scene.repository(name, `oci://${originAt}/${folder}`, { auth: WITH_LOGIN, mirror });
  const version = pinned ? `@${await digestOf(`${registry}/v2/${folder}/app/manifests/1.0.0`)}` : '1.0.0';
  return { pulled: await scene.pull(name, version), ...asked };
}

/** As the registry itself says it. */
async function digestOf(url: string): Promise<string> {
  const { user, password } = scene.releases.stack.registryLogin;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const accept = 'application/vnd.oci.image.manifest.v1+json';
  const answer = await fetch(`http://${url}`, { method: 'HEAD', headers: { authorization, accept } });
  return answer.headers.get('docker-content-digest') ?? '';
}

const only = (paths: readonly string[]): readonly string[] => [...new Set(paths)].sort();

describe('a mirror', () => {
  it('gives the bytes, by the digest that the registry has for the version', async () => {
    const { pulled, origin, mirror } = await pull('has-it', {});
    assert.deepEqual([pulled, only(origin), only(mirror)], ['1.0.0', ['manifests'], ['blobs']]);
  });

  it('that does not have it is no obstacle', async () => {
    const { pulled, origin, mirror } = await pull('lacks-it', { at: 'nowhere' });
    assert.deepEqual([pulled, only(origin), only(mirror)], ['1.0.0', ['blobs', 'manifests'], ['blobs']]);
  });

  it('whose login is not there is no obstacle', async () => {
    const auth = { basic: { secretRef: { name: 'nowhere' } } };
    const { pulled, origin, mirror } = await pull('no-login', { auth });
    assert.deepEqual([pulled, only(origin), only(mirror)], ['1.0.0', ['blobs', 'manifests'], []]);
  });

  it('that gives other bytes is not believed', async () => {
    const flip = (body: Buffer): Buffer => Buffer.from(body.map((byte, at) => (at === 20 ? (byte + 1) % 256 : byte)));
    const alter: Case['alter'] = (path, body) => (path.includes('/blobs/') ? flip(body) : body);
    const { pulled, origin, mirror } = await pull('lies', { alter });
    assert.deepEqual([pulled, only(origin), only(mirror)], ['1.0.0', ['blobs', 'manifests'], ['blobs']]);
  });

  it('that fails is told of once, and again when it works', async () => {
    const folder = uniqueName('mirrored');
    const { registry } = scene.releases.stack;
    let broken = true;
    const link = await forwardHttp(registry, (path, body) =>
      broken && path.includes('/blobs/') ? Buffer.from(body.toReversed()) : body,
    );
    links.push(link);
    const mirror = `oci://${link.address}/${folder}`;
    await scene.repository('told-mirror', mirror, { auth: WITH_LOGIN });
    await scene.repository('told', `oci://${registry}/${folder}`, { auth: WITH_LOGIN, mirror });
    const publish = (version: string): Promise<string> => {
      const files = { 'values.yaml': `message: ${folder}-${version}\nreplicas: 1\npodLabels: {}\n` };
      return pushChart(scene.releases.stack, { name: 'app', version, files }, folder);
    };
    const told = async (): Promise<readonly string[]> => {
      const events = await scene.releases.events({ namespace: scene.namespace, name: 'told' });
      return events.map(({ reason, message, count }) => `${count} ${reason}: ${message}`).toSorted();
    };
    for (const version of ['1.0.0', '1.1.0']) {
      await publish(version);
      assert.equal(await scene.pull('told', version), version);
    }
    const failed = `1 MirrorFailed: a chart comes from oci://${registry}/${folder} instead of the mirror ${mirror}: `;
    const [first = '', ...more] = await told();
    assert.ok(first.startsWith(`${failed}registry ${link.address} sent something else than chart app 1.0.0`), first);
    assert.deepEqual(more, []);
    broken = false;
    await publish('1.2.0');
    assert.equal(await scene.pull('told', '1.2.0'), '1.2.0');
    assert.deepEqual(await told(), [first, `1 MirrorWorks: charts come from the mirror ${mirror} again`]);
  });

  it('is all that a version needs that is pinned by digest', async () => {
    const { pulled, origin, mirror } = await pull('pinned', { pinned: true });
    assert.deepEqual([pulled, only(origin), only(mirror)], ['1.0.0', [], ['blobs', 'manifests']]);
  });
});
