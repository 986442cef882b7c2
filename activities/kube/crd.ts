import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { failure } from '../failures.ts';
import type { Kube } from '../ports.ts';
import { readOrNull } from './read.ts';

/** A CustomResourceDefinition, as far as it tells of the kind that it defines. */
const Definition = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    group: z.string(),
    scope: z.enum(['Namespaced', 'Cluster']),
    names: z.object({ kind: z.string() }),
    versions: z.array(z.object({ name: z.string(), served: z.boolean() })),
  }),
});

const Established = z.object({
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) }),
});

/** A kind that a CRD defines. */
export interface DefinedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly scope: 'namespaced' | 'cluster';
}

/** The kinds of a manifest that is a CRD; none of any other manifest. */
export function kindsDefinedBy(manifest: { readonly kind: string }): readonly DefinedKind[] {
  const parsed = manifest.kind === 'CustomResourceDefinition' ? Definition.safeParse(manifest) : null;
  if (parsed?.success !== true) return [];
  const { group, scope, names, versions } = parsed.data.spec;
  return versions
    .filter(({ served }) => served)
    .map(({ name }) => ({
      apiVersion: `${group}/${name}`,
      kind: names.kind,
      scope: scope === 'Cluster' ? 'cluster' : 'namespaced',
    }));
}

const PATIENCE_MS = 15_000;
const PAUSE_MS = 100;

/** Wait until the API server serves the kinds of a CRD that was just applied. */
export async function waitEstablished(kube: Kube, name: string, options: WaitOptions): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${encodeURIComponent(name)}`;
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (!(await isServed(kube, path, options.kinds))) {
    if (Date.now() > giveUpAt) {
      throw failure('ApplyFailed', `CustomResourceDefinition ${name} was not established within 15 s`);
    }
    await sleep(PAUSE_MS, undefined, { signal: options.signal });
  }
}

interface WaitOptions {
  readonly kinds: readonly DefinedKind[];
  readonly signal: AbortSignal;
}

async function isServed(kube: Kube, path: string, kinds: readonly DefinedKind[]): Promise<boolean> {
  const read = Established.safeParse(await readOrNull(kube, path));
  const conditions = read.success ? read.data.status.conditions : [];
  if (!conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return false;
  const resources = await Promise.all(kinds.map(({ apiVersion, kind }) => kube.resource(apiVersion, kind)));
  return resources.every((resource) => resource !== null);
}
