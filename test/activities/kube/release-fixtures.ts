import { gzipSync } from 'node:zlib';
import type { Manifest } from '../../../activities/ports.ts';
import type { ReleaseReport } from '../../../activities/types.ts';
import { EMPTY_HISTORY } from '../../../workflows/core/history.ts';
import type { ObjectRef } from '../../../workflows/core/ids.ts';
import type { AttemptRecord, History } from '../../../workflows/core/model.ts';

/** A HelmRelease of a chart that nobody pulls. */
export function helmRelease(ref: ObjectRef, spec: object = {}, metadata: object = {}): Manifest {
  return {
    apiVersion: 'helm-operator.ketches.cn/v1alpha1',
    kind: 'HelmRelease',
    metadata: { ...ref, ...metadata },
    spec: { chart: { name: 'web', version: '1.2.3', ociRepository: 'oci://registry.example.com/web' }, ...spec },
  };
}

export interface RecordOptions {
  readonly revision: number;
  readonly status: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A record as Helm stores it. */
export function helmRecord(release: ObjectRef, { revision, status, description, labels }: RecordOptions): Manifest {
  const body = {
    name: release.name,
    namespace: release.namespace,
    version: revision,
    info: {
      first_deployed: '2026-01-02T03:04:05.123456789Z',
      last_deployed: '2026-01-02T03:04:06.5+01:00',
      description: description ?? 'Install complete',
      status,
    },
    chart: { metadata: { name: 'web', version: '1.2.3', appVersion: '9' }, values: { password: 'canary' } },
    config: { password: 'canary' },
    manifest: 'password: canary',
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace: release.namespace,
      name: `sh.helm.release.v1.${release.name}.v${String(revision)}`,
      labels: {
        owner: 'helm',
        name: release.name,
        status,
        version: String(revision),
        createdAt: '1767323045',
        ...labels,
      },
    },
    type: 'helm.sh/release.v1',
    data: { release: Buffer.from(gzipSync(JSON.stringify(body)).toString('base64')).toString('base64') },
  };
}

export function attempt(overrides: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    n: 1,
    label: 'label',
    action: 'install',
    because: 'nothing is installed',
    digest: 'digest',
    version: '1.2.3',
    sourceRevision: null,
    workflowId: 'local/helmrelease/a/b/install/1',
    runId: 'run',
    startedAt: 1_767_323_045_000,
    endedAt: 1_767_323_046_000,
    outcome: 'succeeded',
    revision: 1,
    chartDigest: null,
    failure: null,
    ...overrides,
  };
}

export function history(overrides: Partial<History> = {}): History {
  return { ...EMPTY_HISTORY, attempts: 1, recent: [attempt()], digest: 'digest', held: true, ...overrides };
}

export function report(ref: ObjectRef, uid: string, overrides: Partial<ReleaseReport> = {}): ReleaseReport {
  return {
    ref,
    uid,
    generation: 1,
    workflowId: 'local/helmrelease/a/b',
    runId: 'run',
    conditions: [{ type: 'Ready', status: 'True', reason: 'InstallSucceeded', message: 'revision 1 is deployed' }],
    release: ref,
    revision: null,
    history: history(),
    phase: 'Ready',
    events: [],
    ...overrides,
  };
}
