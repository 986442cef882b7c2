import { z } from 'zod';
import type { Failure } from '../../workflows/core/failures.ts';
import { FAILURES } from '../../workflows/core/failures.ts';
import type { Expiry } from '../credential-expiry.ts';
import { type Kube, KubeError } from '../ports.ts';
import type { Condition, ReportedEvent } from '../types.ts';
import { mergeConditions, StoredCondition } from './conditions.ts';
import type { Repository } from './credentials.ts';
import { recordEvent } from './events.ts';
import { KINDS, MANAGERS, objectPath, PATCH } from './kinds.ts';
import { readOrNull } from './read.ts';
import { AnyObjectOrNull, type HelmRepositoryFields } from './schema.ts';
import { kubeTime } from './time.ts';
import { tlsFilesOf } from './tls-files.ts';

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
  /** Whether this worker reads files that a HelmRepository names. */
  readonly readsFiles: boolean;
  /** What its index holds; null: it has none, or nobody could read it. */
  readonly index: IndexSummary | null;
  /** Of its credentials; null: they say nothing of that. Undefined: they could not be read. */
  readonly expiry: Expiry | null | undefined;
}

/** An index, as far as status shows it. */
export interface IndexSummary {
  readonly names: readonly string[];
  readonly versions: number;
  /** Entries that were left out. */
  readonly skipped: number;
  readonly bytes: number;
  /** Changes when what can be installed does. */
  readonly digest: string;
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
  const now = kubeTime();
  const { generation } = repository;
  const expiring = expiringOf(report, old);
  await patchStatus(kube, report, {
    observedGeneration: generation,
    conditions: mergeConditions(old.conditions, conditionsOf(report, expiring), { generation, now }),
    workflowId: report.workflowId,
    ...credentialsOf(report),
    ...(failure === null ? { lastSyncTime: now, ...contentsOf(report.index) } : {}),
  });
  const { namespace, name, uid } = repository;
  const involved = { apiVersion: KINDS.HelmRepository.apiVersion, kind: 'HelmRepository', namespace, name, uid };
  for (const event of eventsOf(report, { old, expiring })) await recordEvent(kube, involved, event);
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

/** Kept as they are told of where nobody could read them; null, which removes it, where they say nothing. */
function credentialsOf({ expiry }: RepositoryReport): object {
  if (expiry === undefined) return {};
  return { credentials: expiry === null ? null : { expiresAt: kubeTime(expiry.at) } };
}

/** The condition that tells of credentials that end soon; null: nothing is known of their end. */
function expiringOf({ expiry }: RepositoryReport, old: OldStatus): Condition | null {
  const type = 'CredentialExpiring';
  if (expiry === undefined) return old.conditions.find((condition) => condition.type === type) ?? null;
  if (expiry === null) return null;
  const { at, warnFrom, what } = expiry;
  const now = Date.now();
  if (at <= now) {
    return { type, status: 'True', reason: 'Expired', message: `${what} expired at ${kubeTime(at)}; renew it` };
  }
  const message = `${what} expires at ${kubeTime(at)}`;
  if (warnFrom === null || now < warnFrom) return { type, status: 'False', reason: 'Valid', message };
  return { type, status: 'True', reason: 'ExpiresSoon', message: `${message}; renew it before` };
}

/** What the index holds; null, which removes it, where there is none. */
function contentsOf(index: IndexSummary | null): object {
  if (index === null) return { charts: null, stats: null, indexDigest: null };
  return {
    indexDigest: index.digest,
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

function conditionsOf(report: RepositoryReport, expiring: Condition | null): readonly Condition[] {
  const all = stateOf(report, expiring?.status === 'True' ? `; ${expiring.message}` : '');
  return expiring === null ? all : [...all, expiring];
}

/** `more` is worth knowing also while all is well. */
function stateOf({ failure, index }: RepositoryReport, more: string): readonly Condition[] {
  if (failure === null) {
    const message = `${messageOf(index)}${more}`;
    return [{ type: 'Ready', status: 'True', reason: 'Succeeded', message }, IDLE, NOT_STALLED];
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

interface Then {
  readonly old: OldStatus;
  readonly expiring: Condition | null;
}

/**
 * One when Ready changes or says something new, one when credentials are about to expire and when they have, and once
 * for each generation the fields that are not acted on.
 */
function eventsOf({ repository, failure, index, readsFiles }: RepositoryReport, then: Then): readonly ReportedEvent[] {
  const { old, expiring } = then;
  const before = old.conditions.find(({ type }) => type === 'Ready');
  const reason = failure?.code ?? 'Succeeded';
  const message = failure?.message ?? (index === null ? `registry of ${repository.url} answers` : messageOf(index));
  const changed = failure === null ? before?.status !== 'True' : before?.message !== failure.message;
  const warnings = old.observedGeneration === repository.generation ? [] : unsupported(repository.spec, readsFiles);
  return [
    ...(changed ? [{ type: failure === null ? 'Normal' : 'Warning', reason, message } as const] : []),
    ...expiryEvents(expiring, old),
    ...warnings.map((message) => ({ type: 'Warning' as const, reason: 'FieldNotSupported', message })),
  ];
}

function expiryEvents(expiring: Condition | null, { conditions }: OldStatus): readonly ReportedEvent[] {
  if (expiring?.status !== 'True') return [];
  const { type: reason, message } = expiring;
  if (conditions.some((before) => before.type === reason && before.message === message)) return [];
  return [{ type: 'Warning', reason, message }];
}

/** What is set and not acted on. */
function unsupported({ url, mirror, ...spec }: HelmRepositoryFields, readsFiles: boolean): readonly string[] {
  const files = readsFiles ? [] : tlsFilesOf(spec);
  const noFiles = 'is set, but this worker reads no files for HelmRepositories (HOLDFAST_TLS_FILES_DIR); use secretRef';
  return [
    ...files.map((field) => `spec.auth.tls.${field} ${noFiles}`),
    ...(mirror == null || mirror === '' || url.startsWith('oci:')
      ? []
      : ['spec.mirror is set, but this version does not act on it']),
  ];
}
