import type { ObjectRef } from '../workflows/core/ids.ts';

/** A HelmRepository, as far as choosing among several needs it. */
export interface RepositoryCandidate extends ObjectRef {
  readonly url: string;
}

export type RepositoryMatch<C extends RepositoryCandidate> =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly repository: C }
  | { readonly kind: 'ambiguous'; readonly repositories: readonly C[] };

export interface MatchOptions {
  /** The release's own namespace: a candidate there wins over all others. */
  readonly namespace: string;
  readonly crossNamespace: 'allowed' | 'denied';
}

/**
 * Find the HelmRepository whose credentials a chart is pulled with: the longest one whose path segments begin the
 * chart's. The scheme does not matter, host and port must be equal, and the names of Docker Hub are one.
 */
export function matchRepository<C extends RepositoryCandidate>(
  chartUrl: string,
  candidates: readonly C[],
  { namespace, crossNamespace }: MatchOptions,
): RepositoryMatch<C> {
  const chart = segmentsOf(chartUrl);
  const matching = candidates.filter(({ url }) => isPrefix(segmentsOf(url), chart));
  const own = longest(matching.filter((candidate) => candidate.namespace === namespace));
  if (own.length > 0) return verdict(own);
  return crossNamespace === 'denied' ? { kind: 'none' } : verdict(longest(matching));
}

function verdict<C extends RepositoryCandidate>(found: readonly C[]): RepositoryMatch<C> {
  const [first, ...others] = found;
  if (first === undefined) return { kind: 'none' };
  if (others.length === 0) return { kind: 'one', repository: first };
  return { kind: 'ambiguous', repositories: found.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) };
}

function nameOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

function longest<C extends RepositoryCandidate>(candidates: readonly C[]): readonly C[] {
  const most = Math.max(0, ...candidates.map(({ url }) => segmentsOf(url).length));
  return candidates.filter(({ url }) => segmentsOf(url).length === most);
}

const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'];

/** Host in lower case, then the segments of the path. */
function segmentsOf(url: string): readonly string[] {
  const [host = '', ...path] = url
    .trim()
    .replace(/^[a-z]+:\/\//i, '')
    .split('/')
    .filter((segment) => segment !== '');
  const lower = host.toLowerCase();
  return [DOCKER_HUB.includes(lower) ? 'docker.io' : lower, ...path];
}

function isPrefix(prefix: readonly string[], whole: readonly string[]): boolean {
  return prefix.length <= whole.length && prefix.every((segment, i) => segment === whole[i]);
}
