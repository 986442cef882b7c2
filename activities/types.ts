/**
 * The activities as workflows see them. `activities/index.ts` builds the object that fulfils these types.
 *
 * Each takes one record and returns one, so that both can grow. Whatever is thrown is an `ApplicationFailure` made by
 * `failures.ts`, with a `FailureCode` as its type.
 */
import type { Failure } from '../workflows/core/failures.ts';
import type { Instant, ObjectRef } from '../workflows/core/ids.ts';
import type {
  Abandonment,
  Action,
  AttemptAction,
  Drift,
  History,
  LostHelm,
  Look,
  NotReady,
  Phase,
  Resolution,
  Suspension,
  TimedOut,
  Written,
} from '../workflows/core/model.ts';
import type { TestHook } from '../workflows/core/test-model.ts';

/** What conditions, Events and status fields are made of; the adapter only writes it down. */
export interface ReleaseReport {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly generation: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly conditions: readonly Condition[];
  readonly release: ObjectRef;
  /** Revision to describe in `status.helmRelease`; null removes the block. */
  readonly revision: number | null;
  readonly history: History;
  readonly phase: Phase;
  readonly events: readonly ReportedEvent[];
}

/** A Kubernetes condition without its transition time, which the adapter keeps or renews. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** A core/v1 Event on the object; repeated ones are counted, not multiplied. */
export interface ReportedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** How a step that runs helm is told what to do; `attempt` is the label, at most 40 hex digits. */
export interface StepInput {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly generation: number;
  readonly digest: string;
  readonly attempt: string;
  /** Newest revision at the look; another one now means that the look is stale: `Conflict`. Null: none. */
  readonly expectRevision: number | null;
  /** Why, for the Event that tells of the start. */
  readonly because?: string;
  /** The version that the range in the spec was found to stand for; absent or null: it has an exact one. */
  readonly resolution?: Pick<Resolution, 'key' | 'version' | 'failure'> | null;
}

export interface WriteInput extends StepInput {
  readonly action: AttemptAction;
  /** Install over an `uninstalled` record. */
  readonly replace: boolean;
}

export interface RollbackInput extends StepInput {
  readonly toRevision: number;
  /** A person has named that revision, whatever became of it. */
  readonly asked?: boolean;
}

/** What came of a helm that ran the chart's tests to their end; one that was cut off is an error. */
export interface TestResult {
  readonly written: Written;
  readonly tests: readonly TestHook[];
  /** Null: all succeeded, or there are none. */
  readonly failure: Failure | null;
}

/** Why a release is uninstalled although its object stays. */
export type UninstallReason = 'remediation' | 'move';

/** What came of a helm that ended: it wrote and succeeded, or it wrote and failed. Nothing written: an error. */
export type WriteResult =
  | {
      readonly kind: 'written';
      readonly written: Written;
      readonly waitedByHelm: boolean;
      /** Every object was ready right after the write. Only older workers looked; absent: nobody did. */
      readonly ready?: boolean;
    }
  | { readonly kind: 'releaseFailed'; readonly written: Written; readonly failure: Failure };

export interface WaitInput {
  /** When the wait is given up; absent: a look, not a wait. */
  readonly deadline?: Instant;
  readonly ref: ObjectRef;
  readonly release: ObjectRef;
  readonly revision: number;
  readonly waitForJobs: boolean;
  /** The longest time between two looks of a wait; absent: some seconds. */
  readonly slowestMs?: number;
}

/** A deployed revision whose objects are compared with what Helm sent, under the spec that it was decided for. */
export interface DriftInput {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly generation: number;
  readonly digest: string;
  readonly release: ObjectRef;
  readonly revision: number;
  readonly resolution?: Pick<Resolution, 'key' | 'version' | 'failure'> | null;
}

export interface ReleaseActivities {
  /** Read object and record. Local, repeatable. */
  lookRelease(input: {
    readonly cluster: string;
    readonly ref: ObjectRef;
    /** Where the release is, when that is known; null: where the spec says. */
    readonly target: ObjectRef | null;
    /** The version that its range was found to stand for. */
    readonly resolution?: Pick<Resolution, 'key' | 'version' | 'failure'> | null;
    /** A revision whose wait timed out: while it is the newest, and failed, its objects are looked at too. */
    readonly timedOut?: TimedOut | null;
  }): Promise<Look>;
  /** Ask which version the range of a release stands for now. Null: it is gone, or has no range any more. */
  resolveVersion(input: {
    readonly cluster: string;
    readonly ref: ObjectRef;
  }): Promise<Pick<Resolution, 'key' | 'range' | 'version' | 'digest'> | null>;
  /** Write status, conditions and Events. Local, repeatable. A vanished object is not an error. */
  reportRelease(input: ReleaseReport): Promise<void>;
  /** Set the finalizer; refuses (`ObjectGone`) when the uid is another or the object is being deleted. */
  holdRelease(input: { readonly ref: ObjectRef; readonly uid: string }): Promise<void>;
  /** Remove the finalizer of a deleted object, so that it goes. */
  letGoRelease(input: { readonly ref: ObjectRef; readonly uid: string }): Promise<void>;
  /** The numbers of the newest revisions, oldest first. Local, repeatable. */
  listRevisions(input: { readonly release: ObjectRef }): Promise<{ readonly revisions: readonly number[] }>;
  /** Set or remove the annotation `holdfast.dev/suspended`. */
  setSuspension(input: {
    readonly ref: ObjectRef;
    readonly suspension: Pick<Suspension, 'by' | 'reason'> | null;
  }): Promise<void>;
  /** Delete the object so that its release stays: annotation `holdfast.dev/abandon`, then the deletion. */
  abandonRelease(input: {
    readonly ref: ObjectRef;
    readonly uid: string;
    readonly abandonment: Abandonment;
  }): Promise<void>;
  /** Pull, verify, and run helm install or upgrade, in one step on one machine. One Temporal attempt. */
  writeRelease(input: WriteInput): Promise<WriteResult>;
  /** Run helm rollback. One Temporal attempt. */
  rollbackRelease(input: RollbackInput): Promise<WriteResult>;
  /** Run helm test, if the revision has tests. One Temporal attempt. */
  testRelease(input: StepInput): Promise<TestResult>;
  /** Run helm uninstall with kept history, so that the record says what must be gone. One Temporal attempt. */
  uninstallRelease(input: UninstallInput): Promise<void>;
  /** Fails BENIGN with `NotReady` until every object of the revision is ready; the details carry `NotReady[]`. */
  waitReady(input: WaitInput): Promise<void>;
  /** Fails BENIGN with `NotReady` until every object of the uninstalled revision is gone, then removes the records. */
  waitGone(input: UninstallInput): Promise<void>;
  /** Mark a deployed revision failed and its predecessor deployed, as Helm leaves it when its own wait times out. */
  failRevision(input: {
    readonly release: ObjectRef;
    readonly revision: number;
    readonly reason: string;
  }): Promise<void>;
  /** Mark a failed revision deployed and what was deployed before it superseded, as Helm leaves it when all went well. */
  succeedRevision(input: { readonly release: ObjectRef; readonly revision: number }): Promise<void>;
  /** Delete what the revision created: its manifest minus that of the deployed predecessor (`cleanupOnFail`). */
  cleanUpRevision(input: {
    readonly ref: ObjectRef;
    readonly release: ObjectRef;
    readonly revision: number;
  }): Promise<{ readonly deleted: readonly string[] }>;
  /** Close a pending record in place once its helm is known dead; `RecordLocked` while it may live. */
  unlockRelease(input: {
    readonly ref: ObjectRef;
    readonly release: ObjectRef;
    readonly revision: number;
    readonly lost: LostHelm | null;
    /** A foreign lock that has been seen unchanged for long enough. */
    readonly leaseOver: boolean;
    readonly reason: string;
    /** It is a helm that tests, which locks no record: there is nothing to close. */
    readonly tests?: boolean;
  }): Promise<void>;
  /** Compare every object of a revision with what Helm sent, by dry runs. Bounded: names and fields, never values. */
  observeDrift(input: DriftInput): Promise<Drift>;
  /** Send again what differs; answers what was corrected, and what was not. Repeatable. */
  correctDrift(input: DriftInput): Promise<Drift>;
  /** Objects of a revision that are not ready, for status; empty when all are. Local. */
  observeReadiness(input: WaitInput): Promise<{ readonly notReady: readonly NotReady[] }>;
}

export interface UninstallInput {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly release: ObjectRef;
  readonly timeoutMs: number;
  readonly keepHistory: boolean;
  readonly attempt: string;
  /** Why, for the Event that tells of the start. */
  readonly because?: string;
  /** Absent: because its object is being deleted. */
  readonly reason?: UninstallReason;
}

/** One pass over a source repository. */
export interface GitPass {
  readonly uid: string;
  readonly generation: number;
  readonly suspended: boolean;
  readonly deleting: boolean;
  readonly url: string;
  readonly intervalMs: number;
  /** `branch@sha`, or null when nothing could be fetched. */
  readonly revision: string | null;
  readonly applied: number;
  readonly unchanged: number;
  readonly skipped: number;
  readonly inventory: number;
  /** One per document that could not be read, parsed or applied; bounded, with a total. */
  readonly problems: readonly (Failure & { readonly where: string })[];
  readonly problemCount: number;
  /** Objects that the pass wants gone; empty when pruning is off, held back or nothing is to go. */
  readonly prune: readonly string[];
  readonly pruneHeldBack: string | null;
  /** Annotation `holdfast.dev/requestedAt` as this pass saw it. */
  readonly requestedAt: string | null;
}

export interface GitActivities {
  /** Fetch, read, apply, write the union inventory. Null: the object is gone. */
  syncGitRepository(input: { readonly cluster: string; readonly ref: ObjectRef }): Promise<GitPass | null>;
  /**
   * Delete what the last pass marked in the inventory; BENIGN `NotReady` while HelmReleases are going. For a deleted
   * GitRepository: delete or let go all of its objects, then the finalizer.
   */
  pruneGitRepository(input: {
    readonly cluster: string;
    readonly ref: ObjectRef;
    readonly uid: string;
  }): Promise<{ readonly pruned: readonly string[] }>;
  /** Conditions, status fields and Events of a GitRepository. Local. */
  reportGitRepository(input: {
    readonly ref: ObjectRef;
    readonly pass: GitPass | null;
    readonly failure: Failure | null;
    /** What `pruneGitRepository` deleted. */
    readonly pruned: readonly string[];
    readonly workflowId: string;
    readonly runId: string;
    readonly askedBy: string | null;
  }): Promise<void>;
}

export interface RepositoryLook {
  readonly uid: string;
  readonly generation: number;
  readonly suspended: boolean;
  readonly url: string;
  readonly intervalMs: number;
}

export interface RepositoryActivities {
  /** Ask the registry with the credentials of the object and write Ready. Null: the object is gone. */
  checkHelmRepository(input: {
    readonly cluster: string;
    readonly ref: ObjectRef;
    readonly workflowId: string;
  }): Promise<
    | (RepositoryLook & {
        readonly failure: Failure | null;
        /** The registry wants to be left alone for so long. */
        readonly retryAfterMs?: number;
        /** ConfigMaps with the default values of its charts are wanted. */
        readonly keepsValues?: true;
      })
    | null
  >;
  /** Write the ConfigMaps with default values that a HelmRepository wants, and remove those that are of no use. */
  keepChartValues(input: {
    readonly cluster: string;
    readonly ref: ObjectRef;
  }): Promise<{ readonly written: number; readonly removed: number }>;
}

export interface WatchActivities {
  /** Watch the cluster and signal entities. Always ends by an error: a shutdown is one that is retried at once. */
  watchCluster(input: { readonly cluster: string; readonly clusterUid: string | null }): Promise<void>;
  /** The uid of namespace `kube-system`. */
  identifyCluster(): Promise<{ readonly uid: string }>;
}

export interface Activities extends ReleaseActivities, GitActivities, RepositoryActivities, WatchActivities {}
export type { Action };
