import { z } from 'zod';
import type { Abandonment } from '../../workflows/core/model.ts';
import { failure } from '../failures.ts';
import { type Kube, KubeError } from '../ports.ts';
import { ANNOTATIONS, MANAGERS, objectPath, PATCH } from './kinds.ts';
import type { Held } from './metadata.ts';
import type { AnyObject } from './schema.ts';

/** What the API writes. A person writes the uid, and behind a space why. */
const Note = z.object({ uid: z.string(), by: z.string(), reason: z.string().catch('') });

/**
 * The wish that a deletion leaves the release installed. It counts for the object whose uid it names and for no other:
 * one that was copied from another object, or came with a manifest, means nothing.
 */
export function abandonmentOf({ uid, annotations }: AnyObject['metadata']): Abandonment | null {
  const text = annotations?.[ANNOTATIONS.abandon]?.trim() ?? '';
  const note = Note.safeParse(parseJson(text));
  if (note.success) return note.data.uid === uid ? { by: note.data.by, reason: note.data.reason } : null;
  const [named, ...why] = text.split(/\s+/);
  return named === uid ? { by: `annotation ${ANNOTATIONS.abandon}`, reason: why.join(' ') } : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Write the wish on the object, and delete it: in this order, so that no deletion without it is ever seen. */
export async function abandonObject(kube: Kube, { kind, ref, uid }: Held, { by, reason }: Abandonment): Promise<void> {
  const note = JSON.stringify({ uid, by, reason } satisfies z.infer<typeof Note>);
  const path = objectPath(kind, ref);
  try {
    await kube.request({
      ...PATCH.merge,
      path,
      query: { fieldManager: MANAGERS.meta },
      // The uid is a precondition: another object of the name is not meant.
      body: { metadata: { uid, annotations: { [ANNOTATIONS.abandon]: note } } },
    });
    await kube.request({ method: 'DELETE', path, body: { preconditions: { uid } } });
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return;
    if (error.status === 422 || error.status === 409) {
      throw failure('Conflict', `${kind} ${ref.namespace}/${ref.name} was replaced before it was abandoned`, error);
    }
    throw error;
  }
}
