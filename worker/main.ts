import './no-debug.ts';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { makeTelemetryFilterString, NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { createKube } from '../activities/kube/client.ts';
import { identifyCluster } from '../activities/watch/watch-cluster.ts';
import { SettingsError } from '../runtime/environment.ts';
import { createLogger, toTemporalLogger, type Logger } from '../runtime/logger.ts';
import { readTemporalSettings, toNativeConnectionOptions, type TemporalSettings } from '../runtime/temporal.ts';
import { prepareBundle } from './bundle.ts';
import { startWatch } from './cluster.ts';
import { createEntities } from './entities.ts';
import { prepareFolders } from './folders.ts';
import { createWorkerMetrics } from './metrics/index.ts';
import { checkRetention, registerSearchAttributes } from './namespace.ts';
import { persist } from './persist.ts';
import { serveProbes } from './serve.ts';
import { readWorkerSettings, type WorkerSettings } from './settings.ts';
import { onStopSignal } from './stop-signal.ts';
import { createWorkers } from './workers.ts';
import { watchWorkflowThreads } from './workflow-thread/watch.ts';

async function main(settings: WorkerSettings, temporal: TemporalSettings, logger: Logger): Promise<void> {
  const temporalLogger = toTemporalLogger(logger);
  Runtime.install({
    logger: temporalLogger,
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
    workerHeartbeatInterval: 0,
  });
  const codePath = settings.workflowBundle ?? (await prepareBundle(join(settings.dataDir, 'bundle'), temporalLogger));
  const connection = await persist(() => NativeConnection.connect(toNativeConnectionOptions(temporal)), {
    logger,
    waitingFor: `Temporal at ${temporal.address}`,
  });
  try {
    await work({ connection, codePath, settings, temporal, logger });
  } finally {
    // An open one keeps the process alive, also one that has refused to work.
    await connection.close();
  }
}

interface Work {
  readonly connection: NativeConnection;
  readonly codePath: string;
  readonly settings: WorkerSettings;
  readonly temporal: TemporalSettings;
  readonly logger: Logger;
}

/** Comes back when the process was asked to stop and the workers have ended. */
async function work({ connection, codePath, settings, temporal, logger }: Work): Promise<void> {
  const { namespace } = temporal;
  const client = new Client({ connection, namespace });
  const searchAttributes = await registerSearchAttributes(connection, namespace, logger);
  await checkRetention(connection, namespace, logger);

  const { cluster, kubeconfig, context } = settings;
  const kube = createKube({ kubeconfig, context });
  const metrics = createWorkerMetrics();
  try {
    const activities = createActivities({
      kube,
      folders: await prepareFolders(settings.dataDir),
      executables: settings.executables,
      kubeconfig: { file: kubeconfig === 'in-cluster' ? null : kubeconfig, context },
      entities: createEntities(client, { cluster, searchAttributes }),
      settings: {
        cluster,
        noCrossNamespace: settings.noCrossNamespace,
        defaultServiceAccount: settings.defaultServiceAccount,
        plainHttp: settings.plainHttpRegistries,
        tlsFiles: settings.tlsFilesDir,
      },
      stopping: onStopSignal(),
      meter: metrics.meter,
    });
    const { uid } = await persist(() => identifyCluster(kube), {
      logger,
      waitingFor: `the API server at ${kube.host}`,
    });
    await startWatch(client, cluster, uid);

    watchWorkflowThreads(() => {
      logger.fatal('a workflow has not come back for 30 s and holds up all others: this worker ends');
      process.exit(1);
    });
    const { sinks } = metrics;
    const workers = await createWorkers({ connection, namespace, activities, codePath, logger, sinks, settings });
    const isHealthy = (): boolean => workers.every((worker) => worker.getState() === 'RUNNING');
    const probes = serveProbes({ ...settings, isHealthy, metrics });
    logger.info({ cluster, namespace, apiServer: kube.host, temporal: temporal.address }, 'worker runs');
    try {
      await Promise.all(workers.map((worker) => worker.run()));
    } finally {
      probes?.close();
    }
  } finally {
    await kube.close();
  }
  logger.info('worker stopped');
}

try {
  const settings = readWorkerSettings(process.env);
  const logger = createLogger({ name: 'worker', level: settings.logLevel });
  await main(settings, readTemporalSettings(process.env), logger);
} catch (err) {
  createLogger({ name: 'worker', level: 'info' }).fatal(
    { err },
    err instanceof SettingsError ? err.message : 'worker failed',
  );
  process.exitCode = 1;
}
