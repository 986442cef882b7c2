import { failure, HoldfastError } from '../failures.ts';
import { ADDRESS_REFUSED } from './addresses.ts';
import { parseRetryAfter } from './retry-after.ts';

/** What was asked of a server, for the words of a failure. */
export interface Asked {
  /** With port. */
  readonly host: string;
  /** `the index of https://charts.example.com`. */
  readonly what: string;
  /** Where the credentials of the repository come from; null: it has none. */
  readonly secret: string | null;
  /** Whether they were sent to this host. */
  readonly sent: boolean;
}

/** An answer that is none. The body is not read: it quotes what was asked, which may be signed. */
export interface Refusal {
  readonly status: number;
  readonly retryAfter: string | null;
}

/** The failure that an answer stands for, and how long the server wants to be left alone, where it says so. */
export function toStatusFailure({ status, retryAfter }: Refusal, asked: Asked): HoldfastError {
  const error = failureOf(status, asked);
  const wait = status === 429 || status >= 500 ? parseRetryAfter(retryAfter, Date.now()) : null;
  return wait === null ? error : error.withRetryAfter(wait);
}

function failureOf(status: number, asked: Asked): HoldfastError {
  const { host, what } = asked;
  if (status === 401 || status === 403) return refused(asked);
  if (status === 429) {
    const hint = asked.secret === null ? '; with credentials its limit may be higher' : '';
    return failure('RateLimited', `${host} answers "too many requests" to the request for ${what}${hint}`);
  }
  return failure('RegistryUnreachable', `${host} answers status ${status} to the request for ${what}`);
}

function refused({ host, what, secret, sent }: Asked): HoldfastError {
  if (secret === null) {
    const way = 'name a Secret in auth.basic.secretRef of a HelmRepository whose url leads there';
    return failure('AuthRequired', `${host} wants credentials for ${what}; ${way}`);
  }
  if (sent) {
    const way = 'check its username and password, and that they may read';
    return failure('AuthRejected', `${host} rejected the credentials of Secret ${secret} for ${what}; ${way}`);
  }
  const why = `those of Secret ${secret} were not sent, because it is another host than the repository's`;
  return failure('AuthRequired', `${host} wants credentials for ${what}; ${why}`);
}

/** By the codes of Node and undici. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'its name is not known to DNS',
  EAI_AGAIN: 'DNS does not answer',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'it closed the connection',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  ETIMEDOUT: 'it does not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it does not answer in time',
  EPROTO: 'it does not speak TLS as it should',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks plain HTTP, not TLS; if that is meant, write http:// in the URL',
  [ADDRESS_REFUSED]: 'its name stands for an address where no charts lie',
};

/** The failure that an error of a connection stands for. What is one already, or has no name here, stays as it is. */
export function toHttpFailure(error: unknown, { host }: Asked): unknown {
  if (error instanceof HoldfastError) return error;
  const why = wordsOf(error);
  return why === null ? error : failure('RegistryUnreachable', `cannot reach ${host}: ${why}`, error);
}

function wordsOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/CERT|SIGNED|ERR_TLS/.test(code)) return 'its TLS certificate cannot be verified';
  if (code.startsWith('HPE_')) return 'it does not speak HTTP as it should';
  if (code.startsWith('Z_')) return 'what it sends as gzip is damaged';
  return WORDS[code] ?? null;
}

/** The failure of a server that was given up on. */
export function noAnswer({ host, what }: Asked, timeoutMs: number): HoldfastError {
  return failure('RegistryUnreachable', `cannot reach ${host}: no answer for ${what} within ${timeoutMs / 1000} s`);
}
