import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { FastifyError } from 'fastify';
import { SettingsError } from '../runtime/environment.ts';

/** No request of ours has more to say. */
export const BODY_LIMIT_BYTES = 64 * 1024;

/** Every kind of problem: its HTTP status and its title, both fixed. The kind is the end of the problem's `type`. */
export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  'token-required': { status: 401, title: 'A token is needed' },
  'token-rejected': { status: 401, title: 'The token is not valid' },
  'role-missing': { status: 403, title: 'The token may not do this' },
  'object-not-found': { status: 404, title: 'There is no such object' },
  'request-not-found': { status: 404, title: 'There is no such request' },
  'route-not-found': { status: 404, title: 'There is no such address' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'media-type-not-supported': { status: 415, title: 'The body is not JSON' },
  'request-invalid': { status: 422, title: 'The request says something that is not allowed' },
  'request-refused': { status: 422, title: 'The workflow refused the request' },
  'internal-error': { status: 500, title: 'Something is wrong in the API' },
  'temporal-unavailable': { status: 503, title: 'Temporal cannot be used' },
  'worker-unavailable': { status: 503, title: 'No worker answers' },
  'tokens-unavailable': { status: 503, title: 'The tokens file cannot be used' },
} as const satisfies Record<string, { status: number; title: string }>;
export type ProblemKind = keyof typeof PROBLEMS;

/** One wrong part of a request. */
export interface WrongField {
  readonly field: string;
  readonly message: string;
}

interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly WrongField[];
  readonly cause?: unknown;
}

/** An answer that is not what was asked for. `detail` is for people: what is wrong, and the way out. */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly WrongField[];

  constructor(kind: ProblemKind, detail: string, { headers = {}, errors = [], cause }: ProblemExtras = {}) {
    super(detail, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.kind = kind;
    this.headers = PROBLEMS[kind].status === 503 ? { 'retry-after': '5', ...headers } : headers;
    this.errors = errors;
  }

  get status(): number {
    return PROBLEMS[this.kind].status;
  }
}

export const PROBLEM_TYPE = 'urn:holdfast:problem:';

/** The body of RFC 9457. */
export function toProblemBody(problem: Problem, instance: string): Record<string, unknown> {
  const { status, title } = PROBLEMS[problem.kind];
  const body = { type: `${PROBLEM_TYPE}${problem.kind}`, title, status, detail: problem.message, instance };
  return problem.errors.length === 0 ? body : { ...body, errors: problem.errors };
}

/** What any error means to a caller. Texts of errors that are not ours stay behind, as `cause`, for the log. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SettingsError) {
    return new Problem('tokens-unavailable', 'the tokens file cannot be read; the log of the API says why', {
      cause: error,
    });
  }
  return fromFastify(error) ?? fromTemporal(error) ?? unexpected(error);
}

const FASTIFY_KINDS: Readonly<Record<string, readonly [ProblemKind, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', `the body is larger than ${BODY_LIMIT_BYTES} bytes`],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['media-type-not-supported', 'send the body with content-type: application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed-request', 'the body is not as long as its content-length says'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-request', 'the body is not JSON'],
  FST_ERR_BAD_URL: ['malformed-request', 'the address is not correctly percent-encoded'],
};

function fromFastify(error: unknown): Problem | null {
  if (!isFastifyError(error)) return null;
  const known = FASTIFY_KINDS[error.code];
  if (known !== undefined) return new Problem(known[0], known[1], { cause: error });
  const { statusCode = 500 } = error;
  if (statusCode < 400 || statusCode >= 500) return null;
  return new Problem('malformed-request', 'the request cannot be read', { cause: error });
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_');
}

/** `google.rpc.Code`, as far as Temporal answers them. */
const GRPC = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const NO_ANSWER = 'no worker answered in time: see /readyz, and the log of the worker';

function fromTemporal(cause: unknown): Problem | null {
  if (cause instanceof WorkflowUpdateFailedError) {
    // The message comes from the validator in our own workflow.
    return new Problem('request-refused', cause.cause?.message ?? 'the workflow refused the request', { cause });
  }
  if (cause instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    return new Problem('worker-unavailable', NO_ANSWER, { cause });
  }
  if (cause instanceof QueryNotRegisteredError) {
    return new Problem('worker-unavailable', 'the worker is of another version than the API', { cause });
  }
  const code = grpcCodeOf(cause);
  return code === null ? null : fromGrpcCode(code, cause);
}

function fromGrpcCode(code: number, cause: unknown): Problem {
  switch (code) {
    case GRPC.deadlineExceeded:
    case GRPC.failedPrecondition:
      return new Problem('worker-unavailable', NO_ANSWER, { cause });
    case GRPC.permissionDenied:
    case GRPC.unauthenticated:
      return new Problem('temporal-unavailable', "Temporal refuses the API's credentials", { cause });
    case GRPC.notFound:
      return new Problem('temporal-unavailable', 'Temporal does not know the namespace that the API uses', { cause });
    case GRPC.resourceExhausted:
      return new Problem('temporal-unavailable', 'Temporal has too much to do: try again later', { cause });
    case GRPC.unavailable:
      return new Problem('temporal-unavailable', 'Temporal cannot be reached', { cause });
    default:
      return new Problem('temporal-unavailable', 'Temporal refused a call; the log of the API says why', { cause });
  }
}

/** The gRPC code of an error or of its cause; null for errors that are not Temporal's. */
export function grpcCodeOf(error: unknown): number | null {
  if (isGrpcServiceError(error)) return error.code;
  return error instanceof Error && isGrpcServiceError(error.cause) ? error.cause.code : null;
}

/** True when Temporal does not know the workflow, or knows it only as one that has ended. */
export function isGone(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || error instanceof QueryRejectedError;
}

/** True when the server does not know a search attribute of the query. */
export function isUnknownAttribute(error: unknown): boolean {
  return grpcCodeOf(error) === GRPC.invalidArgument;
}

function unexpected(cause: unknown): Problem {
  return new Problem('internal-error', 'the API met an error of its own; its log has more', { cause });
}
