/** Git over HTTP: Node's server in front of `git http-backend`, one bare repository per folder. */
import { spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Login } from './registry.ts';
import { bareEnvironment } from './service.ts';

export interface GitServerOptions {
  /** Holds `NAME.git` folders. */
  readonly root: string;
  /** 0: any free one. */
  readonly port: number;
  readonly home: string;
  /** Who may push, and what may be read by whom. Asked at each request. */
  access(repository: string): RepositoryAccess;
}

export interface RepositoryAccess {
  readonly read: 'anyone' | 'login';
  readonly logins: readonly Login[];
}

export interface GitServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const ROUTE = /^\/([\w.-]+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const MAX_HEADER_BYTES = 16_384;

export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const server = createServer((request, response) => {
    handle(options, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  // A listening TCP server has an address object.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

function handle(options: GitServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://git');
  const [, repository, action] = ROUTE.exec(url.pathname) ?? [];
  if (repository === undefined || repository.startsWith('.')) {
    response.writeHead(404).end('no such repository\n');
    return;
  }
  const access = options.access(repository);
  const pushes = action === 'git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
  const user = loginOf(request, access.logins);
  if (user === null && (pushes || access.read === 'login')) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="holdfast"' }).end('log in\n');
    return;
  }
  runBackend(options, { request, response, url, user });
}

function loginOf(request: IncomingMessage, logins: readonly Login[]): string | null {
  const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic') return null;
  const given = Buffer.from(encoded, 'base64');
  const found = logins.find(({ user, password }) => isEqual(given, Buffer.from(`${user}:${password}`)));
  return found?.user ?? null;
}

function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly user: string | null;
}

function runBackend({ root, home }: GitServerOptions, { request, response, url, user }: Exchange): void {
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      ...bareEnvironment(home),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: headers['content-type'] ?? '',
      ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      ...(user === null ? {} : { REMOTE_USER: user }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.once('error', () => {
    response.writeHead(500).end('git cannot be run\n');
  });
  // A client that goes away must not leave a backend behind; one that ended early is no error of ours.
  response.once('close', () => child.kill('SIGTERM'));
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  relay(child.stdout, response);
}

/** CGI: header lines, an empty line, the body. */
function relay(output: NodeJS.ReadableStream, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length < MAX_HEADER_BYTES) return;
    output.off('data', onData);
    output.pause();
    writeHead(response, head.subarray(0, Math.max(end, 0)).toString('latin1'));
    response.write(head.subarray(end + 4));
    output.pipe(response);
  };
  output.on('data', onData);
  output.once('end', () => {
    if (!response.headersSent) response.writeHead(502).end('git http-backend gave no answer\n');
  });
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}
