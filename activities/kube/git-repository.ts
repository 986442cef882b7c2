import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { GitJudgement } from '../../workflows/core/git-judgement.ts';
import type { InventoryEntry } from '../../workflows/core/git-plan.ts';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import { type Kube, KubeError } from '../ports.ts';
import type { Condition } from '../types.ts';
import { accountOf } from './account.ts';
import { mergeConditions, StoredCondition } from './conditions.ts';
import type { Involved } from './events.ts';
import { ANNOTATIONS, FINALIZERS, KINDS, MANAGERS, objectPath, PATCH } from './kinds.ts';
import { readOrNull } from './read.ts';
import { AnyObjectOrNull, GitRepositoryFields } from './schema.ts';
import { kubeTime } from './time.ts';

/** An object under the care of a GitRepository; `prune`: it is being deleted. */
export type StoredEntry = InventoryEntry & { readonly prune?: boolean | undefined };

export interface GitRepositoryObject {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly generation: number;
  readonly deleting: boolean;
  /** Our finalizer is set. */
  readonly held: boolean;
  readonly requestedAt: string | null;
  /** Annotation `holdfast.dev/confirmPrune`. */
  readonly confirmed: string | null;
  /** Unchecked; see `compileGitSpec`. What follows is readable also when the rest is not. */
  readonly spec: unknown;
  readonly suspended: boolean;
  readonly deletionPolicy: 'Orphan' | 'Delete';
  /** Whose rights count, in the namespace of the GitRepository; null: the worker's. */
  readonly account: ObjectRef | null;
  readonly inventory: readonly StoredEntry[];
  /** `status.revision`: applied last in full. */
  readonly revision: string | null;
}

const Status = z.object({
  revision: z.string().nullish(),
  conditions: z.array(StoredCondition).catch([]).default([]),
  inventory: z
    .object({ entries: z.array(z.object({ id: z.string(), v: z.string(), prune: z.boolean().optional() })) })
    .nullish(),
});

/** Read a GitRepository. Null: there is none. */
export async function readGitRepository(
  kube: Kube,
  ref: ObjectRef,
  defaultServiceAccount: string | null,
): Promise<GitRepositoryObject | null> {
  const object = AnyObjectOrNull.parse(await readOrNull(kube, objectPath('GitRepository', ref)));
  if (object === null) return null;
  const { uid, generation, deletionTimestamp, finalizers = [], annotations = {} } = object.metadata;
  // An inventory that cannot be read must not be taken for an empty one.
  const status = Status.parse(object.status ?? {});
  return {
    ref,
    uid,
    generation,
    deleting: deletionTimestamp !== undefined,
    held: finalizers.includes(FINALIZERS.GitRepository),
    requestedAt: annotations[ANNOTATIONS.requestedAt] ?? annotations[ANNOTATIONS.fluxRequestedAt] ?? null,
    confirmed: annotations[ANNOTATIONS.confirmPrune] ?? null,
    spec: object.spec,
    ...basicsOf(object.spec),
    account: accountOf(ref.namespace, object.spec, defaultServiceAccount),
    inventory: status.inventory?.entries ?? [],
    revision: status.revision ?? null,
  };
}

const Basics = GitRepositoryFields.pick({ suspend: true, deletionPolicy: true });

function basicsOf(spec: unknown): Pick<GitRepositoryObject, 'suspended' | 'deletionPolicy'> {
  const { suspend, deletionPolicy } = Basics.catch({}).parse(spec);
  return {
    suspended: suspend ?? false,
    deletionPolicy: deletionPolicy ?? 'Orphan',
  };
}

/** Keep the inventory in the cluster, where it outlives workflows and workers. */
export async function writeInventory(
  kube: Kube,
  { ref, uid }: Pick<GitRepositoryObject, 'ref' | 'uid'>,
  entries: readonly StoredEntry[],
): Promise<void> {
  await kube.request({
    ...PATCH.merge,
    path: objectPath('GitRepository', ref, '/status'),
    query: { fieldManager: MANAGERS.status },
    body: { metadata: { uid }, status: { inventory: { entries } } },
  });
}

/** What status says beside the inventory. A field that is null is removed; one that is undefined stays. */
export interface GitStatus {
  readonly revision?: string | undefined;
  readonly lastAttemptedRevision?: string | undefined;
  readonly lastHandledRequestedAt?: string | null | undefined;
  readonly counts?: Readonly<Record<string, number>> | undefined;
  readonly problems?:
    readonly { readonly where: string; readonly reason: string; readonly message: string }[] | undefined;
  readonly workflowId: string;
  readonly runId: string;
}

/** What was written, and what stood there before: Events tell of the difference. */
export interface Written {
  readonly involved: Involved;
  readonly before: {
    readonly revision: string | null;
    readonly ready: Pick<Condition, 'status' | 'reason' | 'message'> | null;
  };
}

/** Write conditions and status of a GitRepository. Null: it is gone. */
export async function writeGitStatus(
  kube: Kube,
  ref: ObjectRef,
  { judgement, status }: { readonly judgement: GitJudgement; readonly status: GitStatus },
): Promise<Written | null> {
  const object = AnyObjectOrNull.parse(await readOrNull(kube, objectPath('GitRepository', ref)));
  if (object === null) return null;
  const { uid, generation } = object.metadata;
  const old = Status.parse(object.status ?? {});
  const now = kubeTime();
  const conditions = mergeConditions(old.conditions, conditionsOf(judgement), { generation, now });
  const next = { observedGeneration: generation, conditions, ...status };
  if (!contains(object.status, next)) await patchStatus(kube, ref, { metadata: { uid }, status: next });
  const { apiVersion } = KINDS.GitRepository;
  return {
    involved: { apiVersion, kind: 'GitRepository', ...ref, uid },
    before: {
      revision: old.revision ?? null,
      ready: old.conditions.find(({ type }) => type === 'Ready') ?? null,
    },
  };
}

function conditionsOf({ ready, reason, message, stalled }: GitJudgement): readonly Condition[] {
  const settled = ready === 'True' || stalled;
  return [
    { type: 'Ready', status: ready, reason, message },
    { type: 'Reconciling', status: settled ? 'False' : 'True', reason, message },
    { type: 'Stalled', status: stalled ? 'True' : 'False', reason, message },
  ];
}

/** Whether a merge would change nothing. A status that is not written is not watched by anybody either. */
function contains(present: unknown, status: Readonly<Record<string, unknown>>): boolean {
  const fields = new Map(Object.entries(typeof present === 'object' && present !== null ? present : {}));
  return Object.entries(status).every(
    ([key, value]) => value === undefined || isDeepStrictEqual(fields.get(key) ?? null, value),
  );
}

async function patchStatus(kube: Kube, ref: ObjectRef, body: object): Promise<void> {
  try {
    await kube.request({
      ...PATCH.merge,
      path: objectPath('GitRepository', ref, '/status'),
      query: { fieldManager: MANAGERS.status },
      body,
    });
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}
