import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { request, type Dispatcher } from 'undici';
import type { FailureCode } from '../../workflows/core/failures.ts';
import { failure } from '../failures.ts';
import { isRefusedAddress } from './addresses.ts';
import { noAnswer, toHttpFailure, toStatusFailure, type Asked } from './errors.ts';
import { createDispatcher, type Transport } from './transport.ts';

export interface GetRequest {
  readonly url: URL;
  readonly transport: Transport;
  /** The credentials are for this origin; to any other they do not go. */
  readonly loginFor: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is asked for, as a person names it: `the index of https://charts.example.com`. */
  readonly what: string;
  /** The code of the answer that it is not there. */
  readonly absent: FailureCode;
  /** What is asked for is a zipped file itself: it is not unzipped, whatever the server says of it. */
  readonly zipped?: boolean;
  /** For everything: redirects, and reading the answer to its end. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** An answer with status 200, or 304 to a question with a condition. */
export interface HttpAnswer {
  readonly status: 200 | 304;
  readonly header: (name: string) => string | null;
  /** Unzipped, where the server has zipped it on the way. */
  readonly body: Readable;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Ask by GET, follow redirects, and read what comes while the connection lives. Every way in which that fails is a
 * `HoldfastError` that names what was asked for; but for an abort by `signal`, which is thrown as it is.
 */
export async function get<T>(asked: GetRequest, read: (answer: HttpAnswer) => Promise<T>): Promise<T> {
  const deadline = AbortSignal.timeout(asked.timeoutMs);
  const signal = AbortSignal.any([deadline, asked.signal]);
  const dispatcher = createDispatcher(asked.transport);
  let url = asked.url;
  try {
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const step = await ask({ ...asked, url, signal }, dispatcher);
      if (step.kind === 'answer') return await read(step.answer);
      url = nextUrl(url, step.location, asked.what);
    }
    throw failure('RegistryUnreachable', `${asked.what} is behind more than ${MAX_REDIRECTS} redirects`);
  } catch (error) {
    asked.signal.throwIfAborted();
    const subject = subjectOf({ ...asked, url });
    throw deadline.aborted ? noAnswer(subject, asked.timeoutMs) : toHttpFailure(error, subject);
  } finally {
    await dispatcher.destroy();
  }
}

type Step =
  { readonly kind: 'answer'; readonly answer: HttpAnswer } | { readonly kind: 'redirect'; readonly location: string };

async function ask(asked: GetRequest, dispatcher: Dispatcher): Promise<Step> {
  const { url, headers, signal } = asked;
  if (isRefusedAddress(url.hostname)) {
    throw failure('RegistryUnreachable', `${asked.what} would be asked for at ${url.host}, where no charts lie`);
  }
  const login = loginAt(asked);
  const response = await request(url, {
    dispatcher,
    signal,
    headers: {
      'accept-encoding': asked.zipped === true ? 'identity' : 'gzip',
      'user-agent': 'holdfast',
      ...headers,
      ...(login === null ? {} : { authorization: `Basic ${basicOf(login)}` }),
    },
  });
  const header = (name: string): string | null => [response.headers[name] ?? []].flat()[0] ?? null;
  const { statusCode: status, body } = response;
  if (status === 200 || status === 304) {
    const encoding = asked.zipped === true ? null : header('content-encoding');
    return { kind: 'answer', answer: { status, header, body: unzipped(body, encoding) } };
  }
  // Never read: a connection is not used again.
  body.on('error', () => undefined).destroy();
  const location = header('location');
  if (REDIRECTS.includes(status) && location !== null) return { kind: 'redirect', location };
  if (status === 404 || status === 410) throw failure(asked.absent, `${url.host} does not have ${asked.what}`);
  throw toStatusFailure({ status, retryAfter: header('retry-after') }, subjectOf(asked));
}

/** The credentials, where they belong. */
function loginAt({ url, transport, loginFor }: GetRequest): Transport['login'] {
  return url.origin === loginFor ? transport.login : null;
}

function basicOf({ username, password }: NonNullable<Transport['login']>): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

function subjectOf(asked: GetRequest): Asked {
  const { url, transport, what } = asked;
  return { host: url.host, what, secret: transport.login?.secret ?? null, sent: loginAt(asked) !== null };
}

function nextUrl(from: URL, location: string, what: string): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw failure('RegistryUnreachable', `${from.host} redirects ${what} to something that is no address of the web`);
  }
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw failure('RegistryUnreachable', `${from.host} redirects ${what} from https to http, which is not followed`);
  }
  url.username = '';
  url.password = '';
  return url;
}

function unzipped(body: Readable, encoding: string | null): Readable {
  if (encoding !== 'gzip') return body;
  const gunzip = createGunzip();
  body.on('error', (error) => gunzip.destroy(error));
  return body.pipe(gunzip);
}
