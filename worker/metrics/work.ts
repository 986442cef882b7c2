import { Counter, Histogram, type Registry } from 'prom-client';
import type { Measured, Meter } from '../../activities/meter.ts';
import { ENTITY_KINDS } from '../../workflows/contract.ts';
import { ATTEMPT_ACTIONS, type Outcome } from '../../workflows/core/model.ts';
import type { EndedAttempt } from '../../workflows/sinks.ts';

const STATUS = {
  succeeded: 'succeeded',
  failedBeforeWrite: 'failed',
  failedAfterWrite: 'failed',
  interrupted: 'interrupted',
  lost: 'lost',
} as const satisfies Record<Outcome['kind'], string>;
const STATUSES = [...new Set(Object.values(STATUS))];
const RESULTS = ['succeeded', 'failed'] as const;

const BUCKETS = {
  operation: [1, 5, 10, 30, 60, 120, 300, 600],
  asking: [0.1, 0.5, 1, 5, 10, 30, 60, 120],
  look: [0.01, 0.05, 0.1, 0.5, 1, 5, 10],
};

/** How things went that are all of one sort: how many, how long, and why some failed. */
interface Tally {
  readonly count: (labels: Readonly<Record<string, string>>, one: Tallied) => void;
}

interface Tallied {
  readonly seconds: number;
  readonly result: string;
  readonly error: string | null;
}

interface TallyOptions {
  /** The names are `<name>_total`, `<name>_duration_seconds` and `<name>_errors_total`. */
  readonly name: string;
  readonly help: string;
  readonly buckets: number[];
  /** The values of the label that tells the things apart; null: there is none. */
  readonly by: { readonly label: string; readonly values: readonly string[] } | null;
  /** The label of the result, and its values. */
  readonly result: { readonly label: string; readonly values: readonly string[] };
}

/**
 * Made with every series at 0: of one that begins at its first failure, Prometheus sees no increase. Objects are not
 * named: their series would outlive them, and what one of them says of itself is a gauge.
 */
function createTally(registry: Registry, { name, help, buckets, by, result }: TallyOptions): Tally {
  const registers = [registry];
  const names = by === null ? [] : [by.label];
  const total = new Counter({ name: `${name}_total`, help, labelNames: [...names, result.label], registers });
  const duration = new Histogram({
    name: `${name}_duration_seconds`,
    help: `${help}: how long they took`,
    labelNames: names,
    buckets,
    registers,
  });
  const errors = new Counter({
    name: `${name}_errors_total`,
    help: `${help}: why some failed`,
    labelNames: [...names, 'error_type'],
    registers,
  });
  for (const values of by === null ? [{}] : by.values.map((value) => ({ [by.label]: value }))) {
    duration.zero(values);
    for (const value of result.values) total.inc({ ...values, [result.label]: value }, 0);
  }
  return {
    count: (labels, one) => {
      total.inc({ ...labels, [result.label]: one.result });
      duration.observe(labels, one.seconds);
      if (one.error !== null) errors.inc({ ...labels, error_type: one.error });
    },
  };
}

/** Counts what this worker does; those of all workers of a cluster add up. */
export function createWorkMetrics(registry: Registry): {
  readonly attempted: (attempt: EndedAttempt) => void;
} & Omit<Meter, 'watching'> {
  const operations = createTally(registry, {
    name: 'helm_release_operation',
    help: 'Attempts to change a release',
    buckets: BUCKETS.operation,
    by: { label: 'operation', values: ATTEMPT_ACTIONS },
    result: { label: 'status', values: STATUSES },
  });
  const rollbacks = new Counter({
    name: 'helm_release_rollbacks_total',
    help: 'Rollbacks of releases',
    labelNames: ['status'],
    registers: [registry],
  });
  for (const status of STATUSES) rollbacks.inc({ status }, 0);
  const syncs = createTally(registry, {
    name: 'helm_repository_sync',
    help: 'Times that a HelmRepository was asked',
    buckets: BUCKETS.asking,
    by: { label: 'type', values: ['helm', 'oci'] },
    result: { label: 'status', values: RESULTS },
  });
  const looks = createTally(registry, {
    name: 'helm_operator_reconcile',
    help: 'Times that an object was looked at',
    buckets: BUCKETS.look,
    by: { label: 'controller', values: ENTITY_KINDS.map((kind) => kind.toLowerCase()) },
    result: { label: 'result', values: RESULTS },
  });
  const pulls = createTally(registry, {
    name: 'holdfast_chart_pull',
    help: 'Charts fetched for a write, or taken from the cache',
    buckets: BUCKETS.asking,
    by: null,
    result: { label: 'status', values: RESULTS },
  });
  return {
    attempted: ({ action, outcome, failure, seconds }) => {
      const result = STATUS[outcome];
      operations.count({ operation: action }, { seconds, result, error: failure });
      if (action === 'rollback') rollbacks.inc({ status: result });
    },
    looked: (kind) => (measured) => {
      looks.count({ controller: kind.toLowerCase() }, toTallied(measured));
    },
    repositoryAsked: (type, measured) => {
      syncs.count({ type }, toTallied(measured));
    },
    chartPulled: (measured) => {
      pulls.count({}, toTallied(measured));
    },
    valuesKept: createValuesCounter(registry),
  };
}

function createValuesCounter(registry: Registry): Meter['valuesKept'] {
  const registers = [registry];
  const written = new Counter({
    name: 'helm_chart_configmaps_generated_total',
    help: 'ConfigMaps with the default values of charts that were written',
    registers,
  });
  const removed = new Counter({
    name: 'helm_chart_configmaps_cleaned_total',
    help: 'ConfigMaps with the default values of charts that were removed',
    registers,
  });
  return (count) => {
    written.inc(count.written);
    removed.inc(count.removed);
  };
}

function toTallied({ seconds, failure }: Measured): Tallied {
  return { seconds, result: failure === null ? 'succeeded' : 'failed', error: failure };
}
