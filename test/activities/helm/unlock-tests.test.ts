import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { createStorage } from '../../../activities/helm/storage.ts';
import { unlockRelease } from '../../../activities/mend-release.ts';
import { identify, isAlive } from '../../../activities/process/identity.ts';
import type { LostHelm } from '../../../workflows/core/model.ts';
import { pushChart } from '../../support/chart.ts';
import { uniqueName } from '../../support/harness.ts';
import { useReleases, type Releases } from './releases.ts';

let releases: Releases;
let url: string;

before(async () => {
  releases = await useReleases();
  url = await pushChart(releases.stack, { name: 'app', version: '1.0.0' }, uniqueName('unlock-tests'));
});
after(() => releases.release());

describe('unlockRelease after a test', () => {
  it('changes no record, but makes sure that the helm is dead', async () => {
    const ref = { namespace: await releases.addNamespace(), name: 'app' };
    await releases.declare(ref, { chart: { name: 'app', version: '1.0.0', ociRepository: url } });
    await releases.write(ref);
    const [record] = await createStorage(releases.tools.kube, ref).list();
    const helm = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore' });
    await once(helm, 'spawn');
    const process = await identify(helm.pid ?? 0);
    assert.ok(process !== null);
    const lost = { attempt: record?.attempt ?? '', process, deadAt: Date.now() + 3_600_000 };
    const look = (given: LostHelm): Promise<void> =>
      unlockRelease(releases.tools, {
        ref,
        release: ref,
        revision: 1,
        leaseOver: false,
        reason: 'its worker died',
        lost: given,
        tests: true,
      });
    await assert.rejects(look({ ...lost, process: { ...process, host: 'elsewhere' } }), {
      code: 'RecordLocked',
      message: /its helm may still run elsewhere until/,
    });
    assert.equal(await isAlive(process), 'alive');
    await look(lost);
    assert.equal(await isAlive(process), 'dead');
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'deployed' }]);
  });
});
