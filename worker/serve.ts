import { createServer, type Server } from 'node:http';

/** Answers `/healthz` on loopback for supervisors and container health checks; null for port 0. */
export function serveHealth(port: number, isHealthy: () => boolean): Server | null {
  if (port === 0) return null;
  const server = createServer((request, response) => {
    const known = request.url === '/healthz';
    response.writeHead(known ? (isHealthy() ? 200 : 503) : 404, { 'content-type': 'text/plain' });
    response.end(known ? (isHealthy() ? 'ok\n' : 'not running\n') : 'not found\n');
  });
  return server.listen(port, '127.0.0.1');
}
