/** An HTTP proxy for tests, by CONNECT and by whole URLs, that leads every name to where it is told. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect, type AddressInfo } from 'node:net';

export interface TestProxy {
  readonly origin: string;
  /** Who was asked for, as `host:port`, by those who were let through. */
  readonly asked: string[];
}

/** `where` answers `host:port` for a name. Only who sends this login gets through; null: everybody. */
export async function serveProxy(where: (host: string) => string, login: string | null): Promise<TestProxy> {
  const asked: string[] = [];
  const isLetIn = (said: string | undefined): boolean =>
    login === null || said === `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    if (!isLetIn(headers['proxy-authorization'])) {
      outgoing.writeHead(407, { 'proxy-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    const { host: wanted, pathname, search } = new URL(url);
    asked.push(wanted);
    const [host, port] = where(wanted).split(':');
    const forwarded = request({ host, port, method, path: pathname + search, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.on('connect', ({ url = '', headers }, near) => {
    near.on('error', () => undefined);
    if (!isLetIn(headers['proxy-authorization'])) {
      near.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="test"\r\n\r\n');
      return;
    }
    asked.push(url);
    const [host, port] = where(url).split(':');
    const far = connect(Number(port), host, () => {
      near.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    far.unref();
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }; // on a port, which a pipe is not
}
