import type { FailureCode } from '../workflows/core/failures.ts';
import type { EntityKind, ObjectRef } from '../workflows/core/ids.ts';
import { codeOf } from './failures.ts';
import type { Shown } from './kube/shown.ts';

/** An object of the cluster that is watched, as far as metrics tell of it. */
export interface MeteredObject {
  readonly ref: ObjectRef;
  readonly shown: Shown;
}

/** What came of something that was tried. */
export interface Measured {
  readonly seconds: number;
  /** Null: it went well. */
  readonly failure: FailureCode | null;
}

/** What a worker tells of its work to whoever watches over it. Fulfilled by `worker/metrics`. */
export interface Meter {
  /** The objects of the cluster, of whoever watches it; null when it is watched here no more. */
  readonly watching: (objects: ((kind: EntityKind) => readonly MeteredObject[]) | null) => void;
  /** An object was looked at: for a repository, its registry or its commits were fetched. */
  readonly looked: (kind: EntityKind) => (measured: Measured) => void;
  /** A HelmRepository of this type was asked. */
  readonly repositoryAsked: (type: 'helm' | 'oci', measured: Measured) => void;
  /** A chart was fetched for a write, or taken from the cache. */
  readonly chartPulled: (measured: Measured) => void;
  /** ConfigMaps with the default values of charts were written and removed. */
  readonly valuesKept: (count: { readonly written: number; readonly removed: number }) => void;
}

/** For whom nobody watches over. */
export const SILENT: Meter = {
  watching: () => undefined,
  looked: () => () => undefined,
  repositoryAsked: () => undefined,
  chartPulled: () => undefined,
  valuesKept: () => undefined,
};

interface Measuring<T> {
  readonly tell: (measured: Measured) => void;
  /** What was ended on purpose says nothing of how things are. */
  readonly signal: AbortSignal;
  /** A failure that is told instead of thrown. */
  readonly failureIn?: (value: T) => FailureCode | null;
}

/** Do something, and tell how long it took and what came of it. */
export async function measure<T>(work: () => Promise<T>, { tell, signal, failureIn }: Measuring<T>): Promise<T> {
  const begun = performance.now();
  const ended = (failure: FailureCode | null): void => {
    if (!signal.aborted) tell({ seconds: (performance.now() - begun) / 1_000, failure });
  };
  try {
    const value = await work();
    ended(failureIn?.(value) ?? null);
    return value;
  } catch (error) {
    ended(codeOf(error));
    throw error;
  }
}
