/** A gate in front of a real HTTP peer: everything passes at once, but for what a test holds back. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, Agent, request, type IncomingMessage, type ServerResponse } from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { detourTo, type Detour } from './detour.ts';
import type { SharedStack } from './harness.ts';

export interface Gate {
  /** `127.0.0.1:port`, where the peer seems to be. */
  readonly address: string;
  /** Keep back every request that fits, from now on. */
  hold(fits: (asked: Asked) => boolean): Hold;
  /** Writes that the peer has carried out so far, in their order. */
  written(): readonly Asked[];
}

export interface Asked {
  readonly method: string;
  readonly path: string;
}

export interface Hold {
  /** Requests that stand at the gate, and whose clients still wait for an answer. */
  waiting(): readonly Asked[];
  /** Let them pass, and keep back none any more. */
  release(): void;
}

/** In front of a peer that speaks plain HTTP. */
export function gateTo(target: string): Promise<Gate> {
  return open(target, null);
}

/** In front of the API server of a stack. */
export function gateToCluster(stack: Pick<SharedStack, 'kubeconfig'>): Promise<Detour<Gate>> {
  return detourTo(stack, (address) => open(address, readCertificate(stack.kubeconfig)));
}

interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The API server's own, beside the kubeconfig of its stack, so that its clients verify the gate as they verify it. */
function readCertificate(kubeconfig: string): Certificate {
  const file = (name: string): Buffer =>
    readFileSync(join(dirname(kubeconfig), 'kube-apiserver', 'certificates', `apiserver.${name}`));
  return { cert: file('crt'), key: file('key') };
}

interface Rule extends Hold {
  /** Whether the request is kept; if so it goes on with `pass` when it is released. */
  keeps(asked: Asked, client: ServerResponse, pass: () => void): boolean;
}

async function open(target: string, certificate: Certificate | null): Promise<Gate> {
  const rules: Rule[] = [];
  const written: Asked[] = [];
  const forward = createForward(target, certificate);
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const asked = { method: incoming.method ?? '', path: incoming.url ?? '' };
    const pass = (): void => {
      forward(incoming, outgoing, (status) => {
        if (asked.method !== 'GET' && status < 300) written.push(asked);
      });
    };
    if (!rules.some((rule) => rule.keeps(asked, outgoing, pass))) pass();
  };
  const server = certificate === null ? createServer(listener) : https.createServer(certificate, listener);
  // Nobody who is connected is to keep the test file from its end.
  server.on('connection', (socket: Socket) => socket.unref());
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(fits) {
      const rule = createRule(fits);
      rules.push(rule);
      return rule;
    },
    written: () => written,
  };
}

function createRule(fits: (asked: Asked) => boolean): Rule {
  const kept = new Map<ServerResponse, { readonly asked: Asked; readonly pass: () => void }>();
  let holding = true;
  return {
    keeps(asked, client, pass) {
      if (!holding || !fits(asked)) return false;
      kept.set(client, { asked, pass });
      // A client that has died asks for nothing any more.
      client.once('close', () => kept.delete(client));
      return true;
    },
    waiting: () => [...kept.values()].map(({ asked }) => asked),
    release() {
      holding = false;
      for (const { pass } of kept.values()) pass();
      kept.clear();
    },
  };
}

type Forward = (incoming: IncomingMessage, outgoing: ServerResponse, answered: (status: number) => void) => void;

/** Streams both ways: a watch is an answer that never ends. */
function createForward(target: string, certificate: Certificate | null): Forward {
  const [host, port] = target.split(':');
  const ask = certificate === null ? request : https.request;
  const agent =
    certificate === null
      ? new Agent({ keepAlive: true })
      : new https.Agent({ keepAlive: true, ca: certificate.cert, maxCachedSessions: 0 });
  return (incoming, outgoing, answered) => {
    const { method, url: path, headers } = incoming;
    const forwarded = ask({ host, port, method, path, headers, agent }, (answer) => {
      const status = answer.statusCode ?? 502;
      answered(status);
      outgoing.writeHead(status, answer.headers);
      outgoing.flushHeaders();
      answer.on('error', () => outgoing.destroy()).pipe(outgoing);
    });
    forwarded.on('socket', (socket) => socket.unref());
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  };
}
