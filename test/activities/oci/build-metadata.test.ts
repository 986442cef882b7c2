/** Versions that differ in their build metadata alone, in the real registry. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { pushChart } from '../../support/chart.ts';
import { uniqueName } from '../../support/harness.ts';
import { useRegistryScene, WITH_LOGIN, type RegistryScene } from './scene.ts';

let scene: RegistryScene;
const folder = uniqueName('builds');

const push = (version: string): Promise<string> => pushChart(scene.releases.stack, { name: 'app', version }, folder);

before(async () => {
  scene = await useRegistryScene('builds');
  await scene.repository('app', `oci://${scene.releases.stack.registry}/${folder}`, { auth: WITH_LOGIN });
  for (const version of ['1.2.3+b.9', '1.2.3+b.10', '1.2.3-rc.1+b.11', '1.2.30+b.1']) await push(version);
});
after(() => scene.releases.release());

describe('an exact version without build metadata', () => {
  it('is the newest of those that have some, and no other version', async () => {
    assert.equal(await scene.pull('app', '1.2.3'), '1.2.3+b.10');
    assert.equal(await scene.pull('app', '1.2.3-rc.1'), '1.2.3-rc.1+b.11');
  });

  it('with it, is that one', async () => {
    assert.equal(await scene.pull('app', '1.2.3+b.9'), '1.2.3+b.9');
    assert.partialDeepStrictEqual([await scene.pull('app', '1.2.3+b.8')], [{ code: 'ChartNotFound' }]);
  });

  it('that is not there at all is named as it was asked for', async () => {
    const { registry } = scene.releases.stack;
    const message = `chart app 1.2.4 is not at oci://${registry}/${folder}/app; list what is: oras repo tags ${registry}/${folder}/app`;
    assert.deepEqual(await scene.pull('app', '1.2.4'), { code: 'ChartNotFound', message });
  });

  it('comes first where a tag says just that', async () => {
    await push('1.2.3');
    assert.equal(await scene.pull('app', '1.2.3'), '1.2.3');
  });
});
