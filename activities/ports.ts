/**
 * What activities need from outside, in domain words. Adapters fulfil these; `worker/main.ts` joins them.
 */
import type { Changed, EntityKind } from '../workflows/contract.ts';
import type { ObjectRef } from '../workflows/core/ids.ts';

/** Any Kubernetes object, as JSON. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly deletionTimestamp?: string;
  readonly creationTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly unknown[];
  readonly ownerReferences?: readonly unknown[];
}

/** One request to the API server. Paths are absolute (`/api/v1/…`), already encoded. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  /** Defaults to `application/json`; patches name theirs. */
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Impersonate this service account. */
  readonly as?: ObjectRef;
}

/** How a kind is reached, from discovery. */
export interface KubeResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Path of the collection (no name) or of one object. A namespace given for a cluster-scoped kind is ignored. */
  path(ref?: { readonly namespace?: string | undefined; readonly name?: string | undefined }): string;
}

export interface Kube {
  /** Answers the parsed body. Throws `KubeError` for every status of 400 and more, `HoldfastError` when unreachable. */
  request<T = unknown>(request: KubeRequest): Promise<T>;
  /** Reads a watch line by line until the server ends it or `signal` fires. */
  stream(request: KubeRequest): AsyncIterable<unknown>;
  /** Looks a kind up by discovery, cached; asks again once before it answers null for an unknown one. */
  resource(apiVersion: string, kind: string): Promise<KubeResource | null>;
}

/** The API server's answer to a request that it did not carry out. `message` may quote values: redact before showing. */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
  }
}

/** The running entities, as the watcher sees them. Fulfilled over the Temporal client in `worker/`. */
export interface Entities {
  /** Start the entity if it does not run, and tell it. */
  wake(kind: EntityKind, ref: ObjectRef, change: Changed): Promise<void>;
  /** Tell it only if it runs: for deleted objects, whose finished entity must not come back. */
  tell(kind: EntityKind, ref: ObjectRef, change: Changed): Promise<void>;
  /** Workflow ids of the running entities of this cluster. */
  running(): AsyncIterable<string>;
}

/** Where a worker keeps what may be lost: chart cache, Git mirrors, private folders of operations. */
export interface Folders {
  readonly charts: string;
  readonly git: string;
  readonly tmp: string;
}

/** Absolute paths of the executables that we run. */
export interface Executables {
  readonly helm: string;
  readonly oras: string;
  readonly git: string;
}
