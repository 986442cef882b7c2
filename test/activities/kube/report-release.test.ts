import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createLastSeen } from '../../../activities/kube/last-seen.ts';
import { reportStatus } from '../../../activities/kube/release-status.ts';
import type { KubeRequest, Manifest } from '../../../activities/ports.ts';
import { kubectl, uniqueName } from '../../support/harness.ts';
import { counted, type TestCluster, useCluster } from './cluster.ts';
import { attempt, helmRecord, helmRelease, history, report } from './release-fixtures.ts';

describe('reportStatus', () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await useCluster();
  });
  after(() => cluster.release());

  interface Applied {
    readonly ref: { readonly namespace: string; readonly name: string };
    readonly uid: string;
  }

  async function apply(spec: object = {}, metadata: object = {}): Promise<Applied> {
    const ref = { namespace: cluster.namespace, name: uniqueName('web') };
    const applied = await cluster.apply(helmRelease(ref, spec, metadata));
    return { ref, uid: applied.metadata.uid ?? '' };
  }

  const path = ({ namespace, name }: Applied['ref']): string =>
    `/apis/helm-operator.ketches.cn/v1alpha1/namespaces/${namespace}/helmreleases/${name}`;
  const read = (ref: Applied['ref']): Promise<Manifest> => cluster.kube.request({ method: 'GET', path: path(ref) });
  const remove = (ref: Applied['ref']): Promise<unknown> => cluster.kube.request({ method: 'DELETE', path: path(ref) });

  it('writes conditions, history, failures and what is not ready, and takes them back', async () => {
    const { ref, uid } = await apply();
    const failure = { code: 'InstallFailed', message: 'no such image' } as const;
    await reportStatus(
      cluster.kube,
      report(ref, uid, {
        phase: 'Failed',
        conditions: [{ type: 'Ready', status: 'False', reason: 'InstallFailed', message: 'no such image' }],
        history: history({
          recent: [
            attempt({ outcome: 'failedAfterWrite', failure }),
            attempt({ n: 2, outcome: 'running', endedAt: null, revision: null }),
          ],
          notReady: [{ object: 'Deployment a/web', reason: 'no such image' }],
          handledRequestedAt: 'a',
        }),
      }),
    );
    const first = (await read(ref))['status'] as Status;
    assert.deepEqual(first, {
      observedGeneration: 1,
      phase: 'Failed',
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'InstallFailed',
          message: 'no such image',
          lastTransitionTime: first.conditions[0]?.lastTransitionTime,
          observedGeneration: 1,
        },
      ],
      failures: [{ time: '2026-01-02T03:04:06.000Z', reason: 'InstallFailed', message: 'no such image' }],
      history: [
        {
          attempt: 1,
          action: 'install',
          because: 'nothing is installed',
          outcome: 'failedAfterWrite',
          version: '1.2.3',
          configDigest: 'digest',
          revision: 1,
          startedAt: '2026-01-02T03:04:05.000Z',
          endedAt: '2026-01-02T03:04:06.000Z',
          reason: 'InstallFailed',
          message: 'no such image',
          workflowId: 'local/helmrelease/a/b/install/1',
          runId: 'run',
        },
        {
          attempt: 2,
          action: 'install',
          because: 'nothing is installed',
          outcome: 'running',
          version: '1.2.3',
          configDigest: 'digest',
          startedAt: '2026-01-02T03:04:05.000Z',
          workflowId: 'local/helmrelease/a/b/install/1',
          runId: 'run',
        },
      ],
      notReady: [{ object: 'Deployment a/web', reason: 'no such image' }],
      lastAttemptedRevision: '1.2.3',
      lastHandledRequestedAt: 'a',
      workflowId: 'local/helmrelease/a/b',
      runId: 'run',
    });
    await reportStatus(cluster.kube, report(ref, uid));
    const second = (await read(ref))['status'] as Status;
    assert.deepEqual([second.phase, second.failures, second.notReady], ['Ready', [], []]);
    assert.equal(second['lastHandledRequestedAt'], undefined);
  });

  it('writes nothing when nothing changed, and keeps the transition time while the status stays', async () => {
    const { ref, uid } = await apply();
    await reportStatus(cluster.kube, report(ref, uid));
    const before = await read(ref);
    await reportStatus(cluster.kube, report(ref, uid));
    assert.equal((await read(ref)).metadata.resourceVersion, before.metadata.resourceVersion);
    const reworded = [{ type: 'Ready', status: 'True', reason: 'UpgradeSucceeded', message: 'other' }] as const;
    await reportStatus(cluster.kube, report(ref, uid, { conditions: reworded }));
    const [condition] = ((await read(ref))['status'] as Status).conditions;
    assert.equal(condition?.message, 'other');
    assert.equal(condition.lastTransitionTime, (before['status'] as Status).conditions[0]?.lastTransitionTime);
  });

  it('describes the revision, without values, and again when its status changes', async () => {
    const { ref, uid } = await apply();
    await cluster.apply(
      helmRecord(ref, { revision: 1, status: 'pending-install', description: 'Initial install underway' }),
    );
    await reportStatus(cluster.kube, report(ref, uid, { revision: 1 }));
    const block = {
      name: ref.name,
      namespace: ref.namespace,
      revision: 1,
      chart: 'web-1.2.3',
      appVersion: '9',
      firstDeployed: '2026-01-02T03:04:05.123Z',
      lastDeployed: '2026-01-02T02:04:06.500Z',
    };
    const told = async (): Promise<unknown> => ((await read(ref))['status'] as Status).helmRelease;
    assert.deepEqual(await told(), { ...block, status: 'pending-install', description: 'Initial install underway' });
    await cluster.apply(
      helmRecord(ref, {
        revision: 1,
        status: 'failed',
        description: 'Release "web" failed: spec.x: Invalid value: "canary"',
      }),
    );
    await reportStatus(cluster.kube, report(ref, uid, { revision: 1 }));
    assert.deepEqual(await told(), { ...block, status: 'failed', description: 'Release "web" failed' });
    await reportStatus(cluster.kube, report(ref, uid));
    assert.equal(await told(), undefined);
    assert.ok(!JSON.stringify(await read(ref)).includes('canary'));
  });

  it('writes Events that describe shows, and counts repeated ones', async () => {
    const { ref, uid } = await apply();
    const events = [{ type: 'Warning', reason: 'UpgradeFailed', message: 'no such image' }] as const;
    await reportStatus(cluster.kube, report(ref, uid, { events }));
    await reportStatus(cluster.kube, report(ref, uid, { events }));
    await reportStatus(
      cluster.kube,
      report(ref, uid, { events: [{ type: 'Normal', reason: 'UpgradeSucceeded', message: 'x'.repeat(2_000) }] }),
    );
    const described = await kubectl(cluster.stack, ['describe', 'helmrelease', ref.name, '-n', ref.namespace]);
    assert.match(described, /Warning +UpgradeFailed +\S+ \(x2 over \S+\) +holdfast +no such image/);
    assert.match(described, /Normal +UpgradeSucceeded/);
    const listed = await kubectl(cluster.stack, ['get', 'events', '-n', ref.namespace, '--sort-by=.lastTimestamp']);
    assert.match(listed, new RegExp(`Warning +UpgradeFailed +helmrelease/${ref.name} +no such image`));
  });

  it('starts from what was seen last, without another read, and again from the object when that was changed since', async () => {
    const { ref, uid } = await apply();
    const { kube, asked } = counted(cluster.kube);
    const seen = createLastSeen();
    seen.note(await read(ref), null);
    await reportStatus(kube, report(ref, uid), seen);
    await reportStatus(kube, report(ref, uid, { phase: 'Installing' }), seen);
    assert.deepEqual(methodsOf(asked.splice(0)), ['PATCH', 'PATCH']);
    seen.note(await read(ref), null);
    await cluster.apply(helmRelease(ref, { suspend: true }));
    const events = [{ type: 'Normal', reason: 'Told', message: 'once' }] as const;
    await reportStatus(kube, report(ref, uid, { phase: 'Suspended', events }), seen);
    assert.deepEqual(methodsOf(asked.splice(0)), ['POST', 'PATCH', 'GET', 'PATCH']);
    assert.equal(((await read(ref))['status'] as Status).phase, 'Suspended');
    assert.equal((await read(ref)).metadata.generation, 2);
  });

  it('does not describe what was seen of another object of that name', async () => {
    const { ref, uid } = await apply();
    const seen = createLastSeen();
    seen.note(await read(ref), null);
    await remove(ref);
    const next = await cluster.apply(helmRelease(ref));
    await reportStatus(cluster.kube, report(ref, uid), seen);
    assert.equal((await read(ref))['status'], undefined);
    await reportStatus(cluster.kube, report(ref, next.metadata.uid ?? ''), seen);
    assert.equal(((await read(ref))['status'] as Status).phase, 'Ready');
  });

  it('reads no label of a revision that was seen to be as the status tells', async () => {
    const { ref, uid } = await apply();
    await cluster.apply(helmRecord(ref, { revision: 1, status: 'deployed', description: 'Install complete' }));
    await reportStatus(cluster.kube, report(ref, uid, { revision: 1 }));
    const { kube, asked } = counted(cluster.kube);
    const seen = createLastSeen();
    seen.note(await read(ref), { ...ref, revision: 1, status: 'deployed' });
    await reportStatus(kube, report(ref, uid, { revision: 1 }), seen);
    assert.deepEqual(methodsOf(asked.splice(0)), []);
    seen.note(await read(ref), { ...ref, revision: 1, status: 'superseded' });
    await reportStatus(kube, report(ref, uid, { revision: 1 }), seen);
    assert.deepEqual(methodsOf(asked), ['GET']);
  });

  it('is what kubectl wait waits for', async () => {
    const { ref, uid } = await apply();
    const waiting = kubectl(cluster.stack, [
      'wait',
      '--for=condition=Ready',
      `helmrelease/${ref.name}`,
      '-n',
      ref.namespace,
      '--timeout=20s',
    ]);
    await reportStatus(cluster.kube, report(ref, uid));
    assert.match(await waiting, /condition met/);
  });

  it('leaves an object alone that is gone or another by now', async () => {
    const { ref } = await apply();
    await reportStatus(cluster.kube, report(ref, 'another'));
    assert.equal((await read(ref))['status'], undefined);
    await remove(ref);
    await reportStatus(
      cluster.kube,
      report(ref, 'another', { events: [{ type: 'Normal', reason: 'A', message: 'b' }] }),
    );
  });
});

const methodsOf = (asked: readonly KubeRequest[]) => asked.map(({ method }) => method);

interface Status {
  readonly phase: string;
  readonly conditions: readonly { readonly message: string; readonly lastTransitionTime: string }[];
  readonly failures: readonly unknown[];
  readonly notReady: readonly unknown[];
  readonly helmRelease?: unknown;
  readonly [field: string]: unknown;
}
