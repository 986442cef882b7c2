import { setTimeout as sleep } from 'node:timers/promises';
import type { Changed } from '../../workflows/contract.ts';
import type { EntityKind } from '../../workflows/core/ids.ts';
import type { WatchedObject } from '../kube/watched.ts';
import type { Entities } from '../ports.ts';
import type { Wake } from './cluster-index.ts';

/** Changes of one object that come within this are one message. */
const COALESCE_MS = 50;
/** Messages under way at once. */
const AT_ONCE = 20;

export interface Outbox {
  /** A living object: its entity is started when it does not run. */
  wake(wake: Wake): void;
  /** An object that is gone: only an entity that runs is told. */
  tell(kind: EntityKind, object: WatchedObject): void;
  /** Deliver until `signal` fires; throws when Temporal refuses a message for longer than its client tries. */
  run(signal: AbortSignal): Promise<void>;
}

interface Letter {
  readonly kind: EntityKind;
  readonly object: WatchedObject;
  readonly because: string;
  readonly gone: boolean;
}

/** Delivers changes to entities: one message per object, however often it changed meanwhile. */
export function createOutbox(entities: Entities): Outbox {
  const letters = new Map<string, Letter>();

  function post(letter: Letter): void {
    const { namespace, name } = letter.object.ref;
    letters.set(`${letter.kind} ${namespace}/${name}`, letter);
  }

  async function deliver({ kind, object, because, gone }: Letter): Promise<void> {
    const { ref, uid, generation, deleting } = object;
    const change: Changed = { uid, generation, deleting: deleting || gone, because };
    await (gone ? entities.tell(kind, ref, change) : entities.wake(kind, ref, change));
  }

  return {
    wake: (wake) => {
      post({ ...wake, gone: false });
    },
    tell: (kind, object) => {
      post({ kind, object, because: 'deleted', gone: true });
    },
    async run(signal) {
      while (!signal.aborted) {
        const batch = [...letters].slice(0, AT_ONCE);
        await Promise.all(
          batch.map(async ([key, letter]) => {
            letters.delete(key);
            try {
              await deliver(letter);
            } catch (error) {
              // Nothing is lost: a newer letter to the same entity says more than this one.
              if (!letters.has(key)) letters.set(key, letter);
              throw error;
            }
          }),
        );
        if (letters.size === 0) await sleep(COALESCE_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
