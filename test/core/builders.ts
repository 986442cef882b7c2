import { EMPTY_HISTORY } from '../../workflows/core/history.ts';
import type {
  AttemptRecord,
  Desired,
  FailurePolicy,
  History,
  Look,
  ReleaseObject,
  Remediation,
  StoredRelease,
} from '../../workflows/core/model.ts';

export const NOW = 1_800_000_000_000;

export function desired(change: Partial<Desired> = {}): Desired {
  const options = { timeoutMs: 600_000, wait: true, waitForJobs: true, cleanupOnFail: false };
  return {
    digest: 'd1',
    chart: { name: 'app', version: '1.0.0', url: 'oci://registry.example.com/charts/app' },
    release: { namespace: 'default', name: 'app' },
    install: options,
    upgrade: { ...options, cleanupOnFail: true },
    uninstall: { timeoutMs: 300_000, keepHistory: false },
    ...change,
  };
}

export function object(change: Partial<ReleaseObject> = {}): ReleaseObject {
  return {
    uid: '00000000-0000-0000-0000-000000000001',
    generation: 1,
    deleting: false,
    suspension: null,
    intervalMs: 600_000,
    requestedAt: null,
    source: null,
    spec: { kind: 'valid', desired: desired() },
    ...change,
  };
}

/** What follows a failure: nothing but another try, unless a test asks for it. */
export function remediation(change: Partial<Remediation> = {}): Remediation {
  const none: FailurePolicy = { retries: null, remedy: null, remediateLast: false };
  const rollback = { timeoutMs: 300_000, wait: true, waitForJobs: true, cleanupOnFail: true };
  return { install: none, upgrade: none, rollback, ...change };
}

/** A healthy revision 3 that was made from the desired state. */
export function stored(change: Partial<StoredRelease> = {}): StoredRelease {
  return {
    revision: 3,
    status: 'deployed',
    owner: 'o1',
    ownedByUs: true,
    otherOwner: null,
    digest: 'd1',
    attempt: 'a1',
    deployedRevision: 3,
    rollbackRevision: 2,
    changedAt: NOW - 1000,
    ...change,
  };
}

export function look(change: Partial<Look> = {}): Look {
  return { object: object(), stored: stored(), ...change };
}

export function history(change: Partial<History> = {}): History {
  return { ...EMPTY_HISTORY, uid: object().uid, digest: 'd1', readyRevision: 3, ...change };
}

export function attempt(change: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    n: 1,
    label: 'a1',
    action: 'upgrade',
    because: 'chart, version or values changed',
    digest: 'd1',
    version: '1.0.0',
    sourceRevision: null,
    workflowId: 'local/helmrelease/default/app/upgrade/1',
    runId: 'r1',
    startedAt: NOW - 5000,
    endedAt: NOW - 1000,
    outcome: 'succeeded',
    revision: 3,
    chartDigest: 'sha256:c1',
    failure: null,
    ...change,
  };
}
