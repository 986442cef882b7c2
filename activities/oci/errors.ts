import type { FailureCode } from '../../workflows/core/failures.ts';
import { failure, type HoldfastError } from '../failures.ts';
import { parseRetryAfter, retryAfterIn } from '../http/retry-after.ts';
import { readTrace } from './trace.ts';

/** What was asked of a registry, for the words of a failure. */
export interface Asked {
  readonly host: string;
  /** What was looked for, as a person names it: `chart app 1.2.0`. Empty for the registry itself. */
  readonly what: string;
  /** `host/path`. */
  readonly repository: string;
  /** The Secret whose credentials were sent, as `namespace/name`; null: none were. */
  readonly secret: string | null;
  /** The cloud whose token was sent, in place of credentials of a Secret. */
  readonly provider?: string | undefined;
}

interface Row {
  readonly pattern: RegExp;
  readonly code: FailureCode | ((asked: Asked) => FailureCode);
  readonly say: (asked: Asked) => string;
}

const authCode = ({ secret }: Asked): FailureCode => (secret === null ? 'AuthRequired' : 'AuthRejected');

/** What lets an identity of a cloud pull. */
const RIGHTS: Readonly<Record<string, string>> = {
  aws: 'allow the IAM role of the worker ecr:BatchGetImage and ecr:GetDownloadUrlForLayer there',
  gcp: "give the worker's service account of Google the role roles/artifactregistry.reader there",
  azure: 'assign the identity of the worker the role AcrPull there',
};

function authMessage(asked: Asked): string {
  const { provider } = asked;
  if (provider !== undefined) {
    return `registry ${asked.host} rejected the token of provider ${provider} for ${subject(asked)}; ${RIGHTS[provider] ?? 'let it pull there'}`;
  }
  return asked.secret === null
    ? `registry ${asked.host} wants credentials for ${subject(asked)}; name a Secret in auth.basic.secretRef of a HelmRepository whose url leads there`
    : `registry ${asked.host} rejected the credentials of Secret ${asked.secret} for ${subject(asked)}; check its username and password, and that they may pull`;
}

function notFoundMessage(asked: Asked): string {
  const { repository, secret } = asked;
  const twice = /(?:^|\/)([^/]+)\/\1$/.exec(repository);
  const hint = twice === null ? '' : `; its last two segments are the same, is one of them too many?`;
  const hidden = secret === null ? ', or hidden from who does not log in' : '';
  return `${subject(asked)} is not at oci://${repository}${hidden}; list what is: oras repo tags ${repository}${hint}`;
}

const subject = ({ what, repository }: Asked): string => (what === '' ? repository : what);
const unreachable =
  (why: string) =>
  (asked: Asked): string =>
    `cannot reach registry ${asked.host}: ${why}`;

/** Everything that `oras` is known to say, most special first. What could be provoked has a recorded sample in the tests. */
const ROWS: readonly Row[] = [
  { pattern: /no space left on device/, code: 'DiskFull', say: () => 'no space left on the worker for charts' },
  { pattern: /basic credential not found/, code: authCode, say: authMessage },
  { pattern: /\bunauthorized: |status code 401\b/, code: authCode, say: authMessage },
  { pattern: /\bdenied: |status code 403\b/, code: authCode, say: authMessage },
  {
    pattern: /\btoomanyrequests: |status code 429\b/,
    code: 'RateLimited',
    say: ({ host, secret }) =>
      `registry ${host} answers "too many requests"${secret === null ? '; with credentials its limit may be higher' : ''}`,
  },
  {
    pattern:
      /mismatched? (?:content )?(?:digest|size)|(?:digest|size) mismatch|invalid (?:content )?(?:digest|size)|mismatch digest/i,
    code: 'DigestMismatch',
    say: (asked) =>
      `registry ${asked.host} sent something else than ${subject(asked)}: its digest is not the one that was announced`,
  },
  {
    pattern: /size exceeds limit/,
    code: 'ChartInvalid',
    say: (asked) => `what registry ${asked.host} has for ${subject(asked)} is larger than the 4 MiB that are read`,
  },
  {
    pattern: /: not found$|manifest unknown|name unknown|status code 404\b/im,
    code: 'ChartNotFound',
    say: notFoundMessage,
  },
  {
    pattern: /server gave HTTP response to HTTPS client/,
    code: 'RegistryUnreachable',
    say: (asked) =>
      `registry ${asked.host} speaks plain HTTP; if that is meant, set spec.insecure: true on its HelmRepository, or name it in HOLDFAST_PLAIN_HTTP_REGISTRIES`,
  },
  {
    pattern: /Proxy Authentication Required/i,
    code: 'AuthRejected',
    say: unreachable(
      'the proxy wants a user name and password, or others; see the Secret of spec.proxySecretRef, or HTTPS_PROXY of the worker',
    ),
  },
  {
    pattern: /proxyconnect tcp:/,
    code: 'RegistryUnreachable',
    say: unreachable('the proxy does not answer; see the Secret of spec.proxySecretRef, or HTTPS_PROXY of the worker'),
  },
  // What the other side says comes first: it is about our certificate.
  {
    pattern: /remote error: tls: /,
    code: 'RegistryTlsRejected',
    say: unreachable(
      'it does not take our client certificate, or wants one; see tls.crt and tls.key in the Secret of auth.tls.secretRef',
    ),
  },
  {
    pattern: /x509: certificate signed by unknown authority/,
    code: 'RegistryTlsRejected',
    say: unreachable(
      'its TLS certificate is signed by nobody who is trusted; put the certificate of its authority into the Secret of auth.tls.secretRef as ca.crt',
    ),
  },
  {
    pattern: /x509: certificate has expired/,
    code: 'RegistryTlsRejected',
    say: unreachable('its TLS certificate has expired, or is not valid yet'),
  },
  {
    pattern: /x509: (?:certificate is (?:not )?valid for|cannot validate certificate for)/,
    code: 'RegistryTlsRejected',
    say: unreachable('its TLS certificate is for another name'),
  },
  { pattern: /x509: |tls: /, code: 'RegistryTlsRejected', say: unreachable('its TLS certificate cannot be verified') },
  { pattern: /connection refused/, code: 'RegistryUnreachable', say: unreachable('connection refused') },
  { pattern: /no such host/, code: 'RegistryUnreachable', say: unreachable('its name is not known to DNS') },
  {
    pattern: /server misbehaving|temporary failure in name/i,
    code: 'RegistryUnreachable',
    say: unreachable('DNS does not answer'),
  },
  {
    pattern: /timeout|deadline exceeded/i,
    code: 'RegistryUnreachable',
    say: unreachable('it does not answer in time'),
  },
  {
    pattern: /: EOF$|unexpected EOF|connection reset|broken pipe/m,
    code: 'RegistryUnreachable',
    say: unreachable('it closed the connection'),
  },
  {
    pattern: /no route to host|network is unreachable/,
    code: 'RegistryUnreachable',
    say: unreachable('no route to it'),
  },
  { pattern: /status code 5\d\d\b/, code: 'RegistryUnreachable', say: unreachable('it answers with a server error') },
];

/**
 * The failure that an output of `oras` stands for. Its text is not passed on: it quotes URLs, which may be signed.
 */
export function toRegistryFailure(stderr: string, asked: Asked): HoldfastError {
  const row = ROWS.find(({ pattern }) => pattern.test(stderr.trim()));
  if (row === undefined)
    return failure(
      'Unexpected',
      `oras failed on ${subject(asked)} of registry ${asked.host} for a reason unknown to Holdfast; see the worker's log`,
      stderr,
    );
  return failure(typeof row.code === 'function' ? row.code(asked) : row.code, row.say(asked), stderr);
}

/** The failure that the output of `oras --debug` stands for, and how long the registry wants to be left alone. */
export function toOrasFailure(stderr: string, asked: Asked): HoldfastError {
  const { words, answer } = readTrace(stderr);
  return afterAnswer(toRegistryFailure(words, asked), {
    status: answer?.status ?? 0,
    // GHCR says it in the middle of its sentence.
    retryAfter: answer?.retryAfter ?? retryAfterIn(words),
  });
}

/** The same failure, and when it is worth another try, if the registry has said so. */
export function afterAnswer(
  error: HoldfastError,
  { status, retryAfter }: { readonly status: number; readonly retryAfter: string | null },
): HoldfastError {
  const wait = status === 429 || status >= 500 ? parseRetryAfter(retryAfter, Date.now()) : null;
  return wait === null ? error : error.withRetryAfter(wait);
}

/** The failure of a registry that was given up on. */
export function noAnswer({ host }: Pick<Asked, 'host'>, timeoutMs: number): HoldfastError {
  return failure('RegistryUnreachable', `cannot reach registry ${host}: no answer within ${timeoutMs / 1000} s`);
}
