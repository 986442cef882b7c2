import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { delayAfter, AFTER_WRITE, BEFORE_WRITE } from '../../workflows/core/backoff.ts';
import type { Failure } from '../../workflows/core/failures.ts';
import {
  acceptLate,
  addRequest,
  answerRequests,
  endAttempt,
  forDesired,
  forObject,
  outcomeOf,
  retryNow,
  startAttempt,
} from '../../workflows/core/history.ts';
import type { History, Outcome, Request, Written } from '../../workflows/core/model.ts';
import { attempt, history, NOW } from './builders.ts';

const MINUTE = 60_000;
const failure: Failure = { code: 'ChartNotFound', message: 'no chart app 9.9.9' };
const written: Written = { revision: 4, chart: 'app', version: '1.1.0', appVersion: null, chartDigest: 'sha256:c2' };
const running = attempt({ n: 7, label: 'a7', outcome: 'running', endedAt: null, revision: null, chartDigest: null });
const TARGET = { namespace: 'default', name: 'app' };
const end = (from: History, outcome: Outcome) => endAttempt(from, outcome, { at: NOW, intervalMs: 10 * MINUTE });

describe('back-off', () => {
  const rows = [
    [BEFORE_WRITE, 1, 10_000],
    [BEFORE_WRITE, 2, 20_000],
    [BEFORE_WRITE, 6, 5 * MINUTE],
    [BEFORE_WRITE, 100, 5 * MINUTE],
    [AFTER_WRITE, 1, 5 * MINUTE],
    [AFTER_WRITE, 4, 40 * MINUTE],
    [AFTER_WRITE, 5, 60 * MINUTE],
  ] as const;
  for (const [backoff, failures, ms] of rows) {
    it(`${failures} failures from ${backoff.firstMs} ms wait ${ms} ms`, () => {
      assert.equal(delayAfter(failures, backoff), ms);
    });
  }
});

describe('the end of an attempt', () => {
  const started = startAttempt(history(), running, TARGET);

  it('success forgets failures and knows the ready revision', () => {
    const before = { ...started, failuresAfterWrite: 3, lastFailure: failure, losses: 2 };
    const after = end(before, { kind: 'succeeded', written });
    assert.deepEqual(
      { ...after, recent: [] },
      { ...history({ attempts: 7, readyRevision: 4, target: TARGET }), recent: [] },
    );
    assert.deepEqual(after.recent, [
      { ...running, outcome: 'succeeded', endedAt: NOW, revision: 4, chartDigest: 'sha256:c2' },
    ]);
  });

  it('a failure before the write is tried again in seconds', () => {
    const after = end(started, { kind: 'failedBeforeWrite', failure });
    assert.equal(after.retryAt, NOW + 10_000);
    assert.deepEqual([after.failuresBeforeWrite, after.failuresAfterWrite], [1, 0]);
    assert.deepEqual(after.lastFailure, failure);
  });

  it('a failure before the write is not tried again before the time that it names', () => {
    const later = end(started, { kind: 'failedBeforeWrite', failure, retryAfterMs: 15 * MINUTE });
    assert.equal(later.retryAt, NOW + 15 * MINUTE);
    assert.deepEqual(later.lastFailure, failure);
    const sooner = end(started, { kind: 'failedBeforeWrite', failure, retryAfterMs: 1000 });
    assert.equal(sooner.retryAt, NOW + 10_000);
  });

  it('a failure that only a commit can mend waits for the interval', () => {
    const after = end(started, { kind: 'failedBeforeWrite', failure: { code: 'ValuesInvalid', message: 'no map' } });
    assert.equal(after.retryAt, NOW + 10 * MINUTE);
  });

  it('a failure after the write holds for five minutes, then ten', () => {
    const once = end(started, { kind: 'failedAfterWrite', failure, written });
    assert.equal(once.retryAt, NOW + 5 * MINUTE);
    const twice = end(startAttempt(once, { ...running, n: 8 }, TARGET), { kind: 'failedAfterWrite', failure, written });
    assert.equal(twice.retryAt, NOW + 10 * MINUTE);
    assert.equal(twice.failuresAfterWrite, 2);
  });

  it('an interruption is not counted and is repeated at once, then more slowly', () => {
    const once = end(started, { kind: 'interrupted', reason: 'shutdown', written: null });
    assert.deepEqual([once.retryAt, once.failuresBeforeWrite, once.lastFailure], [null, 0, null]);
    const twice = end(startAttempt(once, running, TARGET), { kind: 'interrupted', reason: 'shutdown', written: null });
    assert.equal(twice.retryAt, NOW + 5000);
  });

  it('a lost helm is remembered until it is known dead', () => {
    const lost = { attempt: 'a7', process: null, deadAt: NOW + MINUTE };
    const after = end(started, { kind: 'lost', reason: 'heartbeat', lost });
    assert.deepEqual(after.lost, lost);
    assert.equal(after.recent.at(-1)?.outcome, 'lost');
    assert.deepEqual(after.recent.at(-1)?.failure, { code: 'Interrupted', message: 'heartbeat' });
  });
});

describe('late success', () => {
  const started = startAttempt(history({ readyRevision: 3 }), running, TARGET);
  const late: Failure = { code: 'WaitTimedOut', message: 'not ready within 4 s' };
  const after = end(started, { kind: 'failedAfterWrite', failure: late, written });

  it('a wait that timed out is remembered with its revision, any other failure is none', () => {
    assert.deepEqual(after.timedOut, { revision: 4, attempt: 'a7' });
    const again = end(startAttempt(after, running, TARGET), { kind: 'failedAfterWrite', failure, written });
    assert.equal(again.timedOut, null);
  });

  it('a try that wrote nothing leaves the revision what it was', () => {
    const again = end(startAttempt(after, running, TARGET), { kind: 'failedBeforeWrite', failure });
    assert.deepEqual(again.timedOut, { revision: 4, attempt: 'a7' });
  });

  it('forgets the failures, and keeps the one of the attempt with the time of its end', () => {
    const accepted = acceptLate(after, 4, NOW + MINUTE);
    assert.deepEqual(
      [accepted.failuresAfterWrite, accepted.retryAt, accepted.readyRevision, accepted.timedOut],
      [0, null, 4, null],
    );
    const [row] = accepted.recent;
    assert.deepEqual([row?.outcome, row?.failure, row?.readyAt], ['failedAfterWrite', late, NOW + MINUTE]);
  });
});

describe('identity', () => {
  const worn = history({ attempts: 9, failuresAfterWrite: 2, retryAt: NOW + 1, lastFailure: failure, held: true });

  it('another uid forgets everything but the counter', () => {
    const after = forObject(worn, 'another');
    assert.deepEqual([after.uid, after.attempts, after.failuresAfterWrite, after.held], ['another', 9, 0, false]);
  });

  it('the same uid forgets nothing', () => {
    assert.equal(forObject(worn, worn.uid ?? ''), worn);
  });

  it('another digest forgets the failures, and that alone', () => {
    const after = forDesired(worn, 'd2');
    assert.deepEqual([after.digest, after.failuresAfterWrite, after.retryAt, after.held], ['d2', 0, null, true]);
  });
});

describe('retryNow', () => {
  const before = history({ failuresBeforeWrite: 1, lastFailure: failure, retryAt: NOW + 5 });
  const after = history({ failuresAfterWrite: 1, lastFailure: failure, retryAt: NOW + 5 });
  const rows = [
    { name: 'the cluster changed, nothing was written: now', from: before, who: 'cluster', retryAt: null },
    { name: 'the cluster changed, a revision failed: hold on', from: after, who: 'cluster', retryAt: NOW + 5 },
    { name: 'a person asks: now', from: after, who: 'person', retryAt: null },
  ] as const;
  for (const { name, from, who, retryAt } of rows) {
    it(name, () => {
      assert.equal(retryNow(from, who).retryAt, retryAt);
    });
  }
});

describe('requests', () => {
  const request: Request = { id: 'r1', kind: 'sync', by: 'ci', reason: 'release', at: NOW };
  const done = { kind: 'done', ready: true, message: 'revision 3 is deployed', revision: 3 } as const;

  it('the same id is one request', () => {
    const once = addRequest(history(), request);
    assert.equal(addRequest(once, { ...request, reason: 'again' }), once);
    assert.deepEqual(outcomeOf(once, 'r1'), { kind: 'pending' });
  });

  it('an answered one keeps its answer', () => {
    const answered = answerRequests(addRequest(history(), request), () => done);
    assert.deepEqual(outcomeOf(answered, 'r1'), done);
    assert.deepEqual(
      outcomeOf(
        answerRequests(answered, () => ({ kind: 'refused', message: 'no' })),
        'r1',
      ),
      done,
    );
  });

  it('remembers fifty', () => {
    let many = history();
    for (let n = 0; n < 60; n += 1) many = addRequest(many, { ...request, id: `r${n}` });
    assert.equal(many.requests.length, 50);
    assert.deepEqual(outcomeOf(many, 'r9'), { kind: 'unknown' });
    assert.deepEqual(outcomeOf(many, 'r10'), { kind: 'pending' });
  });

  it('survives JSON, as everything must that crosses a boundary', () => {
    const all = answerRequests(addRequest(startAttempt(history(), running, TARGET), request), () => done);
    assert.deepEqual(JSON.parse(JSON.stringify(all)), all);
  });
});

it('twenty attempts are kept', () => {
  let many = history();
  for (let n = 1; n <= 25; n += 1) many = startAttempt(many, attempt({ n }), TARGET);
  assert.equal(many.recent.length, 20);
  assert.equal(many.attempts, 25);
});
