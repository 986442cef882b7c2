/** Charts from a repository over HTTP on real parts: installed, and followed. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { chartRepository } from '../support/chart-repository.ts';
import {
  conditionOf,
  eventually,
  isReady,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';

const API = 'helm-operator.ketches.cn/v1alpha1';
const login = { username: 'reader', password: 'p' };
let holdfast: Holdfast;

before(async () => {
  holdfast = await startHoldfast();
});

const has = (version: string) => (live: Live) =>
  isReady(live) && live.status?.helmRelease?.['chart'] === `app-${version}`;

describe('a HelmRepository of type helm', () => {
  it('is Ready with what its index holds, and releases follow the index', async () => {
    const repository = await chartRepository(holdfast.stack.bin, { login });
    await repository.publish({ name: 'app', version: '1.0.0' }, { name: 'app', version: '2.0.0-rc.1' });
    await holdfast.kubectl(['create', 'namespace', 'classic']);
    const object = (kind: string, name: string, spec: object): object => ({
      apiVersion: API,
      kind,
      metadata: { namespace: 'classic', name },
      spec,
    });
    const chart = (version: string): object => ({ name: 'app', version, repository: { name: 'charts' } });
    await holdfast.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'classic', name: 'login' }, stringData: login },
      object('HelmRepository', 'charts', {
        url: repository.url,
        type: 'helm',
        auth: { basic: { secretRef: { name: 'login' } } },
        interval: '10s',
        valuesConfigMapPolicy: 'lazy',
      }),
      object('HelmRelease', 'exact', { chart: chart('1.0.0') }),
      // Only because the index changes does it look again in time.
      object('HelmRelease', 'newest', { chart: chart(''), interval: '24h' }),
    );
    const shown = await eventually(holdfast, ['helmrepository', 'classic', 'charts'], isReady);
    assert.equal(conditionOf(shown, 'Ready').message, 'the index has 1 chart in 2 versions');
    await eventually(holdfast, ['helmrelease', 'classic', 'exact'], has('1.0.0'));
    await eventually(holdfast, ['helmrelease', 'classic', 'newest'], has('1.0.0'));
    await repository.publish({ name: 'app', version: '1.1.0' });
    const live = await eventually(holdfast, ['helmrelease', 'classic', 'newest'], has('1.1.0'));
    await eventually(holdfast, ['configmap', 'classic', 'helm-values-charts-app-1-1-0'], () => true);
    const { indexDigest } = (await holdfast.get('helmrepository', 'classic', 'charts')).status ?? {};
    assert.notEqual(indexDigest, shown.status?.['indexDigest']);
    const { digest } = live.status?.['resolved'] as { digest?: string }; // of our CRD
    assert.match(digest ?? '', /^sha256:[0-9a-f]{64}$/);
    assert.equal((await releaseHistory(holdfast, 'classic', 'newest')).length, 2);
    assert.equal((await releaseHistory(holdfast, 'classic', 'exact')).length, 1);
  });
});
