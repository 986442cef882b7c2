import { createHash } from 'node:crypto';
import type { ObjectRef } from '../workflows/core/ids.ts';

/** Labels that we put on Helm's records, for ownership and for knowing our attempts again. */
export const RECORD_LABELS = {
  owner: 'holdfast.dev/owner',
  digest: 'holdfast.dev/digest',
  attempt: 'holdfast.dev/attempt',
} as const;

/** Value of the owner label for a HelmRelease: a label has no room for three names, so it is their hash. */
export function ownerHash(cluster: string, { namespace, name }: ObjectRef): string {
  return createHash('sha256').update(`${cluster}/${namespace}/${name}`).digest('hex').slice(0, 40);
}
