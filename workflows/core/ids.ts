/** Namespace and name of a Kubernetes object; its kind follows from where it stands. */
export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

/** Milliseconds since 1970, UTC. */
export type Instant = number;

/** The kinds that have an entity workflow. */
export const ENTITY_KINDS = ['HelmRelease', 'HelmRepository', 'GitRepository'] as const;
export type EntityKind = (typeof ENTITY_KINDS)[number];

const SEGMENT: Readonly<Record<EntityKind, string>> = {
  HelmRelease: 'helmrelease',
  HelmRepository: 'helmrepository',
  GitRepository: 'git',
};

/** Temporal keeps workflow ids in VARCHAR(255) on SQL stores. A namespace is at most 63 characters, a name 253. */
const MAX_ENTITY_ID = 200;

/** The workflow id of an object: `<cluster>/<kind>/<namespace>/<name>`, the name hashed when it is too long. */
export function entityId(cluster: string, kind: EntityKind, { namespace, name }: ObjectRef): string {
  const id = `${cluster}/${SEGMENT[kind]}/${namespace}/${name}`;
  return id.length <= MAX_ENTITY_ID
    ? id
    : `${cluster}/${SEGMENT[kind]}/${namespace}/${name.slice(0, 60)}~${hashText(name)}`;
}

/** The workflow id of the watcher of a cluster. */
export function watchId(cluster: string): string {
  return `${cluster}/watch`;
}

/**
 * Sixteen hex digits that change when the text does; only for shortening ids, spreading timers and telling texts apart,
 * never for security. Two polynomials modulo primes below 2^32: every product stays exact in a double.
 */
export function hashText(text: string): string {
  let first = 7;
  let second = 11;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    first = (first * 31 + code) % 4_294_967_291;
    second = (second * 65_599 + code) % 4_294_967_279;
  }
  return first.toString(16).padStart(8, '0') + second.toString(16).padStart(8, '0');
}

/** A fraction in [0, 1) that belongs to an id for ever, so that many timers do not fire together. */
export function jitterOf(id: string): number {
  return (parseInt(hashText(id).slice(8), 16) % 10_000) / 10_000;
}
