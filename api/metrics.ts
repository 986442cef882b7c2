import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Phase } from '../workflows/core/model.ts';

export interface Metrics {
  readonly contentType: string;
  /** The exposition text. */
  readonly render: () => Promise<string>;
  readonly countRequest: (request: AnsweredRequest) => void;
  /** Measure one call to Temporal. */
  readonly observe: <T>(operation: string, call: () => Promise<T>) => Promise<T>;
}

interface AnsweredRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
}

/** Scrapes closer together than this see the same counts of releases. */
const PHASES_FOR_MS = 10_000;

const SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];

/** `countPhases` is asked at most every ten seconds; what it throws leaves the old counts out of the answer. */
export function createMetrics(countPhases: () => Promise<ReadonlyMap<Phase, number> | null>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'holdfast_api_request_seconds',
    help: 'Requests to the API, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers,
  });
  const calls = new Histogram({
    name: 'holdfast_api_temporal_call_seconds',
    help: 'Calls to Temporal, with their retries',
    labelNames: ['operation', 'result'],
    buckets: SECONDS,
    registers,
  });
  const scrapeErrors = new Counter({
    name: 'holdfast_releases_scrape_errors_total',
    help: 'Times that the releases could not be counted',
    registers,
  });
  let countedAt = 0;
  new Gauge({
    name: 'holdfast_releases',
    help: 'Releases by phase; absent where Temporal refuses our search attributes or cannot be asked',
    labelNames: ['phase'],
    registers,
    async collect() {
      if (Date.now() - countedAt < PHASES_FOR_MS) return;
      this.reset();
      try {
        for (const [phase, count] of (await countPhases()) ?? []) this.set({ phase }, count);
        countedAt = Date.now();
      } catch {
        scrapeErrors.inc(); // an alert on it says more than a scrape without any figure would
      }
    },
  });
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    countRequest: ({ method, route, status, ms }) => {
      requests.observe({ method, route, status: String(status) }, ms / 1_000);
    },
    observe: async (operation, call) => {
      const end = calls.startTimer({ operation });
      try {
        const value = await call();
        end({ result: 'ok' });
        return value;
      } catch (error) {
        end({ result: 'error' });
        throw error;
      }
    },
  };
}
