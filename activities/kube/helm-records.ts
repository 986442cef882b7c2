import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { z } from 'zod';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import { HELM_STATUSES, type HelmStatus } from '../../workflows/core/model.ts';
import { failure } from '../failures.ts';
import { RECORD_LABELS } from '../owner.ts';
import type { Kube } from '../ports.ts';
import { listMetadata } from './list.ts';
import { readOrNull } from './read.ts';
import { SecretDataOrNull } from './schema.ts';

/** One revision as the labels of its Secret tell it: no body was read. */
export interface RecordLabels {
  readonly revision: number;
  readonly status: HelmStatus;
  readonly owner: string | null;
  readonly digest: string | null;
  readonly attempt: string | null;
  readonly changedAt: number | null;
}

/** All revisions of a release, oldest first, from labels alone. */
export async function listRecords(kube: Kube, release: ObjectRef): Promise<readonly RecordLabels[]> {
  const secrets = await listMetadata(kube, {
    path: `/api/v1/namespaces/${encodeURIComponent(release.namespace)}/secrets`,
    labelSelector: `owner=helm,name=${release.name}`,
  });
  return secrets.flatMap(({ labels }) => toRecord(labels ?? {}) ?? []).sort((a, b) => a.revision - b.revision);
}

function toRecord(labels: Readonly<Record<string, string>>): RecordLabels | null {
  const revision = Number(labels['version']);
  if (!Number.isSafeInteger(revision) || revision < 1) return null;
  const status = HELM_STATUSES.find((known) => known === labels['status']) ?? 'unknown';
  const seconds = Number(labels['modifiedAt'] ?? labels['createdAt']);
  return {
    revision,
    status,
    owner: labels[RECORD_LABELS.owner] ?? null,
    digest: labels[RECORD_LABELS.digest] ?? null,
    attempt: labels[RECORD_LABELS.attempt] ?? null,
    changedAt: Number.isFinite(seconds) ? seconds * 1000 : null,
  };
}

/** What status tells about a revision. */
export interface RevisionFacts {
  readonly name: string;
  readonly namespace: string;
  readonly revision: number;
  readonly status: string;
  readonly chart?: string;
  readonly appVersion?: string;
  readonly description?: string;
  readonly firstDeployed?: string;
  readonly lastDeployed?: string;
}

/** The body of a record, without manifest, values and notes. */
const RecordBody = z.object({
  info: z
    .object({
      first_deployed: z.string().nullish(),
      last_deployed: z.string().nullish(),
      description: z.string().nullish(),
      status: z.string(),
    })
    .nullish(),
  chart: z
    .object({
      metadata: z
        .object({ name: z.string(), version: z.string().nullish(), appVersion: z.string().nullish() })
        .nullish(),
    })
    .nullish(),
});

const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const unzip = promisify(gunzip);

/** Describe one revision from the body of its Secret. Null: there is no such record. */
export async function readRevision(kube: Kube, release: ObjectRef, revision: number): Promise<RevisionFacts | null> {
  const path = recordPath(release, revision);
  const secret = SecretDataOrNull.parse(await readOrNull(kube, path));
  const encoded = secret?.data?.['release'];
  if (encoded === undefined) return null;
  const body = RecordBody.parse(await decode(encoded, `${release.namespace}/${release.name}`));
  return { name: release.name, namespace: release.namespace, revision, ...infoOf(body), ...chartOf(body) };
}

type RecordBody = z.infer<typeof RecordBody>;

function infoOf({ info }: RecordBody): Pick<RevisionFacts, 'status'> & Partial<RevisionFacts> {
  return {
    status: info?.status ?? 'unknown',
    ...optional('description', describe(info?.description)),
    ...optional('firstDeployed', toInstant(info?.first_deployed)),
    ...optional('lastDeployed', toInstant(info?.last_deployed)),
  };
}

function chartOf({ chart }: RecordBody): Partial<RevisionFacts> {
  if (chart?.metadata == null) return {};
  const { name, version, appVersion } = chart.metadata;
  return { ...optional('chart', version == null ? name : `${name}-${version}`), ...optional('appVersion', appVersion) };
}

/** Path of the Secret that holds a revision. */
export function recordPath({ namespace, name }: ObjectRef, revision: number): string {
  const secret = `sh.helm.release.v1.${name}.v${revision}`;
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(secret)}`;
}

/** A Secret's base64 around Helm's own base64 around gzip around JSON. */
async function decode(encoded: string, name: string): Promise<unknown> {
  try {
    const zipped = Buffer.from(Buffer.from(encoded, 'base64').toString('latin1'), 'base64');
    const json = await unzip(zipped, { maxOutputLength: MAX_RECORD_BYTES });
    return JSON.parse(json.toString('utf8'));
  } catch (error) {
    throw failure('Unexpected', `the record of release ${name} cannot be decoded`, error);
  }
}

/** After the first colon Helm repeats what the API server said, which may quote values. */
function describe(description: string | null | undefined): string | null {
  return description == null ? null : (description.split(':')[0] ?? '').slice(0, 200);
}

function toInstant(text: string | null | undefined): string | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) || at <= 0 ? null : new Date(at).toISOString();
}

function optional<K extends string>(key: K, value: string | null | undefined): Partial<Record<K, string>> {
  return value == null || value === '' ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}
