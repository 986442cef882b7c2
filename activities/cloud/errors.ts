import type { FailureCode } from '../../workflows/core/failures.ts';
import { failure, HoldfastError } from '../failures.ts';
import type { Cloud } from './host.ts';

/** How an identity is given to a worker, for whom has none. */
const IDENTITY: Readonly<Record<Cloud, string>> = {
  aws: 'give its pod an IAM role (IRSA or EKS Pod Identity), or its machine an instance profile',
  gcp: 'bind its service account to one of Google (Workload Identity), or give its machine one',
  azure: 'set up Workload Identity for its pod, or give its machine a managed identity',
};

/** What an identity must be allowed to get a token. */
const RIGHT: Readonly<Record<Cloud, string>> = {
  aws: 'allow its IAM role ecr:GetAuthorizationToken (for public.ecr.aws ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken)',
  gcp: 'give its service account the role roles/artifactregistry.reader, and its machine the scope cloud-platform',
  azure: 'assign its identity the role AcrPull at that registry',
};

interface Row {
  readonly pattern: RegExp;
  readonly code: FailureCode;
}

/** By the words of an error, its code and its status; most special first. */
const ROWS: readonly Row[] = [
  { pattern: /throttl|too ?many ?requests|limit ?exceeded|rate exceeded|^429 /i, code: 'RateLimited' },
  {
    pattern:
      /ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT|UND_ERR|TimeoutError|AbortError|timed out|socket hang up|network_error|endpoints_resolution_error|^5\d\d /,
    code: 'CloudUnreachable',
  },
  { pattern: /CERT|SIGNED|ERR_TLS|self.signed/, code: 'CloudUnreachable' },
  {
    pattern: /CredentialsProviderError|could not load the default credentials|CredentialUnavailable/i,
    code: 'CloudIdentityMissing',
  },
];

const SAY: Readonly<Partial<Record<FailureCode, (cloud: Cloud, host: string) => readonly [string, string]>>> = {
  RateLimited: (cloud, host) => [
    `provider ${cloud} answers "too many requests" to the request for a token for registry ${host}`,
    'it is asked again later',
  ],
  CloudUnreachable: (cloud, host) => [
    `cannot reach provider ${cloud} for a token for registry ${host}`,
    'check the way from the worker to it',
  ],
  CloudIdentityMissing: (cloud, host) => [
    `provider ${cloud} finds no identity of the worker for registry ${host}`,
    IDENTITY[cloud],
  ],
  CloudRejected: (cloud, host) => [
    `provider ${cloud} gives the worker no token for registry ${host}`,
    `${RIGHT[cloud]}; docs/configuration.md says what the worker looks at`,
  ],
};

/**
 * The failure that an error of a cloud's SDK stands for. The error itself is not kept as its cause: it may hold what
 * was sent, with tokens in it.
 */
export function toCloudFailure(error: unknown, cloud: Cloud, host: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const facts = factsOf(error);
  const code = ROWS.find(({ pattern }) => pattern.test(facts.text))?.code ?? 'CloudRejected';
  const [what, way] = SAY[code]?.(cloud, host) ?? ['', ''];
  return failure(code, `${what}: ${facts.said}; ${way}`);
}

interface Facts {
  /** `<status> <name> <code> <message>`, of the error and of what it wraps. */
  readonly text: string;
  /** What the cloud said, for people. */
  readonly said: string;
}

/** What an error of any of the SDKs may have; each has some of it. */
interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

function factsOf(error: unknown): Facts {
  const told = mostTelling(error);
  const { status, statusCode, $metadata } = told;
  const answered = [status, statusCode, $metadata?.httpStatusCode].find((value) => typeof value === 'number') ?? 0;
  const inner = told.cause as SdkError | undefined; // of what an error may have, as it is itself
  const words = [told.name, told.code, told.message, inner?.name, inner?.code].map(textOf);
  return { text: [answered, ...words].join(' '), said: sayable(told, answered) };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A chain of ways to an identity fails with one error for each: those that were not to be had tell nothing. */
function mostTelling(error: unknown): SdkError {
  const { errors } = error as SdkError; // absent in most
  if (!Array.isArray(errors)) return error as SdkError;
  const telling = errors.filter((one) => !NOT_TO_BE_HAD.test(textOf((one as SdkError).message)));
  const found = telling.at(-1) as SdkError | undefined;
  return found === undefined ? { name: 'CredentialUnavailable', message: 'there is none' } : { message: found.message };
}

const NOT_TO_BE_HAD =
  /is unavailable|not available\. Ensure|could(?: not|n't) be found|Unable to execute|not configured|no response from the IMDS|Attempted to use the IMDS/i;

const LONGEST = 240;

/** In one line, without what may be a secret and without what only the cloud's own people can use. */
function sayable({ name, message }: SdkError, status: number): string {
  if (status >= 500) return `it answers status ${status}`;
  const [first = ''] = textOf(message).split(/\n|\s*(?:-\s*)?(?:Trace ID|Correlation ID|Timestamp):/);
  const title = /^(?:Error|SyntaxError|FormRefused)?$/.test(textOf(name)) ? '' : `${textOf(name)}: `;
  const safe = (title + first)
    .replace(/eyJ[\w.-]+|[\w+/=.-]{80,}|[\w+=.-]{40,}/g, '…')
    .replace(/\p{Cc}/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (safe === '') return `it answers status ${status}`;
  return safe.length > LONGEST ? `${safe.slice(0, LONGEST)}…` : safe;
}
