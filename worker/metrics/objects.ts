import { Gauge, type Registry } from 'prom-client';
import type { Meter, MeteredObject } from '../../activities/meter.ts';
import { ENTITY_KINDS, type EntityKind } from '../../workflows/contract.ts';

/** A gauge with a series for each object, or for none where `read` says null. */
interface ObjectGauge {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly kinds: readonly EntityKind[];
  readonly read: (object: MeteredObject, kind: EntityKind) => Sample | null;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const one = (labels: Sample['labels'], value: number | boolean | null): Sample | null =>
  value === null ? null : { labels, value: Number(value) };

const labelsOf = ({ ref }: MeteredObject, kind: EntityKind): Sample['labels'] => ({ kind, ...nameOf(ref) });
const nameOf = ({ namespace, name }: MeteredObject['ref']): Sample['labels'] => ({ namespace, name });

const OBJECT = ['kind', 'namespace', 'name'] as const;
const NAME = ['namespace', 'name'] as const;

/** The names without `holdfast` are those that ketches/helm-operator has defined. */
const GAUGES: readonly ObjectGauge[] = [
  {
    name: 'holdfast_resource_ready',
    help: 'Whether the condition Ready of an object is True',
    labels: OBJECT,
    kinds: ENTITY_KINDS,
    read: (object, kind) => one(labelsOf(object, kind), object.shown.ready),
  },
  {
    name: 'holdfast_resource_reason',
    help: 'The reason of the condition Ready of an object; always 1',
    labels: [...OBJECT, 'reason'],
    kinds: ENTITY_KINDS,
    read: (object, kind) => one({ ...labelsOf(object, kind), reason: object.shown.reason }, 1),
  },
  {
    name: 'holdfast_resource_stalled',
    help: 'Whether only a change of its spec can mend an object',
    labels: OBJECT,
    kinds: ENTITY_KINDS,
    read: (object, kind) => one(labelsOf(object, kind), object.shown.stalled),
  },
  {
    name: 'holdfast_resource_suspended',
    help: 'Whether an object is left alone because somebody wants that',
    labels: OBJECT,
    kinds: ENTITY_KINDS,
    read: (object, kind) => one(labelsOf(object, kind), object.shown.suspended),
  },
  {
    name: 'holdfast_chart_pull_failing',
    help: 'Whether the chart of a release, or a version for its range, cannot be had',
    labels: NAME,
    kinds: ['HelmRelease'],
    read: ({ ref, shown }) => one(nameOf(ref), shown.chartFails),
  },
  {
    name: 'holdfast_repository_last_sync_timestamp_seconds',
    help: 'When a HelmRepository last answered as it should',
    labels: NAME,
    kinds: ['HelmRepository'],
    read: ({ ref, shown }) => one(nameOf(ref), shown.syncedAt),
  },
  {
    name: 'holdfast_credential_expiry_timestamp_seconds',
    help: 'When the first of the credentials of a HelmRepository expires; absent where they say nothing of that',
    labels: NAME,
    kinds: ['HelmRepository'],
    read: ({ ref, shown }) => one(nameOf(ref), shown.expiresAt),
  },
  {
    name: 'holdfast_credential_expiring',
    help: 'Whether somebody should renew the credentials of a HelmRepository; absent where they say nothing of their end',
    labels: NAME,
    kinds: ['HelmRepository'],
    read: ({ ref, shown }) => one(nameOf(ref), shown.expiresAt === null ? null : shown.expiring),
  },
  {
    name: 'helm_repository_charts_discovered',
    help: 'Charts in the index of a HelmRepository',
    labels: ['repository', 'namespace'],
    kinds: ['HelmRepository'],
    read: ({ ref: { namespace, name }, shown }) => one({ repository: name, namespace }, shown.charts),
  },
  {
    name: 'helm_release_info',
    help: 'What the newest revision of a release holds; always 1',
    labels: ['release', 'namespace', 'chart', 'version', 'status'],
    kinds: ['HelmRelease'],
    read: ({ ref: { namespace, name }, shown: { release } }) =>
      release === null ? null : one({ release: name, namespace, ...release }, 1),
  },
];

/**
 * Gauges of what objects say of themselves, computed from those that are watched at each scrape: a restart forgets none,
 * and an object that is gone has none.
 */
export function createObjectGauges(registry: Registry): Meter['watching'] {
  let objects: Parameters<Meter['watching']>[0] = null;
  const registers = [registry];
  for (const { name, help, labels, kinds, read } of GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers,
      collect() {
        this.reset();
        for (const kind of kinds) {
          for (const object of objects?.(kind) ?? []) {
            const sample = read(object, kind);
            if (sample !== null) this.set(sample.labels, sample.value);
          }
        }
      },
    });
  }
  new Gauge({
    name: 'holdfast_watching',
    help: 'Whether this worker is the one that watches the cluster, and serves what objects say of themselves',
    registers,
    collect() {
      this.set(objects === null ? 0 : 1);
    },
  });
  return (watched) => {
    objects = watched;
  };
}
