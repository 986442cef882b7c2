import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { failure } from '../failures.ts';

/** Where and as whom to talk to an API server. */
export interface Connection {
  /** `host:port`, for messages. */
  readonly host: string;
  /** Scheme and authority. */
  readonly origin: string;
  /** The path that some gateways put before every other; no slash at the end. */
  readonly prefix: string;
  /** Headers that authenticate, and the pool to send through. Both may change when credentials rotate. */
  open(): Promise<{ readonly headers: Readonly<Record<string, string>>; readonly dispatcher: Dispatcher }>;
  /** Read the credentials again before the next request: they were refused. */
  forget(): void;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** A file, or `in-cluster`. */
  readonly kubeconfig: string;
  /** Null: the file's current context. */
  readonly context: string | null;
}

/** Tokens and certificates on disk are looked at again after this long; a service account's token lives far longer. */
const CREDENTIALS_FRESH_MS = 10_000;
/** Every watch holds one connection for as long as it runs. */
const CONNECTIONS = 64;
/** Less than API servers and most gateways allow; undici's own 4 s would mean a TLS handshake for most looks. */
const IDLE_MS = 45_000;
const CREDENTIALS_DEADLINE_MS = 30_000;

/**
 * Load a kubeconfig and keep one pool of connections for it.
 *
 * The library makes a new agent for every request of a kubeconfig that carries a CA, and leaks its connection; so it
 * is used for loading and authentication only (client certificates, tokens, token files, exec plugins, OIDC).
 */
export function createConnection(options: ConnectionOptions): Connection {
  const config = loadConfig(options);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw noContext(config, options);
  const server = parseServer(cluster.server);
  const { host } = server;

  let pool: { key: string; dispatcher: Dispatcher } | undefined;
  let current: { headers: Record<string, string>; dispatcher: Dispatcher; at: number } | undefined;
  let opening: Promise<NonNullable<typeof current>> | undefined;

  async function authenticate(): Promise<NonNullable<typeof current>> {
    const https: RequestOptions = {};
    await withDeadline(config.applyToHTTPSOptions(https), host);
    const tls = config.createDispatcherOptions(cluster, {
      ...pick(https, ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername']),
      rejectUnauthorized: https.rejectUnauthorized ?? true,
    });
    const key = JSON.stringify(tls);
    if (pool?.key !== key) {
      const old = pool?.dispatcher;
      pool = { key, dispatcher: createPool(tls) };
      // Requests under way finish first.
      void old?.close();
    }
    return { headers: authHeaders(https), dispatcher: pool.dispatcher, at: Date.now() };
  }

  return {
    ...server,
    async open() {
      if (current !== undefined && Date.now() - current.at < CREDENTIALS_FRESH_MS) return current;
      opening ??= authenticate().finally(() => {
        opening = undefined;
      });
      current = await opening;
      return current;
    },
    forget() {
      current = undefined;
    },
    async close() {
      await pool?.dispatcher.destroy();
    },
  };
}

function loadConfig({ kubeconfig, context }: ConnectionOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === 'in-cluster') {
    config.loadFromCluster();
    return config;
  }
  try {
    readFileSync(kubeconfig);
    config.loadFromFile(kubeconfig);
  } catch (error) {
    // What the parser says may quote the file, and with it a token.
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'it is not a kubeconfig';
    throw failure('ClusterUnreachable', `cannot read kubeconfig ${kubeconfig}: ${reason}`);
  }
  if (context !== null) config.setCurrentContext(context);
  return config;
}

function noContext(config: KubeConfig, { kubeconfig, context }: ConnectionOptions): Error {
  const names = config.getContexts().map(({ name }) => name);
  const wanted = context ?? config.getCurrentContext();
  return failure(
    'ClusterUnreachable',
    `kubeconfig ${kubeconfig} has no context ${wanted} with a cluster; it has: ${names.join(', ') || 'none'}`,
  );
}

function parseServer(text: string): Pick<Connection, 'host' | 'origin' | 'prefix'> {
  const url = URL.parse(text);
  if (url === null || !['https:', 'http:'].includes(url.protocol)) {
    throw failure('ClusterUnreachable', 'the server in the kubeconfig is not an http or https URL');
  }
  return { host: url.host, origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
}

/** The options of one pool, as the library computes them from cluster and credentials. */
type PoolOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

function createPool(options: PoolOptions): Dispatcher {
  // HTTP/2 would put every watch and request on one connection whose loss stops them all.
  const shared = { connections: CONNECTIONS, keepAliveTimeout: IDLE_MS, allowH2: false };
  switch (options.type) {
    case 'agent':
      return new Agent({ ...shared, connect: options.connect as Agent.Options['connect'] & object });
    case 'none':
      return new Agent(shared);
    case 'proxy':
      return new ProxyAgent({ ...shared, uri: options.uri, requestTls: options.requestTls as object });
    case 'socks':
      throw failure(
        'ClusterUnreachable',
        'the kubeconfig names a SOCKS proxy, which is not supported; use an HTTP one',
      );
    default:
      throw failure('ClusterUnreachable', 'the kubeconfig asks for a connection of an unknown kind');
  }
}

function authHeaders(https: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(https.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (typeof https.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(https.auth).toString('base64')}`;
  }
  return headers;
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Partial<Pick<T, K>> {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
  return picked;
}

/** An exec plugin that asks a person, or a dead identity provider, must not hang every request for ever. */
async function withDeadline(work: Promise<void>, host: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(failure('ClusterUnreachable', `no credentials for the API server at ${host} within 30 s`));
    }, CREDENTIALS_DEADLINE_MS);
  });
  try {
    await Promise.race([work, deadline]);
  } catch (error) {
    if (error instanceof Error && error.name === 'HoldfastError') throw error;
    // A plugin's output may hold the token, so only the fact is told; the cause stays with the worker's log.
    throw failure('ClusterUnreachable', `cannot get credentials for the API server at ${host}`, error);
  } finally {
    clearTimeout(timer);
  }
}
