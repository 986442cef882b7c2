import { z } from 'zod';
import { childOf, isObject, type Json, type Path } from './pointer.ts';

/** `metadata.managedFields`, as far as it tells who manages a field. */
const ManagedFields = z
  .array(
    z.object({
      manager: z.string().catch(''),
      operation: z.string().catch(''),
      subresource: z.string().nullish(),
      fieldsV1: z.record(z.string(), z.unknown()).catch({}),
    }),
  )
  .catch([]);

/** The name under which Helm writes, and so do we when we send again what Helm sent. */
export const HELM_MANAGER = 'helm';

/** Those that manage a field of an object in the cluster, beside Helm. */
export function managersOf(live: Json, path: Path): readonly string[] {
  const owners = entriesOf(live).filter(({ fieldsV1 }) => covers(fieldsV1, live, path));
  const names = owners.map(({ manager }) => manager).filter((manager) => manager !== HELM_MANAGER && manager !== '');
  return [...new Set(names)];
}

/** Whether Helm would have the field removed if it sent the object without it. */
export function isAppliedByHelm(live: Json, path: Path): boolean {
  return entriesOf(live).some(
    ({ manager, operation, subresource, fieldsV1 }) =>
      manager === HELM_MANAGER && operation === 'Apply' && subresource == null && covers(fieldsV1, live, path),
  );
}

function entriesOf({ metadata }: Json): z.infer<typeof ManagedFields> {
  return ManagedFields.parse(isObject(metadata) ? metadata['managedFields'] : []);
}

/** Follows a path through a set of fields; one that ends before it has all that lies below. */
function covers(fields: Json, value: unknown, path: Path): boolean {
  const [token, ...rest] = path;
  if (token === undefined) return true;
  const child = childOf(value, token);
  const below = Object.entries(fields).find(([key]) => isKeyOf(key, token, child));
  if (below === undefined) return isLeaf(fields);
  return isObject(below[1]) && covers(below[1], child, rest);
}

/** A field that is managed as a whole. `.` stands for itself among others that are managed apart. */
function isLeaf(fields: Json): boolean {
  return Object.keys(fields).length === 0;
}

/** `f:` names a field, `k:` the keys of a list's item, `v:` the item itself, `i:` its index. */
function isKeyOf(key: string, token: string, child: unknown): boolean {
  const [kind, text] = [key.slice(0, 2), key.slice(2)];
  if (kind === 'f:' || kind === 'i:') return text === token;
  if (kind !== 'k:' && kind !== 'v:') return false;
  const wanted = JSON.parse(text) as unknown; // by the API server, which has written it
  if (kind === 'v:') return wanted === child;
  return isObject(wanted) && Object.entries(wanted).every(([name, value]) => childOf(child, name) === value);
}
