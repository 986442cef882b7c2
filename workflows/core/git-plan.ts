import { inOrder } from './dependencies.ts';
import type { Failure } from './failures.ts';
import type { ObjectRef } from './ids.ts';

/** An object under the care of a GitRepository, as its status lists it: `namespace_name_group_kind` and the version. */
export interface InventoryEntry {
  readonly id: string;
  readonly v: string;
}

/** A kind and a name, taken apart. */
export interface ObjectId {
  readonly apiVersion: string;
  readonly kind: string;
  /** Null for an object of the cluster. */
  readonly namespace: string | null;
  readonly name: string;
}

/** A problem with one document. */
export type Problem = Failure & { readonly where: string };

/** A document as far as the order of things depends on it. */
export interface Candidate {
  readonly where: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string | null;
  /** As written. */
  readonly namespace: string | null;
  /** `unknown`: neither the API server nor a CRD of the same commit knows the kind. */
  readonly scope: 'namespaced' | 'cluster' | 'unknown';
  /** HelmRelease: the releases that come first. */
  readonly dependsOn: readonly ObjectRef[];
}

export interface ApplyRules {
  /** The GitRepository; its namespace is that of objects that name none. */
  readonly own: ObjectRef;
  /** `spec.serviceAccountName` is set: its rights decide what may be applied. */
  readonly serviceAccount: string | null;
  readonly crossNamespace: 'allowed' | 'denied';
}

/** An accepted document: `index` in the list of candidates. */
export interface PlannedObject {
  readonly index: number;
  readonly id: ObjectId;
  readonly entry: InventoryEntry;
}

export interface ApplyPlan {
  /** One after the other; what is in one wave may be applied at once. */
  readonly waves: readonly (readonly PlannedObject[])[];
  readonly problems: readonly Problem[];
}

const CRD = 'apiextensions.k8s.io/CustomResourceDefinition';
const RELEASE = 'helm-operator.ketches.cn/HelmRelease';

/** Who is used by others comes first. What is not listed comes after `ConfigMap` and before our own kinds. */
const ORDER = [
  '/Namespace',
  CRD,
  '/ServiceAccount',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'rbac.authorization.k8s.io/RoleBinding',
  '/Secret',
  '/ConfigMap',
  '*',
  'helm-operator.ketches.cn/HelmRepository',
  'holdfast.dev/GitRepository',
  RELEASE,
] as const;

/** What a GitRepository may apply with the rights of Holdfast itself. */
const WITHOUT_ACCOUNT: ReadonlySet<string> = new Set([
  '/Namespace',
  '/Secret',
  '/ConfigMap',
  'helm-operator.ketches.cn/HelmRepository',
  'holdfast.dev/GitRepository',
  RELEASE,
]);

/** Kinds that hold the data of others: pruned only when they say so themselves. */
const PRUNED_ON_REQUEST: ReadonlySet<string> = new Set(['/Namespace', CRD, '/PersistentVolumeClaim']);

/** Choose what is applied, in which order, and say why the rest is not. */
export function planApply(candidates: readonly Candidate[], rules: ApplyRules): ApplyPlan {
  const accepted: PlannedObject[] = [];
  const problems: Problem[] = [];
  const first = new Map<string, string>();
  candidates.forEach((candidate, index) => {
    const refuse = (code: Failure['code'], message: string): void => {
      problems.push({ where: candidate.where, code, message });
    };
    const refused = objectionTo(candidate, rules);
    if (refused !== null) {
      refuse(refused.code, refused.message);
      return;
    }
    const id = idOf(candidate, rules.own.namespace);
    const entry = toEntry(id);
    const before = first.get(entry.id);
    if (before !== undefined) {
      refuse('ManifestInvalid', `${describeObject(id)} is in ${before} already; keep one of them`);
      return;
    }
    first.set(entry.id, candidate.where);
    accepted.push({ index, id, entry });
  });
  // A release that is seen before the change of what it depends on would find that Ready, as it was.
  const waves = inWaves(accepted, ({ id }) => rankOf(id)).flatMap((wave) =>
    inOrder(wave, ({ index, id, entry }) => ({
      key: entry.id,
      dependsOn: (candidates[index]?.dependsOn ?? []).map((ref) => toEntry({ ...id, ...ref }).id),
    })),
  );
  return { waves, problems };
}

function objectionTo({ apiVersion, kind, name, namespace, scope }: Candidate, rules: ApplyRules): Failure | null {
  if (name === null) return { code: 'ManifestInvalid', message: `${kind} has no metadata.name` };
  if (rules.serviceAccount === null && !WITHOUT_ACCOUNT.has(groupKind(apiVersion, kind))) {
    const way = 'set spec.serviceAccountName of the GitRepository to an account that may';
    return { code: 'Forbidden', message: `${kind} ${name} is not applied without an account of its own; ${way}` };
  }
  if (scope === 'unknown') {
    return { code: 'ApplyFailed', message: `the cluster knows no kind ${kind} in ${apiVersion}; is its CRD missing?` };
  }
  const elsewhere = scope === 'namespaced' && namespace !== null && namespace !== rules.own.namespace;
  if (rules.crossNamespace === 'denied' && rules.serviceAccount === null && (elsewhere || scope === 'cluster')) {
    const where = elsewhere ? `in namespace ${namespace}` : 'outside of any namespace';
    return { code: 'CrossNamespaceDenied', message: `${kind} ${name} lies ${where}, which is turned off` };
  }
  return null;
}

function idOf({ apiVersion, kind, name, namespace, scope }: Candidate, home: string): ObjectId {
  return { apiVersion, kind, name: name ?? '', namespace: scope === 'cluster' ? null : (namespace ?? home) };
}

/** An object of the inventory that Git no longer names, as the cluster has it. */
export interface Stale {
  readonly entry: InventoryEntry;
  readonly state: 'gone' | 'going' | 'present';
  /** Its labels still name this GitRepository. */
  readonly ours: boolean;
  /** Value of the annotation `holdfast.dev/prune`. */
  readonly annotation: string | null;
}

export interface PruneInput {
  readonly prune: boolean;
  readonly revision: string;
  /** Value of the annotation `holdfast.dev/confirmPrune` of the GitRepository. */
  readonly confirmed: string | null;
  /** Documents of this pass that could not be read, parsed or applied. */
  readonly problems: number;
  /** Size of the inventory before this pass. */
  readonly total: number;
  readonly stale: readonly Stale[];
}

export interface PrunePlan {
  /** To be deleted, or on its way already. */
  readonly prune: readonly InventoryEntry[];
  /** Left alone: our labels are taken off, and it is nobody's from now on. */
  readonly letGo: readonly InventoryEntry[];
  /** Stays in the inventory until a later pass decides. */
  readonly keep: readonly InventoryEntry[];
  /** Why nothing is pruned although there would be something. */
  readonly heldBack: string | null;
}

const GUARD_FROM = 4;

/** Decide about what is gone from Git. In doubt nothing is deleted. */
export function planPrune({ prune, revision, confirmed, problems, total, stale }: PruneInput): PrunePlan {
  const all = stale.map(({ entry }) => entry);
  const ours = stale.filter(({ state, ours }) => state !== 'gone' && ours);
  const doomed = ours.filter((one) => mayBePruned(one));
  if (problems > 0) {
    const held = prune && doomed.length > 0;
    const why = `${doomed.length} objects are gone from Git but stay: ${problems} documents of this pass have problems`;
    return { prune: [], letGo: [], keep: all, heldBack: held ? why : null };
  }
  if (!prune) return { prune: [], letGo: ours.map(({ entry }) => entry), keep: [], heldBack: null };
  const fresh = doomed.filter(({ state }) => state === 'present');
  if (total >= GUARD_FROM && fresh.length > total / 2 && confirmed !== revision) {
    const why =
      `would delete ${fresh.length} of ${total} objects, more than half; if that is meant, set the annotation ` +
      `holdfast.dev/confirmPrune: ${revision}`;
    return { prune: [], letGo: [], keep: all, heldBack: why };
  }
  const spared = ours.filter((one) => !mayBePruned(one));
  return {
    prune: doomed.map(({ entry }) => entry),
    letGo: spared.map(({ entry }) => entry),
    keep: [],
    heldBack: null,
  };
}

function mayBePruned({ entry, annotation }: Stale): boolean {
  if (annotation === 'disabled') return false;
  const { apiVersion, kind } = fromEntry(entry);
  return annotation === 'enabled' || !PRUNED_ON_REQUEST.has(groupKind(apiVersion, kind));
}

/** The order of deletion: releases first, then what they use, in reverse order of applying. */
export function pruneWaves(entries: readonly InventoryEntry[]): readonly (readonly ObjectId[])[] {
  return inWaves(entries.map(fromEntry), (id) => -rankOf(id));
}

/** A release is waited for: it needs its repositories and Secrets until it is uninstalled. */
export function isRelease({ apiVersion, kind }: ObjectId): boolean {
  return groupKind(apiVersion, kind) === RELEASE;
}

/** Entries of either list, each once. */
export function unionOf(one: readonly InventoryEntry[], other: readonly InventoryEntry[]): readonly InventoryEntry[] {
  const known = new Set(one.map(({ id }) => id));
  return sorted([...one, ...other.filter(({ id }) => !known.has(id))]);
}

/** Entries of the first list that the second does not have. The version of the API does not matter. */
export function missingFrom(
  one: readonly InventoryEntry[],
  other: readonly InventoryEntry[],
): readonly InventoryEntry[] {
  const known = new Set(other.map(({ id }) => id));
  return one.filter(({ id }) => !known.has(id));
}

export function toEntry({ apiVersion, kind, namespace, name }: ObjectId): InventoryEntry {
  const { group, version } = splitApiVersion(apiVersion);
  return { id: [namespace ?? '', name, group, kind].join('_'), v: version };
}

/** Only the name may hold an underscore (those of RBAC do). */
export function fromEntry({ id, v }: InventoryEntry): ObjectId {
  const [namespace = '', ...rest] = id.split('_');
  const kind = rest.at(-1) ?? '';
  const group = rest.at(-2) ?? '';
  return {
    apiVersion: group === '' ? v : `${group}/${v}`,
    kind,
    namespace: namespace === '' ? null : namespace,
    name: rest.slice(0, -2).join('_'),
  };
}

/** `HelmRelease apps/web` */
export function describeObject({ kind, namespace, name }: ObjectId): string {
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
}

function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

function groupKind(apiVersion: string, kind: string): string {
  return `${splitApiVersion(apiVersion).group}/${kind}`;
}

function rankOf({ apiVersion, kind }: ObjectId): number {
  const name = groupKind(apiVersion, kind);
  const listed = ORDER.findIndex((one) => one === name);
  return listed >= 0 ? listed : ORDER.indexOf('*');
}

function inWaves<T>(items: readonly T[], rank: (item: T) => number): readonly (readonly T[])[] {
  const ranks = [...new Set(items.map(rank))].toSorted((a, b) => a - b);
  return ranks.map((one) => items.filter((item) => rank(item) === one));
}

function sorted(entries: readonly InventoryEntry[]): readonly InventoryEntry[] {
  return entries.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
