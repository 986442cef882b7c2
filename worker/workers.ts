import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from '../runtime/logger.ts';
import { helmTaskQueue, taskQueue } from '../workflows/contract.ts';
import { logFailures } from './log-failures.ts';
import type { WorkerMetrics } from './metrics/index.ts';
import type { WorkerSettings } from './settings.ts';

/** Entities kept in memory between their tasks, at 0.1 to 0.2 MiB each; more than that are replayed when they wake. */
const CACHED_WORKFLOWS = 2_000;
/** A helm that writes has this long to end when the worker is asked to stop, before it is told to. */
const SHUTDOWN_GRACE = '30 seconds';

export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly activities: object;
  /** The workflow bundle. */
  readonly codePath: string;
  readonly logger: Logger;
  readonly sinks: WorkerMetrics['sinks'];
  readonly settings: Pick<WorkerSettings, 'cluster' | 'helmSlots'>;
}

/** One for everything short, one with few slots for everything that runs a helm. */
export async function createWorkers(options: WorkersOptions): Promise<readonly Worker[]> {
  const { connection, namespace, activities, codePath, logger, sinks, settings } = options;
  const common = {
    connection,
    namespace,
    activities,
    shutdownGraceTime: SHUTDOWN_GRACE,
    interceptors: { activity: [logFailures(logger)] },
  } satisfies Partial<WorkerOptions>;
  return [
    await Worker.create({
      ...common,
      taskQueue: taskQueue(settings.cluster),
      workflowBundle: { codePath },
      sinks,
      maxCachedWorkflows: CACHED_WORKFLOWS,
      // A dead worker's tasks come back after this; the default of 10 s is felt at every restart.
      stickyQueueScheduleToStartTimeout: '3 seconds',
    }),
    await Worker.create({
      ...common,
      taskQueue: helmTaskQueue(settings.cluster),
      maxConcurrentActivityTaskExecutions: settings.helmSlots,
      // A cancellation reaches helm with the answer to a heartbeat.
      maxHeartbeatThrottleInterval: '5 seconds',
    }),
  ];
}
