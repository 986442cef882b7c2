import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readyReason } from '../../../activities/kube/kstatus.ts';
import type { Manifest } from '../../../activities/ports.ts';

interface Row {
  readonly name: string;
  readonly kind: readonly [string, string];
  readonly spec?: object;
  readonly status?: object;
  readonly metadata?: object;
  readonly jobs?: boolean;
  readonly reason: string | null;
}

const deployment = ['apps/v1', 'Deployment'] as const;
const statefulSet = ['apps/v1', 'StatefulSet'] as const;
const daemonSet = ['apps/v1', 'DaemonSet'] as const;
const job = ['batch/v1', 'Job'] as const;
const pod = ['v1', 'Pod'] as const;
const condition = (type: string, status: string, message = '') => ({ type, status, message, reason: '' });
const up = (n: number) => ({ replicas: n, updatedReplicas: n, readyReplicas: n, availableReplicas: n });

const rows: readonly Row[] = [
  { name: 'deployment, all pods up', kind: deployment, spec: { replicas: 2 }, status: up(2), reason: null },
  { name: 'deployment scaled to nothing', kind: deployment, spec: { replicas: 0 }, status: {}, reason: null },
  { name: 'deployment without status', kind: deployment, reason: 'has no status yet' },
  {
    name: 'deployment whose controller lags',
    kind: deployment,
    metadata: { generation: 3 },
    status: { observedGeneration: 2, ...up(1) },
    reason: 'its controller has not seen generation 3 yet',
  },
  {
    name: 'deployment in the middle of a rollout',
    kind: deployment,
    spec: { replicas: 3 },
    status: { ...up(3), updatedReplicas: 1 },
    reason: '1 of 3 pods are updated',
  },
  {
    name: 'deployment with old pods',
    kind: deployment,
    spec: { replicas: 2 },
    status: { ...up(2), replicas: 3 },
    reason: '1 old pods still run',
  },
  {
    name: 'deployment with pods that are not ready',
    kind: deployment,
    spec: { replicas: 2 },
    status: { ...up(2), readyReplicas: 0, availableReplicas: 0 },
    reason: '0 of 2 pods are ready',
  },
  {
    name: 'deployment past its progress deadline',
    kind: deployment,
    status: { conditions: [{ ...condition('Progressing', 'False', 'timed out'), reason: 'ProgressDeadlineExceeded' }] },
    reason: 'makes no progress: timed out',
  },
  { name: 'paused deployment', kind: deployment, spec: { paused: true }, status: {}, reason: null },
  {
    name: 'being deleted',
    kind: deployment,
    metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
    status: up(1),
    reason: 'is being deleted',
  },
  {
    name: 'statefulset, all pods of one revision',
    kind: statefulSet,
    status: { ...up(1), currentRevision: 'a', updateRevision: 'a' },
    reason: null,
  },
  {
    name: 'statefulset between two revisions',
    kind: statefulSet,
    status: { ...up(1), currentRevision: 'a', updateRevision: 'b' },
    reason: 'not every pod is of the newest revision',
  },
  {
    name: 'statefulset with a partition',
    kind: statefulSet,
    spec: { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
    status: { ...up(3), updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
    reason: null,
  },
  {
    name: 'statefulset updated on delete',
    kind: statefulSet,
    spec: { updateStrategy: { type: 'OnDelete' } },
    status: {},
    reason: null,
  },
  {
    name: 'statefulset without pods',
    kind: statefulSet,
    spec: { replicas: 2 },
    status: {},
    reason: '0 of 2 pods exist',
  },
  { name: 'daemonset not seen yet', kind: daemonSet, status: {}, reason: 'has not been observed yet' },
  { name: 'daemonset on no node', kind: daemonSet, status: { observedGeneration: 1 }, reason: null },
  {
    name: 'daemonset with one pod missing',
    kind: daemonSet,
    status: {
      observedGeneration: 1,
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
      numberReady: 1,
    },
    reason: '1 of 2 pods are ready',
  },
  { name: 'job that runs, not to be waited for', kind: job, status: {}, reason: null },
  { name: 'job that runs', kind: job, jobs: true, status: {}, reason: 'is not complete' },
  {
    name: 'job that is complete',
    kind: job,
    jobs: true,
    status: { conditions: [condition('Complete', 'True')] },
    reason: null,
  },
  {
    name: 'job that failed',
    kind: job,
    jobs: true,
    status: { conditions: [condition('Failed', 'True', 'back-off limit reached')] },
    reason: 'has failed: back-off limit reached',
  },
  { name: 'pod that ended well', kind: pod, status: { phase: 'Succeeded' }, reason: null },
  {
    name: 'pod that is ready',
    kind: pod,
    status: { phase: 'Running', conditions: [condition('Ready', 'True')] },
    reason: null,
  },
  {
    name: 'pod that fits on no node',
    kind: pod,
    status: { phase: 'Pending', conditions: [condition('PodScheduled', 'False', '0/1 nodes are available')] },
    reason: 'cannot be scheduled: 0/1 nodes are available',
  },
  { name: 'pod that has not begun', kind: pod, status: { phase: 'Pending' }, reason: 'is Pending' },
  { name: 'claim that is bound', kind: ['v1', 'PersistentVolumeClaim'], status: { phase: 'Bound' }, reason: null },
  {
    name: 'claim that waits',
    kind: ['v1', 'PersistentVolumeClaim'],
    status: { phase: 'Pending' },
    reason: 'is Pending',
  },
  { name: 'cluster-internal service', kind: ['v1', 'Service'], spec: { type: 'ClusterIP' }, status: {}, reason: null },
  {
    name: 'definition that is not served yet',
    kind: ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
    status: {},
    reason: 'is not established yet',
  },
  { name: 'unknown kind without status', kind: ['example.com/v1', 'Thing'], reason: null },
  {
    name: 'unknown kind that says it is not ready',
    kind: ['example.com/v1', 'Thing'],
    status: { conditions: [condition('Ready', 'False', 'no database')] },
    reason: 'is not ready: no database',
  },
  {
    name: 'unknown kind that is stalled',
    kind: ['example.com/v1', 'Thing'],
    status: { conditions: [condition('Ready', 'Unknown'), { ...condition('Stalled', 'True'), reason: 'Broken' }] },
    reason: 'is stalled: Broken',
  },
  {
    name: 'a message of a condition goes on in our sentence, without its full stop',
    kind: deployment,
    status: {
      conditions: [
        {
          type: 'Progressing',
          status: 'False',
          reason: 'ProgressDeadlineExceeded',
          message: 'app timed out progressing.',
        },
      ],
    },
    reason: 'makes no progress: app timed out progressing',
  },
  {
    name: 'a status of an unexpected shape is no crash',
    kind: deployment,
    status: { replicas: 'many' },
    reason: '0 of 1 pods are updated',
  },
];

describe('readyReason', () => {
  for (const { name, kind, spec, status, metadata, jobs = false, reason } of rows) {
    it(name, () => {
      const [apiVersion, kindName] = kind;
      const live: Manifest = {
        apiVersion,
        kind: kindName,
        metadata: { name: 'x', generation: 1, ...metadata },
        ...(spec === undefined ? {} : { spec }),
        ...(status === undefined ? {} : { status }),
      };
      assert.equal(readyReason(live, { waitForJobs: jobs }), reason);
    });
  }
});
