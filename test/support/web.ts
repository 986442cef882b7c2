/** Web servers of a test, on this machine. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export interface Web {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** What was asked for, in order. */
  readonly requests: readonly Pick<IncomingMessage, 'method' | 'url' | 'headers'>[];
}

/** Serve with one function until the tests of the file, or of the suite that calls it, are over. */
export async function serveWeb(answer: RequestListener): Promise<Web> {
  const requests: Web['requests'][number][] = [];
  const server: Server = createServer((request, response) => {
    const { method, url, headers } = request;
    requests.push({ method, url, headers });
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.close().closeAllConnections();
  });
  // Listening on a port, which a pipe is not.
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

export function basicAuth({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
