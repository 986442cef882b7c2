import type { Kube, KubeRequest } from '../ports.ts';
import type { Question, Sharing } from '../sharing.ts';

/**
 * The same API server, for what many releases read at the same time: HelmRepositories, their Secrets, sources of values.
 * A read is made once for all who wanted it by then, and nobody gets an answer from before `since`.
 */
export function shareReads(
  kube: Kube,
  sharing: Sharing,
  { since, signal }: Pick<Question<unknown>, 'since' | 'signal'>,
): Kube {
  return {
    ...kube,
    request: <T>(request: KubeRequest) =>
      request.method === 'GET'
        ? sharing<T>({ key: keyOf(request), since, signal, ask: () => kube.request<T>(endless(request)) })
        : kube.request<T>(request),
  };
}

function keyOf({ path, query, accept, as }: KubeRequest): string {
  return `kube ${JSON.stringify([path, query, accept, as])}`;
}

/** Whoever gives up waiting for the answer does not end the question of the others. */
function endless({ method, path, query, accept, as }: KubeRequest): KubeRequest {
  return {
    method,
    path,
    ...(query === undefined ? {} : { query }),
    ...(accept === undefined ? {} : { accept }),
    ...(as === undefined ? {} : { as }),
  };
}
