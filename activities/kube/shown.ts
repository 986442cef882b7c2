import { z } from 'zod';
import type { FailureCode } from '../../workflows/core/failures.ts';
import { ANNOTATIONS } from './kinds.ts';
import type { AnyObject } from './schema.ts';

/** What an object of ours says of itself: what metrics are made of. */
export interface Shown {
  /** Of the condition Ready, whatever the generation it is about. */
  readonly ready: boolean;
  /** Of the same; `Pending` before anybody has looked. */
  readonly reason: string;
  readonly stalled: boolean;
  readonly suspended: boolean;
  /** HelmRelease: its chart, or a version for its range, cannot be had. */
  readonly chartFails: boolean;
  /** HelmRelease: what its newest revision holds; null: nothing is installed. */
  readonly release: { readonly chart: string; readonly version: string; readonly status: string } | null;
  /** HelmRepository: charts in its index; null: it has none. */
  readonly charts: number | null;
  /** HelmRepository: when it last answered as it should, in seconds since the epoch. */
  readonly syncedAt: number | null;
  /** HelmRepository: when its credentials expire, in seconds since the epoch; null: they say nothing of that. */
  readonly expiresAt: number | null;
  /** HelmRepository: somebody should renew them. */
  readonly expiring: boolean;
}

/** Of these no chart comes until somebody mends something where the chart lies, or what leads there. */
const CHART_FAILURES: ReadonlySet<string> = new Set<FailureCode>([
  'RepositoryNotFound',
  'RepositoryAmbiguous',
  'CrossNamespaceDenied',
  'SecretNotFound',
  'SecretInvalid',
  'AuthRejected',
  'AuthRequired',
  'IndexInvalid',
  'ChartNotFound',
  'ChartInvalid',
  'DigestMismatch',
  'RateLimited',
  'RegistryTlsRejected',
  'RegistryUnreachable',
]);

const Condition = z.object({ type: z.string(), status: z.string(), reason: z.string().catch('') });
const seconds = z.iso.datetime().transform((text) => Date.parse(text) / 1_000);

const ShownStatus = z
  .object({
    conditions: z.array(Condition).catch([]),
    failures: z.array(z.object({ reason: z.string() })).catch([]),
    resolved: z.object({ reason: z.string().nullish() }).nullable().catch(null),
    helmRelease: z.object({ chart: z.string(), status: z.string() }).nullable().catch(null),
    stats: z.object({ totalCharts: z.number() }).nullable().catch(null),
    lastSyncTime: seconds.nullable().catch(null),
    credentials: z.object({ expiresAt: seconds }).nullable().catch(null),
  })
  .catch({
    conditions: [],
    failures: [],
    resolved: null,
    helmRelease: null,
    stats: null,
    lastSyncTime: null,
    credentials: null,
  });
type ShownStatus = z.infer<typeof ShownStatus>;

const ShownSpec = z
  .object({ suspend: z.boolean().nullish().catch(null), chart: z.object({ name: z.string() }).nullish().catch(null) })
  .catch({});

/** Read what an object says of itself; what cannot be read is left out. */
export function readShown({ metadata, spec: anySpec, status: anyStatus }: AnyObject): Shown {
  const status = ShownStatus.parse(anyStatus ?? {});
  const spec = ShownSpec.parse(anySpec ?? {});
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  return {
    ready: ready?.status === 'True',
    reason: ready?.reason ?? 'Pending',
    stalled: isTrue(status, 'Stalled'),
    suspended: spec.suspend === true || metadata.annotations?.[ANNOTATIONS.suspended] !== undefined,
    chartFails: chartFails(status, ready),
    release: releaseOf(status, spec.chart?.name ?? ''),
    ...repositoryOf(status),
  };
}

function repositoryOf(status: ShownStatus): Pick<Shown, 'charts' | 'syncedAt' | 'expiresAt' | 'expiring'> {
  return {
    charts: status.stats?.totalCharts ?? null,
    syncedAt: status.lastSyncTime,
    expiresAt: status.credentials?.expiresAt ?? null,
    expiring: isTrue(status, 'CredentialExpiring'),
  };
}

function isTrue({ conditions }: ShownStatus, type: string): boolean {
  return conditions.some((one) => one.type === type && one.status === 'True');
}

/** Also in the middle of the next try, which says nothing of why the one before has failed. */
function chartFails({ failures, resolved }: ShownStatus, ready: z.infer<typeof Condition> | undefined): boolean {
  const last = ready?.status === 'Unknown' ? failures.at(-1)?.reason : undefined;
  const reasons = [ready?.status === 'False' ? ready.reason : last, resolved?.reason];
  return reasons.some((reason) => reason != null && CHART_FAILURES.has(reason));
}

/** Helm names a chart with its version behind it. */
function releaseOf({ helmRelease }: ShownStatus, name: string): Shown['release'] {
  if (helmRelease === null) return null;
  const { chart, status } = helmRelease;
  const known = name !== '' && chart.startsWith(`${name}-`);
  return { chart: known ? name : chart, version: known ? chart.slice(name.length + 1) : '', status };
}
