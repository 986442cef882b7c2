import { request } from 'undici';
import { failure } from '../failures.ts';
import type { HostGates } from '../http/host-gates.ts';
import { createDispatcher, type Transport } from '../http/transport.ts';
import { afterAnswer, noAnswer, toRegistryFailure, type Asked } from './errors.ts';
import { speaksPlainHttp } from './name.ts';

const HUB = 'registry-1.docker.io';

/**
 * Ask a registry, without credentials, whether it is one. A registry that hands out tokens answers with a Bearer
 * challenge: it lives, and what is public in it can be pulled.
 */
export async function pingRegistry(options: {
  readonly host: string;
  /** Its login is not used. */
  readonly transport: Transport;
  readonly plainHttp: readonly string[];
  readonly gates: HostGates;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const { host, gates, signal } = options;
  await gates.pass({ host, account: '', signal }, () => ping(options));
}

async function ping(options: Parameters<typeof pingRegistry>[0]): Promise<void> {
  const { host, timeoutMs } = options;
  const asked: Asked = { host, what: '', repository: host, secret: null };
  const { status, challenge, retryAfter } = await get(options, asked);
  if (status === 200 || (status === 401 && /\bbearer\b/i.test(challenge))) return;
  if (status === 404) throw failure('RegistryUnreachable', `${host} answers, but is no OCI registry: it has no /v2/`);
  if (status < 400)
    throw failure('RegistryUnreachable', `${host} answers /v2/ with status ${status}, as no OCI registry does`);
  const failed = toRegistryFailure(`response status code ${status}: after at most ${timeoutMs} ms`, asked);
  throw afterAnswer(failed, { status, retryAfter });
}

async function get(
  { host, transport, plainHttp, timeoutMs, signal }: Parameters<typeof pingRegistry>[0],
  asked: Asked,
): Promise<{ status: number; challenge: string; retryAfter: string | null }> {
  const scheme = speaksPlainHttp(host, plainHttp, transport.plainHttp) ? 'http' : 'https';
  const deadline = AbortSignal.timeout(timeoutMs);
  const dispatcher = createDispatcher(transport);
  try {
    const response = await request(`${scheme}://${host === 'docker.io' ? HUB : host}/v2/`, {
      dispatcher,
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    });
    const { statusCode: status, headers } = response;
    const challenge = [headers['www-authenticate'] ?? ''].flat().join(', ');
    return { status, challenge, retryAfter: [headers['retry-after'] ?? []].flat()[0] ?? null };
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.aborted) throw noAnswer(asked, timeoutMs);
    throw toRegistryFailure(wordsOf(error, transport), asked);
  } finally {
    await dispatcher.destroy();
  }
}

const UNTRUSTED = 'x509: certificate signed by unknown authority';

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
  CERT_HAS_EXPIRED: 'x509: certificate has expired',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'x509: certificate is valid for other names',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  ERR_SSL_WRONG_VERSION_NUMBER: 'server gave HTTP response to HTTPS client',
};

function wordsOf(error: unknown, { proxy }: Transport): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // undici has no code for what a proxy answers.
  const message = error instanceof Error ? error.message : '';
  if (/^Proxy (?:response|Authentication Required) \(407\)/.test(message)) return 'Proxy Authentication Required';
  if (message.startsWith('Proxy response') || (proxy !== null && code === 'ECONNREFUSED')) return 'proxyconnect tcp: ';
  if (/^ERR_SSL_.*ALERT_/.test(code)) return 'remote error: tls: it is not content with us';
  return WORDS[code] ?? (/CERT|SIGNED|ERR_TLS/.test(code) ? 'x509: certificate' : code);
}
