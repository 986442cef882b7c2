import type { InjectedSinks } from '@temporalio/worker';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Meter } from '../../activities/meter.ts';
import type { AttemptSinks } from '../../workflows/sinks.ts';
import { createObjectGauges } from './objects.ts';
import { createWorkMetrics } from './work.ts';

export interface WorkerMetrics {
  readonly contentType: string;
  /** The exposition text. */
  readonly render: () => Promise<string>;
  /** For activities. */
  readonly meter: Meter;
  /** For workflows. */
  readonly sinks: InjectedSinks<AttemptSinks>;
}

/** What a worker tells Prometheus. Labels hold names, codes and versions: the same as status, and no more. */
export function createWorkerMetrics(): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { attempted, ...work } = createWorkMetrics(registry);
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    meter: { ...work, watching: createObjectGauges(registry) },
    sinks: {
      attempts: {
        ended: {
          fn: (_workflow, attempt) => {
            attempted(attempt);
          },
          callDuringReplay: false,
        },
      },
    },
  };
}
