import { isDeepStrictEqual } from 'node:util';
import {
  missingFrom,
  planApply,
  planPrune,
  describeObject,
  fromEntry,
  unionOf,
  type Candidate,
  type InventoryEntry,
  type PlannedObject,
  type Problem,
  type PrunePlan,
} from '../workflows/core/git-plan.ts';
import { codeOf, failure, knownError } from './failures.ts';
import { authorizationOf } from './git/credentials.ts';
import { readManifests, type ManifestDocument, type Manifests } from './git/manifests.ts';
import type { Mirrors } from './git/mirror.ts';
import { checkUrl } from './git/remote.ts';
import { applyDocument } from './kube/apply.ts';
import { kindsDefinedBy, waitEstablished } from './kube/crd.ts';
import { readSecret } from './kube/credentials.ts';
import { dependenciesOf } from './kube/dependencies.ts';
import {
  readGitRepository,
  writeInventory,
  type GitRepositoryObject,
  type StoredEntry,
} from './kube/git-repository.ts';
import { compileGitSpec, type GitSpec } from './kube/git-spec.ts';
import type { CrossNamespace } from './kube/helm-release.ts';
import { letGo, lookAtStale, type Applier } from './kube/inventory.ts';
import { addFinalizer } from './kube/metadata.ts';
import { type Call, withHeartbeat } from './operation.ts';
import type { Kube } from './ports.ts';
import type { GitActivities, GitPass } from './types.ts';

/** What the activities of Git repositories share in a worker. */
export interface GitTools {
  readonly kube: Kube;
  readonly mirrors: Mirrors;
  readonly crossNamespace: CrossNamespace;
  /** Whose rights count for what names no account; null: the worker's. */
  readonly defaultServiceAccount: string | null;
}

type Input = Parameters<GitActivities['syncGitRepository']>[0];

const AT_ONCE = 8;
const MAX_PROBLEMS = 10;
const MAX_NAMES = 20;

/** One pass: fetch, read, apply, and mark in the inventory what is to be pruned. Null: the object is gone. */
export async function syncGitRepository(tools: GitTools, { cluster, ref }: Input, call: Call): Promise<GitPass | null> {
  const object = await readGitRepository(tools.kube, ref, tools.defaultServiceAccount);
  if (object === null) return null;
  if (object.deleting || object.suspended) return idlePass(object);
  return withHeartbeat(call, async () => {
    // Before anything is applied, so that a deletion can always be answered.
    if (!object.held) await addFinalizer(tools.kube, { kind: 'GitRepository', ref, uid: object.uid });
    const spec = compileGitSpec(object.spec);
    const fetched = await fetchManifests(tools, { cluster, object, spec, signal: call.signal });
    return applyAll(tools, { object, spec, fetched, signal: call.signal });
  });
}

/** Who owns a mirror: an object that was deleted and created anew is another. */
export function mirrorOwner(cluster: string, uid: string): string {
  return `${cluster}/${uid}`;
}

function idlePass(object: GitRepositoryObject): GitPass {
  return { ...emptyPass(object), revision: object.revision, inventory: object.inventory.length };
}

function emptyPass({ uid, generation, suspended, deleting, requestedAt }: GitRepositoryObject): GitPass {
  return {
    uid,
    generation,
    suspended,
    deleting,
    url: '',
    intervalMs: 60_000,
    revision: null,
    applied: 0,
    unchanged: 0,
    skipped: 0,
    inventory: 0,
    problems: [],
    problemCount: 0,
    prune: [],
    pruneHeldBack: null,
    requestedAt,
  };
}

interface Fetched extends Manifests {
  readonly revision: string;
}

async function fetchManifests(
  { kube, mirrors }: GitTools,
  { cluster, object, spec, signal }: FetchInput,
): Promise<Fetched> {
  const url = checkUrl(spec.url);
  const authorization = await readAuthorization(kube, object, spec);
  const timeout = AbortSignal.timeout(spec.timeoutMs);
  try {
    const snapshot = await mirrors.open({
      owner: mirrorOwner(cluster, object.uid),
      remote: { url, authorization },
      ref: spec.ref,
      signal: AbortSignal.any([signal, timeout]),
    });
    return { ...(await readManifests(snapshot, spec)), revision: snapshot.revision };
  } catch (error) {
    if (codeOf(error) === 'GitAuthRejected') throw rejected(error, object, spec);
    if (!timeout.aborted || signal.aborted) throw error;
    const seconds = String(spec.timeoutMs / 1000);
    throw failure('GitUnreachable', `${url} was not fetched within ${seconds} s, the limit of spec.timeout`, error);
  }
}

/** Git does not know where its credentials come from. */
function rejected(error: unknown, { ref }: GitRepositoryObject, { secretName }: GitSpec): Error {
  const said = error instanceof Error ? error.message : '';
  const wayOut =
    secretName === null
      ? 'name a Secret with credentials in spec.secretRef'
      : `check Secret ${ref.namespace}/${secretName} of spec.secretRef`;
  return failure('GitAuthRejected', `${said}; ${wayOut}`, error);
}

interface FetchInput {
  readonly cluster: string;
  readonly object: GitRepositoryObject;
  readonly spec: GitSpec;
  readonly signal: AbortSignal;
}

async function readAuthorization(
  kube: Kube,
  { ref: { namespace } }: GitRepositoryObject,
  { secretName: name }: GitSpec,
): Promise<string | null> {
  if (name === null) return null;
  const data = await readSecret(kube, { namespace, name });
  return authorizationOf(new Map(Object.entries(data)), `${namespace}/${name}`);
}

interface ApplyInput {
  readonly object: GitRepositoryObject;
  readonly spec: GitSpec;
  readonly fetched: Fetched;
  readonly signal: AbortSignal;
}

async function applyAll(tools: GitTools, { object, spec, fetched, signal }: ApplyInput): Promise<GitPass> {
  const { kube, crossNamespace } = tools;
  const { documents, revision, skipped } = fetched;
  const applier: Applier = { kube, owner: object.ref, as: object.account, signal };
  const keepInventory = inventoryKeeper(kube, object);
  const plan = planApply(await toCandidates(kube, documents, object.ref.namespace), {
    own: object.ref,
    serviceAccount: object.account?.name ?? null,
    crossNamespace,
  });
  const named = plan.waves.flat().map(({ entry }) => entry);
  const before = object.inventory.map(({ id, v }) => ({ id, v }));
  // Before the first write: whatever happens now, nothing that was applied is forgotten.
  await keepInventory(unionOf(named, before));

  const results = { applied: 0, unchanged: 0, problems: [...fetched.problems, ...plan.problems] };
  for (const wave of plan.waves) await applyWave(applier, { wave, documents, revision, results });

  const stale = missingFrom(before, named);
  const pruning = planPrune({
    prune: spec.prune,
    revision,
    confirmed: object.confirmed,
    problems: results.problems.length,
    total: before.length,
    stale: await lookAtStale(applier, stale),
  });
  await letGo(applier, pruning.letGo);
  const inventory = inventoryAfter(named, pruning);
  await keepInventory(inventory);
  return {
    ...emptyPass(object),
    url: spec.url,
    intervalMs: spec.intervalMs,
    revision,
    applied: results.applied,
    unchanged: results.unchanged,
    skipped,
    inventory: inventory.length,
    problems: results.problems.slice(0, MAX_PROBLEMS),
    problemCount: results.problems.length,
    prune: pruning.prune.slice(0, MAX_NAMES).map((entry) => describeObject(fromEntry(entry))),
    pruneHeldBack: pruning.heldBack,
  };
}

function inventoryAfter(named: readonly InventoryEntry[], { keep, prune }: PrunePlan): readonly StoredEntry[] {
  const doomed = new Set(prune.map(({ id }) => id));
  return unionOf(named, [...keep, ...prune]).map((entry) => (doomed.has(entry.id) ? { ...entry, prune: true } : entry));
}

/** Writes an inventory only when it differs from the last: a pass that changes nothing writes nothing. */
function inventoryKeeper(kube: Kube, object: GitRepositoryObject): (entries: readonly StoredEntry[]) => Promise<void> {
  let stored = object.inventory;
  return async (entries) => {
    if (isDeepStrictEqual(stored, entries)) return;
    await writeInventory(kube, object, entries);
    stored = entries;
  };
}

/** What the plan needs to know of each document; asks the API server once for each kind. */
async function toCandidates(
  kube: Kube,
  documents: readonly ManifestDocument[],
  home: string,
): Promise<readonly Candidate[]> {
  const scopes = new Map<string, Candidate['scope']>();
  for (const { apiVersion, kind, scope } of documents.flatMap(({ value }) => kindsDefinedBy(value))) {
    scopes.set(`${apiVersion} ${kind}`, scope);
  }
  for (const { value } of documents) {
    const key = `${value.apiVersion} ${value.kind}`;
    if (scopes.has(key)) continue;
    const resource = await kube.resource(value.apiVersion, value.kind);
    scopes.set(key, resource === null ? 'unknown' : resource.namespaced ? 'namespaced' : 'cluster');
  }
  return documents.map(({ where, value }) => {
    const { name, namespace } = nameOf(value['metadata']);
    return {
      where,
      apiVersion: value.apiVersion,
      kind: value.kind,
      name,
      namespace,
      scope: scopes.get(`${value.apiVersion} ${value.kind}`) ?? 'unknown',
      dependsOn: value.kind === 'HelmRelease' ? dependenciesOf(namespace ?? home, value['spec']) : [],
    };
  });
}

function nameOf(metadata: unknown): { readonly name: string | null; readonly namespace: string | null } {
  const fields = new Map(Object.entries(typeof metadata === 'object' && metadata !== null ? metadata : {}));
  const text = (key: string): string | null => {
    const value: unknown = fields.get(key);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return { name: text('name'), namespace: text('namespace') };
}

interface Wave {
  readonly wave: readonly PlannedObject[];
  readonly documents: readonly ManifestDocument[];
  readonly revision: string;
  readonly results: { applied: number; unchanged: number; readonly problems: Problem[] };
}

/** Apply a few at a time. A problem with one document stops no other. */
async function applyWave(applier: Applier, { wave, documents, revision, results }: Wave): Promise<void> {
  const queue = [...wave];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const document = documents[next.index];
      if (document === undefined) continue;
      try {
        results[await applyOne(applier, { planned: next, document, revision })] += 1;
      } catch (error) {
        results.problems.push({ where: document.where, ...toProblem(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, wave.length) }, work));
}

async function applyOne(
  applier: Applier,
  { planned: { id }, document: { value }, revision }: One,
): Promise<'applied' | 'unchanged'> {
  const result = await applyDocument(applier, { id, value }, revision);
  const kinds = kindsDefinedBy(value);
  if (kinds.length > 0) await waitEstablished(applier.kube, id.name, { kinds, signal: applier.signal });
  return result;
}

interface One {
  readonly planned: PlannedObject;
  readonly document: ManifestDocument;
  readonly revision: string;
}

/** An unreachable cluster and a cancellation end the pass; everything else is about one document. */
function toProblem(error: unknown): Pick<Problem, 'code' | 'message'> {
  const { code, message } = knownError(error);
  if (code === 'ClusterUnreachable') throw error;
  return { code, message };
}
