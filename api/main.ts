import { readFileSync } from 'node:fs';
import { SettingsError } from '../runtime/environment.ts';
import { createLogger, type Logger } from '../runtime/logger.ts';
import { connectClient, readTemporalSettings, type TemporalSettings } from '../runtime/temporal.ts';
import { createEntities, type Entities } from './entities.ts';
import { createLinks } from './links.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createProbes } from './probes.ts';
import { Requests } from './requests.ts';
import { createRoutes } from './routes.ts';
import { createServer } from './server.ts';
import { readApiSettings, type ApiSettings } from './settings.ts';
import { readTokens, TokenStore } from './tokens.ts';

/** Answers on their way have this long; a connection that says nothing would hold the process for longer. */
const STOP_MS = 2_000;

async function main(settings: ApiSettings, temporal: TemporalSettings, logger: Logger): Promise<void> {
  const { cluster, tokensFile, host, port } = settings;
  if (readTokens(tokensFile).length === 0) {
    logger.warn({ tokensFile }, 'there is no token yet, so nobody is let in: make one with `npm run token`');
  }
  const { connection } = connectClient(temporal);
  const { namespace } = temporal;
  const metrics: Metrics = createMetrics(() => entities.countPhases());
  const entities: Entities = createEntities({ connection, namespace, cluster, observe: metrics.observe });
  const requests = new Requests(entities, (err, ref) => {
    logger.error({ err, ...ref }, 'request failed after it was accepted');
  });
  const links = createLinks(settings.temporalUi, namespace);
  const app = createServer({
    routes: [...createRoutes({ entities, requests, links }), ...createProbes(entities, metrics)],
    tokens: new TokenStore(tokensFile),
    metrics,
    logger,
    version: readVersion(),
    tls: settings.tls,
  });
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
  const address = await app.listen({ host, port });
  logger.info({ address, cluster, temporal: temporal.address, namespace }, 'API listens');
  const signal = await stopped;
  const cutOff = setTimeout(() => {
    app.server.closeAllConnections();
  }, STOP_MS);
  await Promise.all([requests.stop(), app.close()]);
  clearTimeout(cutOff);
  await connection.close();
  logger.info({ signal }, 'API stopped');
}

function readVersion(): string {
  // our own package.json
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

try {
  const settings = readApiSettings(process.env);
  const logger = createLogger({ name: 'api', level: settings.logLevel });
  await main(settings, readTemporalSettings(process.env), logger);
} catch (err) {
  createLogger({ name: 'api', level: 'info' }).fatal(
    { err },
    err instanceof SettingsError ? err.message : 'API failed',
  );
  process.exitCode = 1;
}
