import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { toCrossing } from '../../activities/crossing.ts';
import { failure } from '../../activities/failures.ts';
import { KubeError } from '../../activities/ports.ts';

const ROWS: { name: string; error: unknown; code: string; message: string; retryable?: false }[] = [
  {
    name: 'a code of ours',
    error: failure('SecretNotFound', 'there is no Secret a/b'),
    code: 'SecretNotFound',
    message: 'there is no Secret a/b',
  },
  {
    name: 'a code that only the spec can mend',
    error: failure('ValuesInvalid', 'line 1'),
    code: 'ValuesInvalid',
    message: 'line 1',
    retryable: false,
  },
  {
    name: 'a right that is missing',
    error: new KubeError(403, 'Forbidden', 'secrets is forbidden: User "x" cannot list resource "secrets"'),
    code: 'Forbidden',
    message: 'the API server answered 403 Forbidden: secrets is forbidden: User "x" cannot list resource "secrets"',
  },
  {
    name: 'a webhook, which may quote what it refuses',
    error: new KubeError(403, 'Forbidden', 'admission webhook "x" denied the request: canary'),
    code: 'Forbidden',
    message: 'the API server answered 403 Forbidden',
  },
  {
    name: 'an object that is gone',
    error: new KubeError(404, 'NotFound', 'helmreleases "a" not found'),
    code: 'ObjectGone',
    message: 'the API server answered 404 NotFound: helmreleases "a" not found',
  },
  {
    name: 'a conflict',
    error: new KubeError(409, 'Conflict', 'the object has been modified'),
    code: 'Conflict',
    message: 'the API server answered 409 Conflict: the object has been modified',
  },
  {
    name: 'an invalid object, which is quoted',
    error: new KubeError(422, 'Invalid', 'Invalid value: "canary"'),
    code: 'Unexpected',
    message: 'the API server answered 422 Invalid',
  },
  {
    name: 'a server that has too much to do',
    error: new KubeError(429, 'TooManyRequests', 'canary'),
    code: 'ClusterUnreachable',
    message: 'the API server answered 429 TooManyRequests',
  },
  {
    name: 'a defect',
    error: new TypeError('canary'),
    code: 'Unexpected',
    message: "unexpected error (TypeError); see the worker's log",
  },
];

describe('errors that leave an activity', () => {
  for (const { name, error, code, message, retryable } of ROWS) {
    it(`carry a code and no secret: ${name}`, () => {
      const thrown = toCrossing(error, 'runs');
      assert.ok(thrown instanceof ApplicationFailure);
      assert.deepEqual([thrown.type, thrown.message, thrown.nonRetryable], [code, message, retryable === false]);
    });
  }

  it('say when it is worth another try, which is then not left to Temporal', () => {
    const thrown = toCrossing(failure('RateLimited', 'too many requests').withRetryAfter(30_000), 'runs');
    assert.ok(thrown instanceof ApplicationFailure);
    assert.deepEqual(
      [thrown.type, thrown.message, thrown.nonRetryable, thrown.details],
      ['RateLimited', 'too many requests', true, [{ retryAfterMs: 30_000 }]],
    );
  });

  it('stay cancellations when they are', () => {
    const cancelled = new CancelledFailure('stop');
    assert.equal(toCrossing(cancelled, 'runs'), cancelled);
  });

  it('of a cancelled step are cancellations, whatever was thrown on the way out', () => {
    assert.ok(toCrossing(failure('HelmFailed', 'canary'), 'cancelled') instanceof CancelledFailure);
  });

  it('of a worker that stops are interruptions, to be tried again elsewhere', () => {
    const thrown = toCrossing(failure('HelmFailed', 'canary'), 'workerStops');
    assert.ok(thrown instanceof ApplicationFailure);
    assert.deepEqual([thrown.type, thrown.nonRetryable], ['Interrupted', false]);
  });
});
