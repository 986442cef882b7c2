import { z } from 'zod';
import type { Failure } from '../../workflows/core/failures.ts';
import { FAILURES } from '../../workflows/core/failures.ts';
import { type Kube, KubeError } from '../ports.ts';
import type { Condition, ReportedEvent } from '../types.ts';
import { mergeConditions, StoredCondition } from './conditions.ts';
import type { Repository } from './credentials.ts';
import { recordEvent } from './events.ts';
import { KINDS, MANAGERS, objectPath, PATCH } from './kinds.ts';
import { readOrNull } from './read.ts';
import { AnyObjectOrNull, type HelmRepositoryFields } from './schema.ts';

const OldStatus = z
  .object({
    observedGeneration: z.number().optional(),
    conditions: z.array(StoredCondition).catch([]),
  })
  .catch({ conditions: [] });
type OldStatus = z.infer<typeof OldStatus>;

/** What a check of a HelmRepository found. */
export interface RepositoryReport {
  readonly repository: Repository;
  readonly workflowId: string;
  readonly failure: Failure | null;
  /** What its index holds; null: it has none, or nobody could read it. */
  readonly index: IndexSummary | null;
}

/** An index, as far as status shows it. */
export interface IndexSummary {
  readonly names: readonly string[];
  readonly versions: number;
  /** Entries that were left out. */
  readonly skipped: number;
  readonly bytes: number;
  /** The first charts with their newest versions. */
  readonly shown: readonly {
    readonly name: string;
    readonly description: string | null;
    readonly versions: readonly {
      readonly version: string;
      readonly appVersion: string | null;
      readonly created: string | null;
      readonly digest: string | null;
    }[];
  }[];
}

/** Write status and, when something changed, Events of a HelmRepository. One that is gone is left alone. */
export async function reportRepository(kube: Kube, report: RepositoryReport): Promise<void> {
  const { repository, failure } = report;
  const read = AnyObjectOrNull.parse(await readOrNull(kube, objectPath('HelmRepository', repository)));
  if (read?.metadata.uid !== repository.uid) return;
  const old = OldStatus.parse(read.status ?? {});
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const { generation } = repository;
  await patchStatus(kube, report, {
    observedGeneration: generation,
    conditions: mergeConditions(old.conditions, conditionsOf(report), { generation, now }),
    workflowId: report.workflowId,
    ...(failure === null ? { lastSyncTime: now, ...contentsOf(report.index) } : {}),
  });
  const { namespace, name, uid } = repository;
  const involved = { apiVersion: KINDS.HelmRepository.apiVersion, kind: 'HelmRepository', namespace, name, uid };
  for (const event of eventsOf(report, old)) await recordEvent(kube, involved, event);
}

async function patchStatus(kube: Kube, { repository }: RepositoryReport, status: object): Promise<void> {
  try {
    await kube.request({
      ...PATCH.merge,
      path: objectPath('HelmRepository', repository, '/status'),
      query: { fieldManager: MANAGERS.status },
      body: { metadata: { uid: repository.uid }, status },
    });
  } catch (error) {
    if (!(error instanceof KubeError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

/** What the index holds; null, which removes it, where there is none. */
function contentsOf(index: IndexSummary | null): object {
  if (index === null) return { charts: null, stats: null };
  return {
    charts: index.shown.map(({ name, description, versions }) => ({
      name,
      ...(description === null ? {} : { description }),
      versions: versions.map(({ version, appVersion, created, digest }) => ({
        version,
        ...(appVersion === null ? {} : { appVersion }),
        ...(created !== null && DATE_TIME.test(created) && !Number.isNaN(Date.parse(created)) ? { created } : {}),
        ...(digest === null ? {} : { digest }),
      })),
    })),
    stats: { totalCharts: index.names.length, totalVersions: index.versions, lastIndexSize: `${index.bytes} bytes` },
  };
}

/** What the API server takes for one; an index may say anything. */
const DATE_TIME =
  /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$/;

/** For people, about a repository that answers as it should. */
function messageOf(index: IndexSummary | null): string {
  if (index === null) return 'the registry answers';
  const left = index.skipped === 0 ? '' : `; left out: ${counted(index.skipped, 'broken entry', 'broken entries')}`;
  return `the index has ${counted(index.names.length, 'chart')} in ${counted(index.versions, 'version')}${left}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function conditionsOf({ failure, index }: RepositoryReport): readonly Condition[] {
  if (failure === null) {
    return [{ type: 'Ready', status: 'True', reason: 'Succeeded', message: messageOf(index) }, IDLE, NOT_STALLED];
  }
  const { code: reason, message } = failure;
  const ready: Condition = { type: 'Ready', status: 'False', reason, message };
  return FAILURES[reason] === 'stalled'
    ? [ready, IDLE, { type: 'Stalled', status: 'True', reason, message }]
    : [ready, { type: 'Reconciling', status: 'True', reason, message: 'the registry is asked again' }, NOT_STALLED];
}

const IDLE: Condition = { type: 'Reconciling', status: 'False', reason: 'Idle', message: 'nothing is being done' };
const NOT_STALLED: Condition = {
  type: 'Stalled',
  status: 'False',
  reason: 'NotStalled',
  message: 'nothing waits for a change of the spec',
};

/** One when Ready changes or says something new, and once for each generation the fields that are not acted on. */
function eventsOf({ repository, failure, index }: RepositoryReport, old: OldStatus): readonly ReportedEvent[] {
  const before = old.conditions.find(({ type }) => type === 'Ready');
  const reason = failure?.code ?? 'Succeeded';
  const message = failure?.message ?? (index === null ? `registry of ${repository.url} answers` : messageOf(index));
  const changed = failure === null ? before?.status !== 'True' : before?.message !== failure.message;
  const warnings = old.observedGeneration === repository.generation ? [] : unsupported(repository.spec);
  return [
    ...(changed ? [{ type: failure === null ? 'Normal' : 'Warning', reason, message } as const] : []),
    ...warnings.map((field) => ({
      type: 'Warning' as const,
      reason: 'FieldNotSupported',
      message: `${field} is set, but this version does not act on it`,
    })),
  ];
}

function unsupported({ url, mirror, auth, valuesConfigMapPolicy }: HelmRepositoryFields): readonly string[] {
  const { caFile, certFile, keyFile } = auth?.tls ?? {};
  const files = Object.entries({ caFile, certFile, keyFile }).filter(([, path]) => path != null && path !== '');
  const policy = valuesConfigMapPolicy ?? '';
  return [
    ...files.map(([field]) => `spec.auth.tls.${field}`),
    ...(mirror == null || mirror === '' || url.startsWith('oci:') ? [] : ['spec.mirror']),
    ...(policy === '' || policy === 'disabled' ? [] : ['spec.valuesConfigMapPolicy']),
  ];
}
