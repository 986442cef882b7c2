import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { Manifest } from '../ports.ts';
import { remember } from '../remember.ts';

/** A HelmRelease as this worker read or wrote it last. */
export interface SeenRelease {
  readonly resourceVersion: string;
  readonly status: unknown;
  /** The newest record of its release, if a look has seen one. */
  readonly newest: (ObjectRef & { readonly revision: number; readonly status: string }) | null;
}

/**
 * What reports start from, so that they need not read again what the look before them has read. It may be out of date, so
 * whatever is written on this ground names the resourceVersion, and the API server refuses it when it is another by now.
 */
export interface LastSeen {
  note(object: Manifest, newest: SeenRelease['newest']): void;
  /** Null: nothing is known. It is told once, since a report makes it out of date. */
  take(uid: string): SeenRelease | null;
}

/** Reports follow looks at once: more than this do not wait for theirs. */
const KEPT = 1_000;

export function createLastSeen(): LastSeen {
  const seen = new Map<string, SeenRelease>();
  return {
    note({ metadata: { uid, resourceVersion }, status }, newest) {
      if (uid === undefined || resourceVersion === undefined) return;
      remember(seen, [uid, { resourceVersion, status, newest }], KEPT);
    },
    take(uid) {
      const known = seen.get(uid) ?? null;
      seen.delete(uid);
      return known;
    },
  };
}
