import { failure } from '../failures.ts';
import { type Kube, KubeError, type KubeRequest, type KubeResource } from '../ports.ts';
import { ResourceList } from './schema.ts';

/** A kind can be deleted and created anew with another plural or scope; then what we know is wrong for this long. */
const FRESH_MS = 10 * 60_000;

interface Known {
  readonly at: number;
  readonly kinds: ReadonlyMap<string, KubeResource>;
}

/** Looks kinds up in `/api/v1` and `/apis/<group>/<version>`, one request for all kinds of a version. */
export function createDiscovery(request: <T>(request: KubeRequest) => Promise<T>): Kube['resource'] {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<Known>>();

  async function ask(apiVersion: string): Promise<Known> {
    const answer = await listResources(request, apiVersion);
    const kinds = new Map(answer.map((resource) => [resource.kind, resource]));
    const fresh = { at: Date.now(), kinds };
    known.set(apiVersion, fresh);
    return fresh;
  }

  function askOnce(apiVersion: string): Promise<Known> {
    const pending = asking.get(apiVersion);
    if (pending !== undefined) return pending;
    const answer = ask(apiVersion).finally(() => asking.delete(apiVersion));
    asking.set(apiVersion, answer);
    return answer;
  }

  return async (apiVersion, kind) => {
    const cached = known.get(apiVersion);
    const found = cached?.kinds.get(kind);
    if (cached !== undefined && found !== undefined && Date.now() - cached.at < FRESH_MS) return found;
    // Unknown or old: a CRD may have been created since.
    return (await askOnce(apiVersion)).kinds.get(kind) ?? null;
  };
}

async function listResources(
  request: <T>(request: KubeRequest) => Promise<T>,
  apiVersion: string,
): Promise<readonly KubeResource[]> {
  const base = basePath(apiVersion);
  if (base === null) return [];
  try {
    const list = ResourceList.parse(await request({ method: 'GET', path: base }));
    return list.resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced }) => ({
        apiVersion,
        kind,
        namespaced,
        path: (ref) => pathOf({ base, plural: name, namespaced }, ref),
      }));
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return [];
    throw error;
  }
}

function basePath(apiVersion: string): string | null {
  const parts = apiVersion.split('/');
  if (parts.some((part) => !/^[a-z0-9.-]+$/.test(part) || /^\.+$/.test(part))) return null;
  if (parts.length === 1) return `/api/${apiVersion}`;
  return parts.length === 2 ? `/apis/${apiVersion}` : null;
}

function pathOf(
  { base, plural, namespaced }: { base: string; plural: string; namespaced: boolean },
  ref: Parameters<KubeResource['path']>[0] = {},
): string {
  if (namespaced && ref.name !== undefined && ref.namespace === undefined) {
    throw new TypeError(`a namespace is needed to reach one object of ${plural}`);
  }
  for (const segment of [ref.namespace, ref.name]) {
    // Such a segment would reach another path than the one meant.
    if (segment === '' || segment === '.' || segment === '..') {
      throw failure('SpecInvalid', `"${segment}" cannot be the name of an object of ${plural}`);
    }
  }
  const scope = namespaced && ref.namespace !== undefined ? `/namespaces/${encodeURIComponent(ref.namespace)}` : '';
  const name = ref.name === undefined ? '' : `/${encodeURIComponent(ref.name)}`;
  return `${base}${scope}/${plural}${name}`;
}
