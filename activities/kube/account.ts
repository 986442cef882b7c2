import { z } from 'zod';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { Kube } from '../ports.ts';
import { objectPath } from './kinds.ts';
import { readOrNull } from './read.ts';

/** Of a spec that may be wrong elsewhere: also what cannot be compiled is uninstalled in somebody's name. */
const Named = z.object({ serviceAccountName: z.string().nullish().catch(null) }).catch({});
const WithSpec = z.object({ spec: z.unknown().optional() }).nullable();

/**
 * The service account, in the object's own namespace, in whose name everything is done that the object asks for: the
 * one that its spec names, else `HOLDFAST_DEFAULT_SERVICE_ACCOUNT`. Null: the worker's own rights count.
 */
export function accountOf(namespace: string, spec: unknown, fallback: string | null): ObjectRef | null {
  const { serviceAccountName } = Named.parse(spec ?? {});
  const name = serviceAccountName == null || serviceAccountName === '' ? fallback : serviceAccountName;
  return name === null ? null : { namespace, name };
}

/** The same, for a HelmRelease that was not read yet. */
export async function readAccount(kube: Kube, ref: ObjectRef, fallback: string | null): Promise<ObjectRef | null> {
  const object = WithSpec.parse(await readOrNull(kube, objectPath('HelmRelease', ref)));
  return accountOf(ref.namespace, object?.spec, fallback);
}

/** The API server with the rights of an account only. */
export function inTheNameOf(kube: Kube, account: ObjectRef | null): Kube {
  if (account === null) return kube;
  return {
    request: (request) => kube.request({ ...request, as: account }),
    stream: (request) => kube.stream({ ...request, as: account }),
    resource: (apiVersion, kind) => kube.resource(apiVersion, kind),
  };
}
