import { z } from 'zod';
import type { Manifest } from '../ports.ts';

/** Null: the object is as its spec asks. Otherwise why it is not, in a few words. */
export type ReadyReason = string | null;

const Count = z.number().int().catch(0);
const Condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().catch(''),
  // In the middle of our own sentence its full stop would be wrong.
  message: z
    .string()
    .catch('')
    .transform((message) => message.replace(/\.$/, '')),
});
type Condition = z.output<typeof Condition>;

/** Fields that kinds share; what is missing or of another shape counts as not reported. */
const Fields = z.object({
  spec: z
    .object({
      replicas: z.number().int().catch(1),
      paused: z.boolean().catch(false),
      type: z.string().catch(''),
      clusterIP: z.string().catch(''),
      completions: z.number().int().catch(1),
      updateStrategy: z
        .object({ type: z.string().catch(''), rollingUpdate: z.object({ partition: Count }).catch({ partition: 0 }) })
        .catch({ type: '', rollingUpdate: { partition: 0 } }),
    })
    .catch({
      replicas: 1,
      paused: false,
      type: '',
      clusterIP: '',
      completions: 1,
      updateStrategy: { type: '', rollingUpdate: { partition: 0 } },
    }),
  status: z
    .object({
      observedGeneration: z.number().int().optional().catch(undefined),
      phase: z.string().catch(''),
      replicas: Count,
      readyReplicas: Count,
      availableReplicas: Count,
      updatedReplicas: Count,
      fullyLabeledReplicas: Count,
      desiredNumberScheduled: Count,
      currentNumberScheduled: Count,
      updatedNumberScheduled: Count,
      numberAvailable: Count,
      numberReady: Count,
      succeeded: Count,
      currentRevision: z.string().catch(''),
      updateRevision: z.string().catch(''),
      conditions: z.array(Condition).catch([]),
    })
    .optional(),
});
type Fields = z.output<typeof Fields>;
type Spec = Fields['spec'];
type Status = NonNullable<Fields['status']>;

export interface ReadyOptions {
  /** A Job is ready when it is complete; otherwise it does not count. */
  readonly waitForJobs: boolean;
}

/**
 * Whether a live object is ready, by the rules of kstatus (kubernetes-sigs/cli-utils, `pkg/kstatus/status`), which
 * Helm's own watcher and Flux follow too. As in Helm a paused Deployment counts as ready.
 */
export function readyReason(live: Manifest, options: ReadyOptions): ReadyReason {
  if (live.metadata.deletionTimestamp !== undefined) return 'is being deleted';
  const { spec, status } = Fields.parse(live);
  if (live.kind === 'Job' && live.apiVersion === 'batch/v1') return jobReason(status, options);
  const observed = status?.observedGeneration;
  const generation = live.metadata.generation;
  if (observed !== undefined && generation !== undefined && observed < generation) {
    return `its controller has not seen generation ${generation} yet`;
  }
  const rule = RULES[`${live.apiVersion} ${live.kind}`];
  if (rule !== undefined) return status === undefined ? 'has no status yet' : rule(status, spec);
  return genericReason(status?.conditions ?? []);
}

type Rule = (status: Status, spec: Spec) => ReadyReason;

const RULES: Readonly<Partial<Record<string, Rule>>> = {
  'apps/v1 Deployment': deploymentReason,
  'apps/v1 StatefulSet': statefulSetReason,
  'apps/v1 DaemonSet': daemonSetReason,
  'apps/v1 ReplicaSet': replicaSetReason,
  'v1 ReplicationController': replicaSetReason,
  'v1 Pod': podReason,
  'v1 PersistentVolumeClaim': ({ phase }) => (phase === 'Bound' ? null : `is ${phase || 'not bound'}`),
  'v1 Service': (_, spec) => (spec.type === 'LoadBalancer' && spec.clusterIP === '' ? 'has no cluster IP yet' : null),
  'apiextensions.k8s.io/v1 CustomResourceDefinition': ({ conditions }) => mustBeTrue(conditions, 'Established'),
  'apiregistration.k8s.io/v1 APIService': ({ conditions }) => mustBeTrue(conditions, 'Available'),
};

function deploymentReason(status: Status, spec: Spec): ReadyReason {
  if (spec.paused) return null;
  const progressing = find(status.conditions, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return `makes no progress: ${progressing.message}`;
  if (status.updatedReplicas < spec.replicas) return `${status.updatedReplicas} of ${spec.replicas} pods are updated`;
  if (status.replicas > status.updatedReplicas) return `${status.replicas - status.updatedReplicas} old pods still run`;
  if (status.availableReplicas < status.updatedReplicas || status.readyReplicas < spec.replicas) {
    return `${Math.min(status.availableReplicas, status.readyReplicas)} of ${spec.replicas} pods are ready`;
  }
  return null;
}

function statefulSetReason(status: Status, spec: Spec): ReadyReason {
  if (spec.updateStrategy.type === 'OnDelete') return null;
  const { partition } = spec.updateStrategy.rollingUpdate;
  if (status.replicas < spec.replicas) return `${status.replicas} of ${spec.replicas} pods exist`;
  if (status.readyReplicas < spec.replicas) return `${status.readyReplicas} of ${spec.replicas} pods are ready`;
  if (partition > 0) {
    const wanted = Math.max(0, spec.replicas - partition);
    return status.updatedReplicas < wanted ? `${status.updatedReplicas} of ${wanted} pods are updated` : null;
  }
  return status.currentRevision === status.updateRevision ? null : 'not every pod is of the newest revision';
}

function daemonSetReason(status: Status): ReadyReason {
  const wanted = status.desiredNumberScheduled;
  if (status.observedGeneration === undefined) return 'has not been observed yet';
  if (status.currentNumberScheduled < wanted) return `${status.currentNumberScheduled} of ${wanted} pods are scheduled`;
  if (status.updatedNumberScheduled < wanted) return `${status.updatedNumberScheduled} of ${wanted} pods are updated`;
  const ready = Math.min(status.numberAvailable, status.numberReady);
  return ready < wanted ? `${ready} of ${wanted} pods are ready` : null;
}

function replicaSetReason(status: Status, spec: Spec): ReadyReason {
  const failed = find(status.conditions, 'ReplicaFailure');
  if (failed?.status === 'True') return failed.message;
  if (status.fullyLabeledReplicas < spec.replicas)
    return `${status.fullyLabeledReplicas} of ${spec.replicas} pods exist`;
  const ready = Math.min(status.availableReplicas, status.readyReplicas);
  return ready < spec.replicas ? `${ready} of ${spec.replicas} pods are ready` : null;
}

function podReason({ phase, conditions }: Status): ReadyReason {
  if (phase === 'Succeeded') return null;
  if (phase === 'Failed') return 'has failed';
  const scheduled = find(conditions, 'PodScheduled');
  if (scheduled?.status === 'False') return `cannot be scheduled: ${scheduled.message}`;
  const ready = find(conditions, 'Ready');
  if (ready?.status === 'True') return null;
  return ready?.message ? `is not ready: ${ready.message}` : `is ${phase || 'not started'}`;
}

function jobReason(status: Status | undefined, { waitForJobs }: ReadyOptions): ReadyReason {
  const failed = find(status?.conditions ?? [], 'Failed');
  if (!waitForJobs) return null;
  if (failed?.status === 'True') return `has failed: ${failed.message || failed.reason}`;
  return find(status?.conditions ?? [], 'Complete')?.status === 'True' ? null : 'is not complete';
}

/** Conditions that any controller may set: those of kstatus first, then the usual Ready. */
function genericReason(conditions: readonly Condition[]): ReadyReason {
  const stalled = find(conditions, 'Stalled');
  if (stalled?.status === 'True') return `is stalled: ${stalled.message || stalled.reason}`;
  const reconciling = find(conditions, 'Reconciling');
  if (reconciling?.status === 'True') return `is reconciling: ${reconciling.message || reconciling.reason}`;
  const ready = find(conditions, 'Ready');
  if (ready === undefined || ready.status === 'True') return null;
  return `is not ready: ${ready.message || ready.reason || ready.status}`;
}

function mustBeTrue(conditions: readonly Condition[], type: string): ReadyReason {
  const found = find(conditions, type);
  if (found?.status === 'True') return null;
  return found?.message ? `is not ${type.toLowerCase()}: ${found.message}` : `is not ${type.toLowerCase()} yet`;
}

function find(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}
