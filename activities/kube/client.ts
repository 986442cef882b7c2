import { type Dispatcher, errors } from 'undici';
import { failure, HoldfastError } from '../failures.ts';
import { collect } from '../http/collect.ts';
import { type Kube, KubeError, type KubeRequest } from '../ports.ts';
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts';
import { createDiscovery } from './discovery.ts';
import { Status } from './schema.ts';

/** A `Kube` that owns its connections. */
export interface KubeClient extends Kube {
  /** `host:port` of the API server, for messages. */
  readonly host: string;
  close(): Promise<void>;
}

const DEADLINE_MS = 30_000;
/** Lists are paged, so an answer is at most one object of etcd's 1.5 MiB or one page of small ones. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Bookmarks come about every minute; a watch that is silent for longer hangs on a dead connection. */
const STREAM_IDLE_MS = 150_000;

/** Talk to the API server of a kubeconfig through one pool of connections. */
export function createKube(options: ConnectionOptions): KubeClient {
  const connection = createConnection(options);

  async function request<T>(request: KubeRequest): Promise<T> {
    const deadline = startDeadline(request.signal);
    try {
      const response = await send(connection, request, { signal: deadline.signal });
      const text = await readText(response.body, connection.host);
      if (response.statusCode >= 400) throw refusal(connection, response.statusCode, text);
      // The caller names the type; schemas check what matters of it.
      return (text === '' ? null : JSON.parse(text)) as T;
    } catch (error) {
      throw toClusterError(error, connection.host, request.signal);
    } finally {
      deadline.stop();
    }
  }

  async function* stream(request: KubeRequest): AsyncGenerator<unknown, void, undefined> {
    const ended = new AbortController();
    const signal = request.signal === undefined ? ended.signal : AbortSignal.any([ended.signal, request.signal]);
    try {
      const response = await send(connection, request, {
        signal,
        headersTimeout: DEADLINE_MS,
        bodyTimeout: STREAM_IDLE_MS,
      });
      if (response.statusCode >= 400) {
        throw refusal(connection, response.statusCode, await readText(response.body, connection.host));
      }
      for await (const line of readLines(response.body, connection.host)) yield JSON.parse(line) as unknown;
    } catch (error) {
      if (request.signal?.aborted === true) return;
      throw toClusterError(error, connection.host, request.signal);
    } finally {
      // A consumer that stops early must not leave the connection open.
      ended.abort();
    }
  }

  return {
    host: connection.host,
    request,
    stream,
    resource: createDiscovery(request),
    close: () => connection.close(),
  };
}

/** `AbortSignal.timeout` would live on, with all that hangs on it, for its whole time after every answer. */
function startDeadline(outer: AbortSignal | undefined): { readonly signal: AbortSignal; stop(): void } {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new DOMException('no answer in time', 'TimeoutError'));
  }, DEADLINE_MS);
  return {
    signal: outer === undefined ? late.signal : AbortSignal.any([late.signal, outer]),
    stop: () => {
      clearTimeout(timer);
    },
  };
}

type Limits = Pick<Dispatcher.RequestOptions, 'headersTimeout' | 'bodyTimeout'> & { readonly signal: AbortSignal };

async function send(connection: Connection, request: KubeRequest, limits: Limits): Promise<Dispatcher.ResponseData> {
  const { headers, dispatcher } = await connection.open();
  return dispatcher.request({
    ...limits,
    origin: connection.origin,
    path: connection.prefix + request.path + queryOf(request),
    method: request.method,
    headers: { ...headers, ...headersOf(request) },
    body: request.body === undefined ? null : bodyOf(request.body),
  });
}

function queryOf({ query }: KubeRequest): string {
  if (query === undefined) return '';
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
  return `?${parameters.toString()}`;
}

function headersOf({ accept, contentType, body, as }: KubeRequest): Record<string, string> {
  const headers: Record<string, string> = { accept: accept ?? 'application/json', 'accept-encoding': 'identity' };
  if (body !== undefined) headers['content-type'] = contentType ?? 'application/json';
  // The API server adds the groups of a service account by itself when none is named.
  if (as !== undefined) headers['impersonate-user'] = `system:serviceaccount:${as.namespace}:${as.name}`;
  return headers;
}

/** A string is sent as it is, so that a caller can keep numbers that JavaScript cannot hold. */
function bodyOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

async function readText(body: AsyncIterable<Buffer>, host: string): Promise<string> {
  return (await collect(body, MAX_BODY_BYTES, () => tooLarge(host, MAX_BODY_BYTES))).toString('utf8');
}

async function* readLines(body: AsyncIterable<Buffer>, host: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_BYTES) throw tooLarge(host, MAX_LINE_BYTES);
    for (const line of lines) if (line !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}

function tooLarge(host: string, limit: number): HoldfastError {
  return failure('Unexpected', `the API server at ${host} answered with more than ${String(limit / 1024 / 1024)} MiB`);
}

function refusal(connection: Connection, status: number, text: string): KubeError {
  if (status === 401) connection.forget();
  const parsed = Status.safeParse(parseJson(text));
  return parsed.success
    ? new KubeError(status, parsed.data.reason ?? '', parsed.data.message ?? '')
    : new KubeError(status, '', '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Cancellation stays cancellation; everything that is not an answer means that the cluster cannot be reached. */
function toClusterError(error: unknown, host: string, signal: AbortSignal | undefined): unknown {
  if (error instanceof KubeError || error instanceof HoldfastError) return error;
  if (signal?.aborted === true) return signal.reason;
  return failure('ClusterUnreachable', `cannot reach the API server at ${host}: ${reasonOf(error)}`, error);
}

function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'no answer within 30 s';
  if (error instanceof SyntaxError) return 'its answer is not JSON';
  if (error instanceof errors.BodyTimeoutError) return 'the connection fell silent';
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown reason';
}
