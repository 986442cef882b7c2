/** Faults between us and a real peer: a forwarder in front of it, never a fake of it. */
import { once } from 'node:events';
import { createServer as createHttpServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';

export interface Link {
  /** `host:port`, where the peer seems to be. */
  readonly address: string;
  /** Refuse connections, and end those that are open. */
  cut(): Promise<void>;
  /** Let everybody through again, on the same port. */
  mend(): Promise<void>;
}

/** A cable to a peer that can be pulled out; by default its near end is any free port on loopback. */
export async function forwardTcp(target: string, { at = '127.0.0.1', on = 0 } = {}): Promise<Link> {
  const open = new Set<Socket>();
  const [host = '', port = ''] = target.split(':');
  const join = (socket: Socket, other: Socket): void => {
    open.add(socket);
    // Whoever is connected is not to keep the test file from its end.
    socket.unref();
    socket.on('error', () => undefined).pipe(other);
    socket.on('close', () => {
      open.delete(socket);
      other.destroy();
    });
  };
  const server = createTcpServer((near) => {
    const far = connect(Number(port), host);
    join(near, far);
    join(far, near);
  });
  const listen = async (wanted: number): Promise<void> => {
    server.listen(wanted, at).unref();
    await once(server, 'listening');
  };
  await listen(on);
  const own = (server.address() as AddressInfo).port;
  return {
    address: `${at}:${own}`,
    async cut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
    mend: () => listen(own),
  };
}

interface Passing {
  readonly to: string;
  /** Of the request, in place of its own. */
  readonly headers?: IncomingMessage['headers'];
  /** Headers that the answer loses. */
  readonly drop?: readonly string[];
}

/** Passes one request on to a peer that speaks plain HTTP, and its answer back. */
export function passOn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { to, headers = incoming.headers, drop = [] }: Passing,
): void {
  const [host, port] = to.split(':');
  const { method, url: path } = incoming;
  const forwarded = request({ host, port, method, path, headers }, (answer) => {
    const kept = Object.entries(answer.headers).filter(([name]) => !drop.includes(name));
    outgoing.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
    answer.pipe(outgoing);
  });
  forwarded.on('error', () => outgoing.destroy());
  incoming.pipe(forwarded);
}

export interface AlteringLink {
  readonly address: string;
  close(): void;
}

/** Passes requests on to a peer that speaks plain HTTP, and lets `alter` change the bodies of its answers. */
export async function forwardHttp(
  target: string,
  alter: (path: string, body: Buffer) => Buffer,
): Promise<AlteringLink> {
  const [host, port] = target.split(':');
  const server = createHttpServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    const forwarded = request({ host, port, method, path: url, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.end(alter(url, Buffer.concat(chunks)));
      });
    });
    incoming.pipe(forwarded);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close().closeAllConnections();
    },
  };
}
