/**
 * The names that workflows, worker and API share: task queues, workflow types, messages, search attributes, and the
 * shapes that messages carry. Whatever talks to a running Holdfast through Temporal needs this file and no other.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Failure } from './core/failures.ts';
import type { Instant, ObjectRef } from './core/ids.ts';
import type { AttemptRecord, Dependency, NotReady, Phase, RequestOutcome, Suspension } from './core/model.ts';

export { entityId, watchId, ENTITY_KINDS } from './core/ids.ts';
export type { EntityKind, ObjectRef } from './core/ids.ts';

/** Workflows, looks, Git and sources. */
export const taskQueue = (cluster: string): string => `holdfast-${cluster}`;
/** Few slots: everything that runs a helm. */
export const helmTaskQueue = (cluster: string): string => `holdfast-${cluster}-helm`;

/** Names of the workflow functions exported by `workflows/index.ts`. */
export const WORKFLOW_TYPES = {
  clusterWatch: 'clusterWatch',
  gitRepository: 'gitRepository',
  helmRepository: 'helmRepository',
  helmRelease: 'helmRelease',
  attempt: 'attempt',
} as const;

/** Search attributes, all of type Keyword but `HelmFailures` (Int) and `HelmSuspended` (Bool). */
export const SEARCH_ATTRIBUTES = {
  HelmCluster: 'KEYWORD',
  HelmNamespace: 'KEYWORD',
  HelmRelease: 'KEYWORD',
  HelmPhase: 'KEYWORD',
  HelmChart: 'KEYWORD',
  HelmSource: 'KEYWORD',
  HelmSourceRevision: 'KEYWORD',
  HelmFailures: 'INT',
  HelmSuspended: 'BOOL',
} as const;

/** Every entity workflow takes this one argument; `history` is what it carried over from its previous run. */
export interface EntityInput<H> {
  readonly cluster: string;
  readonly ref: ObjectRef;
  readonly history: H | null;
  /** False where the server refuses our search attributes. */
  readonly searchAttributes: boolean;
}

/** The watcher's word that an object, or something that it refers to, is not what it was. */
export interface Changed {
  readonly uid: string | null;
  readonly generation: number;
  readonly deleting: boolean;
  /** What changed, for the history: `spec`, `deleted`, `annotation`, `secret default/acr-auth` … */
  readonly because: string;
}
export const changed = defineSignal<[Changed]>('changed');

/** A message from a person; `id` is the idempotency key: the same id again changes nothing and answers the same. */
export interface Ask {
  readonly id: string;
  readonly by: string;
  readonly reason: string;
  /** Of a sync of a HelmRelease: forget the failures of the desired state, so that it is tried as if it were new. */
  readonly reset?: boolean;
  /** Of a sync of a HelmRelease: upgrade once, whether or not anything is to be changed. */
  readonly force?: boolean;
  /** Of a rollback: where to. */
  readonly revision?: number;
}
export interface Accepted {
  readonly request: string;
  /** Requests that stand before this one. */
  readonly position: number;
}
export const sync = defineUpdate<Accepted, [Ask]>('sync');
/** HelmRelease only. */
export const suspend = defineUpdate<Accepted, [Ask]>('suspend');
/** HelmRelease only. */
export const resume = defineUpdate<Accepted, [Ask]>('resume');
/** HelmRelease only: delete the object, and leave installed what it installed. */
export const abandon = defineUpdate<Accepted, [Ask]>('abandon');
/** HelmRelease only: run an older revision, until another state is declared or the release is resumed. */
export const rollbackTo = defineUpdate<Accepted, [Ask]>('rollbackTo');
export const outcome = defineQuery<RequestOutcome, [string]>('outcome');

/** Answer of the query `status` of a `helmRelease` workflow. */
export interface ReleaseStatus {
  readonly kind: 'HelmRelease';
  readonly ref: ObjectRef;
  readonly phase: Phase;
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
  readonly suspension: Suspension | null;
  readonly generation: number;
  readonly chart: string;
  readonly version: string;
  /** Helm's newest revision and what it holds; null while nothing is installed. */
  readonly revision: number | null;
  readonly source: { readonly repository: ObjectRef; readonly revision: string } | null;
  readonly failures: number;
  readonly lastFailure: Failure | null;
  readonly notReady: readonly NotReady[];
  /** What `spec.dependsOn` names, as the last look saw it. */
  readonly dependencies: readonly Dependency[];
  readonly attempts: readonly AttemptRecord[];
  readonly nextLookAt: Instant | null;
}
export const releaseStatus = defineQuery<ReleaseStatus>('status');

/** Answer of the query `status` of a `gitRepository` or `helmRepository` workflow. */
export interface SourceStatus {
  readonly kind: 'GitRepository' | 'HelmRepository';
  readonly ref: ObjectRef;
  readonly url: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
  readonly suspended: boolean;
  /** GitRepository: `branch@sha` last applied in full. */
  readonly revision: string | null;
  /** GitRepository: objects under its care. */
  readonly objects: number | null;
  readonly nextLookAt: Instant | null;
}
export const sourceStatus = defineQuery<SourceStatus>('status');
