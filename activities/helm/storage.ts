import type { z } from 'zod';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import { HELM_STATUSES, type HelmStatus } from '../../workflows/core/model.ts';
import type { TestHook } from '../../workflows/core/test-model.ts';
import { failure } from '../failures.ts';
import { RECORD_LABELS } from '../owner.ts';
import { type Kube, KubeError } from '../ports.ts';
import { decodeBody, encodeBody, replaceMember } from './codec.ts';
import { RecordMetaList, RecordSecret, ReleaseBody } from './schema.ts';

/** A revision as its Secret's labels tell. */
export interface RecordLabels {
  readonly revision: number;
  readonly status: HelmStatus;
  readonly owner: string | null;
  readonly attempt: string | null;
  readonly resourceVersion: string;
}

/** A revision in full. The manifest holds what the chart rendered, Secrets included: it must not leave the activity. */
export interface ReleaseRecord extends RecordLabels {
  readonly description: string;
  readonly chart: string;
  readonly version: string;
  readonly appVersion: string | null;
  readonly manifest: string;
  /** The values that it was made with, as JSON; for redaction, since they may hold secrets. */
  readonly values: string;
  /** When its hooks run, such as `post-rollback`. */
  readonly hookEvents: readonly string[];
  readonly tests: readonly TestRecord[];
}

/** A hook that `helm test` runs, and how it fared when it last did. */
export interface TestRecord extends TestHook {
  readonly manifest: string;
  /** Such as `before-hook-creation`; empty: what Helm does by default, which is that. */
  readonly deletePolicies: readonly string[];
}

export interface StatusChange {
  readonly from: readonly HelmStatus[];
  readonly to: HelmStatus;
  readonly description?: string;
}

/** Helm's storage of one release: Secrets in its namespace. */
export interface ReleaseStorage {
  /** All revisions, oldest first. */
  list(): Promise<readonly RecordLabels[]>;
  /** Null: there is no such revision. */
  read(revision: number): Promise<ReleaseRecord | null>;
  /**
   * Set the status of a revision, body and label alike, and say why. `Conflict` when it changed since it was read or
   * when it is not `from` any more.
   */
  setStatus(revision: number, change: StatusChange): Promise<void>;
  /** Put labels on a revision, or others in place of those that it has. Helm keeps them nowhere else. */
  setLabels(revision: number, labels: Readonly<Record<string, string>>): Promise<void>;
  /** Remove all revisions, the newest last, so that what is left of an interrupted purge still tells the state. */
  purge(): Promise<void>;
}

const META_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const PAGE = 250;

export function createStorage(kube: Kube, release: ObjectRef): ReleaseStorage {
  const pathOf = (revision: number): string => `${collectionOf(release)}/${recordName(release, revision)}`;

  return {
    list: () => list(kube, release),

    async read(revision) {
      const secret = await readSecret(kube, pathOf(revision));
      return secret === null ? null : recordOf(secret, await decodeBody(secret.data.release));
    },

    async setStatus(revision, change) {
      const subject = `revision ${revision} of release ${release.namespace}/${release.name}`;
      const secret = await readSecret(kube, pathOf(revision));
      if (secret === null) throw failure('Conflict', `${subject} is gone`);
      const json = await decodeBody(secret.data.release);
      const { status } = recordOf(secret, json);
      if (!change.from.includes(status)) throw failure('Conflict', `${subject} is ${status} by now`);
      await patch(kube, pathOf(revision), {
        metadata: {
          resourceVersion: secret.metadata.resourceVersion,
          labels: { status: change.to, modifiedAt: String(Math.floor(Date.now() / 1000)) },
        },
        data: { release: await encodeBody(withStatus(json, change)) },
      });
    },

    setLabels: (revision, labels) => patch(kube, pathOf(revision), { metadata: { labels } }),

    async purge() {
      for (const { revision, resourceVersion } of await list(kube, release)) {
        await remove(kube, pathOf(revision), resourceVersion);
      }
    },
  };
}

function collectionOf({ namespace }: ObjectRef): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
}

async function list(kube: Kube, release: ObjectRef): Promise<readonly RecordLabels[]> {
  const records: RecordLabels[] = [];
  let next = '';
  do {
    const page = RecordMetaList.parse(
      await kube.request({
        method: 'GET',
        path: collectionOf(release),
        query: {
          labelSelector: `owner=helm,name=${release.name}`,
          limit: PAGE,
          ...(next === '' ? {} : { continue: next }),
        },
        accept: META_LIST,
      }),
    );
    records.push(...page.items.map(({ metadata }) => labelsOf(metadata)));
    next = page.metadata?.continue ?? '';
  } while (next !== '');
  return records.toSorted((a, b) => a.revision - b.revision);
}

async function readSecret(kube: Kube, path: string): Promise<RecordSecret | null> {
  try {
    return RecordSecret.parse(await kube.request({ method: 'GET', path }));
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}

function withStatus(json: string, { to, description }: StatusChange): string {
  return replaceMember(json, 'info', (info) => ({
    ...(info as object), // `ReleaseBody` has parsed it
    status: to,
    ...(description === undefined ? {} : { description }),
  }));
}

type RecordSecret = ReturnType<typeof RecordSecret.parse>;

export function recordName({ name }: Pick<ObjectRef, 'name'>, revision: number): string {
  return `sh.helm.release.v1.${encodeURIComponent(name)}.v${revision}`;
}

function labelsOf({
  labels,
  resourceVersion,
}: {
  labels: Record<string, string>;
  resourceVersion: string;
}): RecordLabels {
  return {
    revision: Number(labels['version']),
    status: HELM_STATUSES.find((known) => known === labels['status']) ?? 'unknown',
    owner: labels[RECORD_LABELS.owner] ?? null,
    attempt: labels[RECORD_LABELS.attempt] ?? null,
    resourceVersion,
  };
}

/** Where body and label differ the body counts: it is what Helm itself reads. */
function recordOf({ metadata }: RecordSecret, json: string): ReleaseRecord {
  const { info, chart, manifest, config, hooks } = ReleaseBody.parse(JSON.parse(json));
  return {
    ...labelsOf(metadata),
    status: info.status,
    description: info.description,
    chart: chart.metadata.name,
    version: chart.metadata.version,
    appVersion: chart.metadata.appVersion ?? null,
    manifest,
    values: JSON.stringify(config ?? {}),
    hookEvents: (hooks ?? []).flatMap(({ events }) => events ?? []),
    tests: (hooks ?? []).filter(({ events }) => events?.includes('test') === true).map(testOf),
  };
}

type HookBody = NonNullable<z.infer<typeof ReleaseBody>['hooks']>[number];

function testOf({ name, manifest, delete_policies: policies, last_run: run }: HookBody): TestRecord {
  return {
    name,
    manifest,
    deletePolicies: policies ?? [],
    phase: run?.phase ?? '',
    startedAt: instantOf(run?.started_at),
    completedAt: instantOf(run?.completed_at),
  };
}

/** Helm writes a time that there is not as none, or as the year 1. */
function instantOf(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? '');
  return at > 0 ? at : null;
}

/** The resourceVersion in the body makes the API server refuse when somebody was faster. */
async function patch(kube: Kube, path: string, body: unknown): Promise<void> {
  try {
    await kube.request({
      method: 'PATCH',
      path,
      body,
      contentType: 'application/merge-patch+json',
      query: { fieldManager: 'holdfast-meta' },
    });
  } catch (error) {
    throw isConflict(error)
      ? failure('Conflict', 'a record of Helm was changed by another hand meanwhile', error)
      : error;
  }
}

async function remove(kube: Kube, path: string, resourceVersion: string): Promise<void> {
  try {
    await kube.request({ method: 'DELETE', path, body: { preconditions: { resourceVersion } } });
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return;
    throw isConflict(error)
      ? failure('Conflict', 'a record of Helm was changed by another hand meanwhile', error)
      : error;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409;
}
