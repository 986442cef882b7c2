import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlockRelease } from '../../../activities/mend-release.ts';
import { isAlive } from '../../../activities/process/identity.ts';
import type { HelmProcess } from '../../../workflows/core/model.ts';
import { pushChart } from '../../support/chart.ts';
import { uniqueName } from '../../support/harness.ts';
import { useReleases, type Releases } from './releases.ts';

let releases: Releases;
let stuck: string;

const HOOK = `{{- if .Values.stuck }}
apiVersion: batch/v1
kind: Job
metadata: { name: hook, annotations: { helm.sh/hook: pre-install } }
spec:
  template:
    spec:
      restartPolicy: Never
      nodeSelector: { never: there }
      containers: [{ name: main, image: registry.example.com/hook:1 }]
{{- end }}
`;

before(async () => {
  releases = await useReleases();
  const files = { 'templates/hook.yaml': HOOK };
  stuck = await pushChart(releases.stack, { name: 'stuck', version: '1.0.0', files }, uniqueName('guard-test'));
});
after(() => releases.release());

describe('the guard', () => {
  it('lets helm not outlive a worker that is killed', async () => {
    const ref = { namespace: await releases.addNamespace(), name: 'app' };
    await releases.declare(ref, {
      chart: { name: 'stuck', version: '1.0.0', ociRepository: stuck },
      values: 'stuck: true\n',
    });
    const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
    const { stack, cluster, tools } = releases;
    const deps = JSON.stringify({
      folders: tools.folders,
      executables: tools.executables,
      kubeconfig: tools.kubeconfig,
      settings: tools.settings,
    });
    const source = `
      import { createKube } from ${at('../../../activities/kube/client.ts')};
      import { readHelmRelease } from ${at('../../../activities/kube/helm-release.ts')};
      import { createToolbox } from ${at('../../../activities/operation.ts')};
      import { writeRelease } from ${at('../../../activities/write-release.ts')};
      const kube = createKube({ kubeconfig: ${JSON.stringify(stack.kubeconfig)}, context: null });
      const ref = ${JSON.stringify(ref)};
      const { object, spec } = await readHelmRelease(kube, ref);
      const input = { cluster: ${JSON.stringify(cluster)}, ref, uid: object.uid, generation: object.generation,
        action: 'install', replace: false, digest: spec.digest, attempt: 'doomed', expectRevision: null };
      const call = { signal: new AbortController().signal, attempt: 1, since: 0, heartbeat: (seen) => console.log(JSON.stringify(seen)) };
      await writeRelease(createToolbox({ kube, ...${deps} }), input, call);`;
    const worker = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    worker.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while ((await releases.records(ref)).length === 0) await sleep(50);
    const seen = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as HelmProcess | null);
    const helmProcess = seen.at(-1);
    assert.ok(helmProcess != null);
    assert.equal(await isAlive(helmProcess), 'alive');
    worker.kill('SIGKILL');
    while ((await isAlive(helmProcess)) === 'alive') await sleep(20);
    assert.deepEqual(await releases.records(ref), [{ revision: 1, status: 'pending-install' }]);
    await unlockRelease(releases.tools, {
      ref,
      release: ref,
      revision: 1,
      lost: { attempt: 'doomed', process: helmProcess, deadAt: Date.now() + 3_600_000 },
      leaseOver: false,
      reason: 'its worker died',
    });
    await releases.declare(ref, { chart: { name: 'stuck', version: '1.0.0', ociRepository: stuck } });
    assert.equal((await releases.write(ref, 'upgrade')).written.revision, 2);
  });
});
