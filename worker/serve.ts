import { createServer, type Server, type ServerResponse } from 'node:http';
import type { WorkerMetrics } from './metrics/index.ts';

interface Served {
  readonly host: string;
  /** 0: nothing is served. */
  readonly port: number;
  readonly isHealthy: () => boolean;
  readonly metrics: Pick<WorkerMetrics, 'contentType' | 'render'>;
}

/** Answers `/healthz` for supervisors and container health checks, and `/metrics` for Prometheus; null for port 0. */
export function serveProbes({ host, port, isHealthy, metrics }: Served): Server | null {
  if (port === 0) return null;
  const server = createServer((request, response) => {
    if (request.url === '/healthz') answer(response, isHealthy() ? 200 : 503, isHealthy() ? 'ok\n' : 'not running\n');
    else if (request.url === '/metrics') void answerMetrics(response, metrics);
    else answer(response, 404, 'not found\n');
  });
  return server.listen(port, host);
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}

async function answerMetrics(response: ServerResponse, { contentType, render }: Served['metrics']): Promise<void> {
  try {
    const text = await render();
    response.writeHead(200, { 'content-type': contentType }).end(text);
  } catch {
    // A scrape that fails is seen by who scrapes.
    answer(response, 500, 'the metrics cannot be read\n');
  }
}
