import { EnvHttpProxyAgent, request } from 'undici';
import { failure } from '../failures.ts';
import { noAnswer, toRegistryFailure, type Asked } from './errors.ts';
import { speaksPlainHttp } from './name.ts';

const HUB = 'registry-1.docker.io';

/**
 * Ask a registry, without credentials, whether it is one. A registry that hands out tokens answers with a Bearer
 * challenge: it lives, and what is public in it can be pulled.
 */
export async function pingRegistry(options: {
  readonly host: string;
  readonly plainHttp: readonly string[];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const { host, timeoutMs } = options;
  const asked: Asked = { host, what: '', repository: host, secret: null };
  const { status, challenge } = await get(options, asked);
  if (status === 200 || (status === 401 && /\bbearer\b/i.test(challenge))) return;
  if (status === 404) throw failure('RegistryUnreachable', `${host} answers, but is no OCI registry: it has no /v2/`);
  if (status < 400)
    throw failure('RegistryUnreachable', `${host} answers /v2/ with status ${status}, as no OCI registry does`);
  throw toRegistryFailure(`response status code ${status}: after at most ${timeoutMs} ms`, asked);
}

async function get(
  { host, plainHttp, timeoutMs, signal }: Parameters<typeof pingRegistry>[0],
  asked: Asked,
): Promise<{ status: number; challenge: string }> {
  const scheme = speaksPlainHttp(host, plainHttp) ? 'http' : 'https';
  const deadline = AbortSignal.timeout(timeoutMs);
  const dispatcher = new EnvHttpProxyAgent();
  try {
    const response = await request(`${scheme}://${host === 'docker.io' ? HUB : host}/v2/`, {
      dispatcher,
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    });
    const challenges = response.headers['www-authenticate'];
    return { status: response.statusCode, challenge: [challenges ?? ''].flat().join(', ') };
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.aborted) throw noAnswer(asked, timeoutMs);
    throw toRegistryFailure(wordsOf(error), asked);
  } finally {
    await dispatcher.destroy();
  }
}

/** In the words that the table knows. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'server misbehaving',
  ECONNRESET: 'connection reset',
  UND_ERR_SOCKET: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  EPROTO: 'tls: handshake',
  ERR_SSL_WRONG_VERSION_NUMBER: 'server gave HTTP response to HTTPS client',
};

function wordsOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/CERT|SIGNED|ERR_TLS/.test(code)) return 'x509: certificate';
  return WORDS[code] ?? code;
}
