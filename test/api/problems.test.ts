import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isGone, isUnknownAttribute, Problem, PROBLEMS, toProblem, toProblemBody } from '../../api/problems.ts';
import { SettingsError } from '../../runtime/environment.ts';

const CANARY = 'canary-77e1';

/** As grpc-js makes them; the message may repeat anything. */
function grpc(code: number): Error {
  return Object.assign(new Error(CANARY), { code, details: CANARY, metadata: {} });
}
function service(code: number): Error {
  return new ServiceError(CANARY, { cause: grpc(code) });
}
function fastify(code: string, statusCode: number): Error {
  return Object.assign(new Error(CANARY), { code, statusCode });
}

describe('toProblem', () => {
  const rows = [
    { name: 'a deadline that passed', error: service(4), kind: 'worker-unavailable' },
    { name: 'no poller', error: service(9), kind: 'worker-unavailable' },
    { name: 'Temporal away', error: grpc(14), kind: 'temporal-unavailable' },
    { name: 'Temporal busy', error: service(8), kind: 'temporal-unavailable' },
    { name: 'our credentials refused', error: service(7), kind: 'temporal-unavailable' },
    { name: 'our namespace unknown', error: service(5), kind: 'temporal-unavailable' },
    { name: 'a call refused', error: service(3), kind: 'temporal-unavailable' },
    {
      name: 'an update that nobody took',
      error: new WorkflowUpdateRPCTimeoutOrCancelledError(CANARY),
      kind: 'worker-unavailable',
    },
    { name: 'a broken tokens file', error: new SettingsError(CANARY), kind: 'tokens-unavailable' },
    { name: 'a large body', error: fastify('FST_ERR_CTP_BODY_TOO_LARGE', 413), kind: 'body-too-large' },
    { name: 'a request that Fastify refuses', error: fastify('FST_ERR_OTHER', 400), kind: 'malformed-request' },
    { name: 'a defect', error: new TypeError(CANARY), kind: 'internal-error' },
    { name: 'a defect of Fastify', error: fastify('FST_ERR_OTHER', 500), kind: 'internal-error' },
    { name: 'something thrown that is no error', error: CANARY, kind: 'internal-error' },
  ] as const;
  for (const { name, error, kind } of rows) {
    it(`${name}: ${kind}, without the words of others`, () => {
      const problem = toProblem(error);
      assert.equal(problem.kind, kind);
      assert.equal(problem.message.includes(CANARY), false);
      assert.equal(problem.cause, error);
    });
  }

  it('repeats what our own validator says', () => {
    const error = new WorkflowUpdateFailedError('failed', ApplicationFailure.nonRetryable('id must be short'));
    const { kind, message } = toProblem(error);
    assert.deepEqual({ kind, message }, { kind: 'request-refused', message: 'id must be short' });
  });

  it('leaves a problem as it is', () => {
    const problem = new Problem('role-missing', 'no');
    assert.equal(toProblem(problem), problem);
  });
});

describe('a problem', () => {
  it('is what RFC 9457 asks for', () => {
    const problem = new Problem('request-invalid', 'query.limit: expected a number', {
      errors: [{ field: 'query.limit', message: 'expected a number' }],
    });
    assert.deepEqual(toProblemBody(problem, '/v1/helmreleases'), {
      type: 'urn:holdfast:problem:request-invalid',
      title: PROBLEMS['request-invalid'].title,
      status: 422,
      detail: 'query.limit: expected a number',
      instance: '/v1/helmreleases',
      errors: [{ field: 'query.limit', message: 'expected a number' }],
    });
  });

  it('of 503 says when to try again', () => {
    assert.deepEqual(new Problem('worker-unavailable', 'x').headers, { 'retry-after': '5' });
    assert.deepEqual(new Problem('object-not-found', 'x').headers, {});
  });
});

describe('what Temporal says about workflows', () => {
  it('is gone when unknown', () => {
    assert.equal(isGone(new WorkflowNotFoundError('x', 'id', undefined)), true);
    assert.equal(isGone(service(5)), false);
  });
  it('is a missing search attribute only as an invalid argument', () => {
    assert.equal(isUnknownAttribute(grpc(3)), true);
    assert.equal(isUnknownAttribute(grpc(14)), false);
  });
});
