import type { Failure } from './failures.ts';
import type { Instant, ObjectRef } from './ids.ts';
import type { Tested, TestHook, TestPolicy } from './test-model.ts';

/** Helm's own statuses (`release.Status`). */
export const HELM_STATUSES = [
  'unknown',
  'deployed',
  'uninstalled',
  'superseded',
  'failed',
  'uninstalling',
  'pending-install',
  'pending-upgrade',
  'pending-rollback',
] as const;
export type HelmStatus = (typeof HELM_STATUSES)[number];

/** The newest record of a release in Helm's storage, read from the labels of its Secret: no chart, no values. */
export interface StoredRelease {
  readonly revision: number;
  readonly status: HelmStatus;
  /** Label `holdfast.dev/owner`: hash of cluster, namespace and name of the HelmRelease that wrote it; null: not ours. */
  readonly owner: string | null;
  /** The owner label is that of the HelmRelease that looks. */
  readonly ownedByUs: boolean;
  /** The living HelmRelease that the owner label stands for, when that is not the one that looks. */
  readonly otherOwner: ObjectRef | null;
  /** Label `holdfast.dev/digest`: the attempted digest that this revision was made from. */
  readonly digest: string | null;
  /** Label `holdfast.dev/attempt`. */
  readonly attempt: string | null;
  /** An older revision with the same attempt label: Helm copies labels, so they do not tell who made this one. */
  readonly copyOf?: number;
  /** The newest revision with status `deployed`, which is not always the newest revision. */
  readonly deployedRevision: number | null;
  /** The revision that a rollback would go to; null: there is none. Absent in looks of versions that did not roll back. */
  readonly rollbackRevision?: number | null;
  /** `modifiedAt` or `createdAt` of the record. */
  readonly changedAt: Instant | null;
  /** Of a revision whose wait has timed out: its objects that are not ready by now. Absent: nobody looked. */
  readonly notReady?: readonly NotReady[];
  /** Of a revision that is in sync: what differs in the cluster from what Helm sent. Absent: nobody compared. */
  readonly drift?: Drift;
}

/** What differs in the cluster from what Helm sent: names and fields, never values. */
export interface Drift {
  /** The first few, in the manifest's order. */
  readonly objects: readonly DriftedObject[];
  readonly count: number;
  /** The first few objects that could not be compared, or not be corrected, and why. */
  readonly failed: readonly NotReady[];
}

export interface DriftedObject {
  /** `Deployment shop/web`. */
  readonly object: string;
  /** Where it differs, as JSON pointers, the first few; of an object that is missing none. */
  readonly fields: readonly string[];
  readonly fieldCount: number;
  readonly missing: boolean;
  /** Who manages these fields, beside Helm, as the API server tells it. */
  readonly managers: readonly string[];
}

/** What is remembered of the drift of a revision. */
export interface DriftMemory {
  readonly revision: number;
  /** As it was compared last. */
  readonly seen: Drift;
  /** What was corrected, and how often in a row it came back. */
  readonly corrected: readonly CorrectedField[];
  /** Why the newest correction did not come to its end, and when there is another. */
  readonly failed: { readonly failure: Failure; readonly count: number; readonly retryAt: Instant } | null;
}

export interface CorrectedField {
  /** An object and, unless it was missing, a JSON pointer. */
  readonly field: string;
  readonly times: number;
  readonly at: Instant;
}

/** What a HelmRelease asks for, compiled and checked. No values and no credentials: those stay in the cluster. */
export interface Desired {
  /** 40 hex digits over chart coordinates, version, canonical values and the options that change what Helm renders. */
  readonly digest: string;
  readonly chart: { readonly name: string; readonly version: string; readonly url: string };
  readonly release: ObjectRef;
  readonly install: ActionOptions;
  readonly upgrade: ActionOptions;
  readonly uninstall: { readonly timeoutMs: number; readonly keepHistory: boolean };
  /** What follows a failure. Absent in looks of versions that only tried again. */
  readonly remediation?: Remediation;
  /** What is done about objects that differ from what Helm sent. Absent: nobody compares them. */
  readonly drift?: 'warn' | 'enabled';
  /** Absent: the chart's tests are not asked for. */
  readonly test?: TestPolicy;
}

/** What is done when Helm has written and failed. */
export interface Remediation {
  readonly install: FailurePolicy;
  readonly upgrade: FailurePolicy;
  readonly rollback: ActionOptions;
}

export const REMEDIES = ['rollback', 'uninstall'] as const;
export type Remedy = (typeof REMEDIES)[number];

export interface FailurePolicy {
  /** How often the same desired state is tried again after its first failure; null: for ever. */
  readonly retries: number | null;
  /** What is done about a failure before the next try; null: nothing. */
  readonly remedy: Remedy | null;
  /** Whether that is also done about the failure that is not followed by another try. */
  readonly remediateLast: boolean;
  /** Time before each try that follows a failure; null or absent: the usual back-off. */
  readonly retryIntervalMs?: number | null;
}

export interface ActionOptions {
  readonly timeoutMs: number;
  readonly wait: boolean;
  readonly waitForJobs: boolean;
  /** After a failed wait, delete what the revision created. Never set for an install. */
  readonly cleanupOnFail: boolean;
}

/** Why a release does not act: `spec.suspend`, or the annotation that the API sets. */
export interface Suspension {
  readonly by: string;
  readonly reason: string;
  /** A suspension in `spec` can only be taken back in Git. */
  readonly inSpec: boolean;
}

/** A deletion that leaves the release installed: who wanted that, and why. */
export interface Abandonment {
  readonly by: string;
  readonly reason: string;
}

/** The HelmRelease object as one look saw it. */
export interface ReleaseObject {
  readonly uid: string;
  readonly generation: number;
  readonly deleting: boolean;
  /** It carries our finalizer. Absent in looks of versions that did not tell. */
  readonly held?: boolean;
  /** Of an object that is being deleted: its release is to stay. */
  readonly abandoned?: Abandonment;
  /** Of an object that is being deleted: what keeps it beside us. */
  readonly otherFinalizers?: readonly string[];
  readonly suspension: Suspension | null;
  readonly intervalMs: number;
  /** Annotation `holdfast.dev/requestedAt` (or Flux's alias): a new token asks for a sync. */
  readonly requestedAt: string | null;
  /** The same token stands in `holdfast.dev/resetAt` (or Flux's alias): the sync also forgets the failures. */
  readonly reset?: boolean;
  /** The same for `holdfast.dev/forceAt`: the sync also upgrades once. */
  readonly force?: boolean;
  /** The same token stands behind the `@` in `holdfast.dev/rollbackTo`: it asks for a rollback to this revision. */
  readonly rollbackTo?: number;
  /** The GitRepository that applied it and the revision (`main@<sha>`) that last changed it. */
  readonly source: { readonly repository: ObjectRef; readonly revision: string } | null;
  /** Its version is a range; `key` stands for range and source. Absent: its version is exact. */
  readonly follows?: { readonly range: string; readonly key: string };
  readonly spec: { readonly kind: 'valid'; readonly desired: Desired } | ({ readonly kind: 'invalid' } & InvalidSpec);
}

/** A spec that cannot be compiled. The release target is kept, when it is readable, so that deletion still works. */
export interface InvalidSpec {
  readonly failure: Failure;
  readonly release: ObjectRef;
  readonly uninstall: { readonly timeoutMs: number; readonly keepHistory: boolean };
}

/** Which version a range stands for, as far as it was found out. */
export interface Resolution {
  /** Of what: `follows.key` of the object. */
  readonly key: string;
  readonly range: string;
  /** The newest answer; it stays while nobody answers. Null: there was none yet. */
  readonly version: string | null;
  /** Digest of the manifest or archive under that version when it was last asked for. */
  readonly digest: string | null;
  /** Why the newest question was not answered. */
  readonly failure: Failure | null;
  /** Questions in a row that were not answered. */
  readonly failures: number;
  /** When to ask again. */
  readonly dueAt: Instant;
}

/** One look at the world: facts, no judgement. */
export interface Look {
  readonly object: ReleaseObject | null;
  readonly stored: StoredRelease | null;
  /** What `spec.dependsOn` names. Absent: nothing, or a look of a version that did not tell. */
  readonly dependencies?: readonly Dependency[];
  /** From the release through dependencies that wait as it does back to itself; absent: there is no such way. */
  readonly cycle?: readonly ObjectRef[];
  /** Of a release that is being deleted. */
  readonly dependants?: Dependants;
  /** Of a release that lies elsewhere than the spec says. Absent in looks of versions that moved nothing. */
  readonly move?: Move;
}

/** A release that is installed in one place and wanted in another: `stored` is what lies in the first. */
export interface Move {
  readonly from: ObjectRef;
  /** The living HelmRelease whose release has the place that the spec names; null: none has it. */
  readonly takenBy: ObjectRef | null;
}

/** A HelmRelease that comes first. */
export interface Dependency {
  readonly ref: ObjectRef;
  /** `ready`: in its current generation. `denied`: it lies in another namespace, which is turned off. */
  readonly state: 'ready' | 'notReady' | 'missing' | 'deleting' | 'denied';
  readonly generation: number | null;
}

/** The HelmReleases that depend on one that is being deleted. */
export interface Dependants {
  /** When its deletion was asked for. */
  readonly since: Instant;
  /** Being deleted too, and to be uninstalled first. */
  readonly leaving: Some;
  readonly living: Some;
}

/** The first few of many. */
export interface Some {
  readonly first: readonly ObjectRef[];
  readonly count: number;
}

/** A helm process, precisely enough to know later whether it still lives. */
export interface HelmProcess {
  /** A helm; or, as long as its helm is not known, the worker, which takes its helms with it when it dies. */
  readonly is: 'helm' | 'worker';
  readonly host: string;
  readonly bootId: string;
  readonly pid: number;
  /** Clock ticks since boot (`/proc/<pid>/stat` field 22), or the start time as text elsewhere. */
  readonly startTime: string;
}

/** A helm whose end nobody reported. */
export interface LostHelm {
  readonly attempt: string;
  readonly process: HelmProcess | null;
  /** After this moment it is dead even when its machine cannot be asked: its time limit and the kill grace are over. */
  readonly deadAt: Instant;
}

/** An object that is not ready, and why, in one line each. */
export interface NotReady {
  readonly object: string;
  readonly reason: string;
}

export const ATTEMPT_ACTIONS = ['install', 'upgrade', 'rollback', 'uninstall', 'test'] as const;
export type AttemptAction = (typeof ATTEMPT_ACTIONS)[number];

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: 'succeeded'; readonly written: Written | null; readonly tests?: readonly TestHook[] }
  /** Nothing reached the cluster: nothing to remediate. */
  | {
      readonly kind: 'failedBeforeWrite';
      readonly failure: Failure;
      /** Whoever refused wants to be left alone for so long. */
      readonly retryAfterMs?: number;
    }
  /** Helm wrote and failed, or its objects did not get ready in time; or the tests of what was written failed. */
  | {
      readonly kind: 'failedAfterWrite';
      readonly failure: Failure;
      readonly written: Written;
      readonly tests?: readonly TestHook[];
    }
  /** Ended by ourselves (superseded, shutdown): never counted. */
  | { readonly kind: 'interrupted'; readonly reason: string; readonly written: Written | null }
  /** The worker or its helm vanished. The next look tells what became of it. */
  | { readonly kind: 'lost'; readonly reason: string; readonly lost: LostHelm };

/** What an attempt put into Helm's storage. */
export interface Written {
  readonly revision: number;
  readonly chart: string;
  readonly version: string;
  readonly appVersion: string | null;
  /** Null for a rollback, which fetches no chart. */
  readonly chartDigest: string | null;
}

/** One line of a release's history, kept in status and API. */
export interface AttemptRecord {
  readonly n: number;
  /** The label `holdfast.dev/attempt` on what it wrote. */
  readonly label: string;
  readonly action: AttemptAction;
  readonly because: string;
  readonly digest: string;
  readonly version: string;
  readonly sourceRevision: string | null;
  readonly workflowId: string;
  readonly runId: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant | null;
  readonly outcome: Outcome['kind'] | 'running';
  readonly revision: number | null;
  readonly chartDigest: string | null;
  readonly failure: Failure | null;
  /** Its wait timed out, and then its objects got ready after all. */
  readonly readyAt?: Instant;
  /** Nothing had ever been deployed: a failure is that of an install, whichever command was used. */
  readonly first?: boolean;
  /** The revision that a rollback is to make. Its record carries the labels of its target, which tell nothing of it. */
  readonly makes?: number;
  /** Of a test: the label on the record of the revision that it tests. */
  readonly subject?: string | null;
  /** Of a test: what Helm's record tells of the first few. */
  readonly tests?: readonly TestHook[];
  /** Of a test: its failure does not count, because the spec says so. */
  readonly ignored?: boolean;
}

/** A message from a person or a machine, by API or annotation. */
export interface Request {
  readonly id: string;
  readonly kind: 'sync' | 'suspend' | 'resume' | 'abandon' | 'rollbackTo';
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
  /** Of a sync: forget the failures of the desired state first. */
  readonly reset?: boolean;
  /** Of a sync: upgrade once, whether or not anything is to be changed. */
  readonly force?: boolean;
  /** Of a rollback: where to. */
  readonly revision?: number;
  /** Its effect on what is remembered has taken place. */
  readonly takenUp?: boolean;
}

/** What a person wants to be done once, beside what the object asks for. */
export interface Wish {
  readonly kind: 'force';
  readonly by: string;
  readonly reason: string;
  /** Attempts that had been begun by then: only later ones can fulfil it. */
  readonly since: number;
}

/** A person's word that an older revision is to run, until another state is declared or the release is resumed. */
export interface Pin {
  readonly revision: number;
  readonly by: string;
  readonly reason: string;
  /** Attempts that had been begun by then: only a later one carries it out. */
  readonly since: number;
}

export type RequestOutcome =
  | { readonly kind: 'pending' }
  | { readonly kind: 'done'; readonly ready: boolean; readonly message: string; readonly revision: number | null }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unknown' };

/** A revision that was marked failed only because its objects did not get ready in time. */
export interface TimedOut {
  readonly revision: number;
  /** The label on its record: revision numbers begin anew after an uninstall. */
  readonly attempt: string | null;
}

/** All that a release remembers between runs; everything else is read from the world. */
export interface History {
  readonly schema: 1;
  readonly uid: string | null;
  /** Counts attempts for ever, for the ids of their workflows. */
  readonly attempts: number;
  /** Newest last, at most 20. */
  readonly recent: readonly AttemptRecord[];
  /** What the failures below belong to; another digest forgets them. */
  readonly digest: string | null;
  readonly failuresBeforeWrite: number;
  readonly failuresAfterWrite: number;
  /** Attempts for this digest whose worker or helm vanished. */
  readonly losses: number;
  readonly lastFailure: Failure | null;
  /** No attempt before this moment, unless a person asks or the desired state changes. */
  readonly retryAt: Instant | null;
  /** Where this object's release was put; it stays there until it is uninstalled, whatever the spec says by then. */
  readonly target: ObjectRef | null;
  /** Our finalizer is on the object. */
  readonly held: boolean;
  /** The newest revision whose objects were seen ready (or were not to be waited for). */
  readonly readyRevision: number | null;
  /** A written revision whose objects are still coming up. */
  readonly waiting: { readonly revision: number; readonly deadline: Instant } | null;
  readonly notReady: readonly NotReady[];
  /** The newest revision whose wait timed out. Absent or null: none, or it was not tried again since. */
  readonly timedOut?: TimedOut | null;
  /** The newest revision whose tests have run to their end. Absent or null: none. */
  readonly tested?: Tested | null;
  readonly lost: LostHelm | null;
  readonly handledRequestedAt: string | null;
  /** What the range of the spec stands for; absent or null: it has none, or nobody asked yet. */
  readonly resolution?: Resolution | null;
  /** Not fulfilled yet. Absent or null: none. */
  readonly wish?: Wish | null;
  /** Goes over what is declared. Absent or null: nothing does. */
  readonly pin?: Pin | null;
  /** Absent or null: nobody compared the newest revision with the cluster. */
  readonly drift?: DriftMemory | null;
  /** Newest last, at most 50. */
  readonly requests: readonly (Request & { readonly outcome: RequestOutcome })[];
}

/** What to do next about a release. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'install'; readonly because: string; readonly replace: boolean }
  | { readonly kind: 'upgrade'; readonly because: string }
  | { readonly kind: 'rollback'; readonly because: string; readonly toRevision: number }
  | { readonly kind: 'uninstall'; readonly because: string }
  | { readonly kind: 'test'; readonly because: string }
  | { readonly kind: 'unlock'; readonly revision: number; readonly leaseOver: boolean }
  | { readonly kind: 'wait'; readonly revision: number; readonly deadline: Instant }
  /** Its wait timed out, and its objects are ready after all: the revision is good as it is. */
  | { readonly kind: 'accept'; readonly revision: number }
  /** Objects differ from what Helm sent: send it again. */
  | { readonly kind: 'correct'; readonly revision: number; readonly because: string }
  /** Not before `until`: back-off, or a lock whose holder may still live. */
  | { readonly kind: 'hold'; readonly until: Instant; readonly failure: Failure }
  | { readonly kind: 'stall'; readonly failure: Failure }
  /** Other releases come first; not before `until`, or null: not before one of them changes. */
  | { readonly kind: 'defer'; readonly until: Instant | null; readonly failure: Failure }
  /** Nothing is left of a deleted release: let the object go. */
  | { readonly kind: 'release' };

/** Where a release stands, for search attributes, the API and the table of `npm start`. */
export const PHASES = [
  'Pending',
  'Installing',
  'Upgrading',
  'RollingBack',
  'Waiting',
  'Testing',
  'Ready',
  'Failed',
  'Stalled',
  'Suspended',
  'Uninstalling',
] as const;
export type Phase = (typeof PHASES)[number];
