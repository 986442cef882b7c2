import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { Kube } from '../ports.ts';
import type { Question, Sharing } from '../sharing.ts';
import { createStorage, type ReleaseRecord } from './storage.ts';

/**
 * A revision as it was at `since` or later, read once for who wrote it and who waits for its objects: its manifest never
 * changes. Null: there is no such revision.
 */
export function readShared(
  { kube, records }: { readonly kube: Kube; readonly records: Sharing },
  { namespace, name, revision }: ObjectRef & { readonly revision: number },
  when: Pick<Question<unknown>, 'since' | 'signal'>,
): Promise<ReleaseRecord | null> {
  const key = `${namespace}/${name} ${revision}`;
  return records({ ...when, key, ask: () => createStorage(kube, { namespace, name }).read(revision) });
}
