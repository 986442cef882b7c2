/** Registries that want to be left alone: they are, by everyone, until their time is over. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { releaseStatus, sourceStatus } from '../../workflows/contract.ts';
import { until } from '../support/harness.ts';
import { eventually, helmRelease, reasonIs, startHoldfast, type Holdfast } from '../support/holdfast.ts';
import { serveWeb } from '../support/web.ts';

/** More than any back-off of ours would be by itself after one failure. */
const LONG_MS = 5 * 60_000;
const RETRY_AFTER = { 'retry-after': '840' };

let holdfast: Holdfast;

before(async () => {
  holdfast = await startHoldfast();
});

/** When it is looked at again, as soon as that is decided. */
async function nextLookOf(kind: 'helmrelease' | 'helmrepository', namespace: string, name: string): Promise<number> {
  const handle = holdfast.client.workflow.getHandle(`${holdfast.cluster}/${kind}/${namespace}/${name}`);
  const ask = async (): Promise<number | null> => {
    const status = await (kind === 'helmrelease' ? handle.query(releaseStatus) : handle.query(sourceStatus));
    return status.nextLookAt;
  };
  return (await until(ask, (at) => at !== null, `the next look at ${kind} ${name}`)) ?? 0;
}

describe('a registry that answers "too many requests"', () => {
  it('is asked by one release, and by no other before its time is over', async () => {
    const web = await serveWeb((_request, response) => response.writeHead(429, RETRY_AFTER).end());
    const { host } = new URL(web.origin);
    const namespace = 'limited';
    await holdfast.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    const chart = { name: 'app', version: '1.0.0', url: `oci://${host}/charts/app` };
    const began = Date.now();
    await holdfast.apply(helmRelease([namespace, 'first'], chart));
    await eventually(holdfast, ['helmrelease', namespace, 'first'], reasonIs('RateLimited'));
    const asked = web.requests.length;
    assert.ok(asked > 0);
    await holdfast.apply(helmRelease([namespace, 'exact'], chart));
    await holdfast.apply(helmRelease([namespace, 'range'], { ...chart, version: '^1.0.0' }));
    for (const name of ['exact', 'range']) {
      await eventually(holdfast, ['helmrelease', namespace, name], reasonIs('RateLimited'));
    }
    for (const name of ['first', 'exact', 'range']) {
      const at = await nextLookOf('helmrelease', namespace, name);
      assert.ok(at > began + LONG_MS, `${name} looks again ${(at - began) / 1000} s after the beginning`);
    }
    assert.equal(web.requests.length, asked);
  });

  it('is not checked before its time is over either, whatever the interval', async () => {
    const web = await serveWeb((_request, response) => response.writeHead(503, RETRY_AFTER).end());
    const ref = { namespace: 'default', name: 'busy' };
    const began = Date.now();
    await holdfast.apply({
      apiVersion: 'helm-operator.ketches.cn/v1alpha1',
      kind: 'HelmRepository',
      metadata: ref,
      spec: { url: `oci://${new URL(web.origin).host}`, type: 'oci', interval: '10s' },
    });
    await eventually(holdfast, ['helmrepository', ref.namespace, ref.name], reasonIs('RegistryUnreachable'));
    const at = await nextLookOf('helmrepository', ref.namespace, ref.name);
    assert.ok(at > began + LONG_MS, `it is checked again ${(at - began) / 1000} s after the beginning`);
    assert.equal(web.requests.length, 1);
  });
});
