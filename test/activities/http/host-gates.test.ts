import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failure, HoldfastError } from '../../../activities/failures.ts';
import { createHostGates } from '../../../activities/http/host-gates.ts';

const HOUR = 60 * 60_000;
const limited = failure('RateLimited', 'too many requests').withRetryAfter(HOUR);
const me = { host: 'r.example', account: 'me' };

/** Work that begins when its turn comes, and ends when it is told to. */
function work(): { begun: boolean; end: () => void; run: () => Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const self = {
    begun: false,
    end: () => {
      resolve(undefined);
    },
    run: async () => {
      self.begun = true;
      await promise;
    },
  };
  return self;
}

/** Whatever promises have made possible has happened. */
const promisesThen = (): Promise<void> => new Promise(setImmediate);

describe('one host', () => {
  it('is asked by a few at a time, and the others follow in their order', async () => {
    const gates = createHostGates(2);
    const works = [work(), work(), work(), work()];
    const passing = works.map(({ run }) => gates.pass(me, run));
    const elsewhere = work();
    const other = gates.pass({ ...me, host: 's.example' }, elsewhere.run);
    await promisesThen();
    assert.deepEqual(
      works.map(({ begun }) => begun),
      [true, true, false, false],
    );
    assert.equal(elsewhere.begun, true, 'another host is not in the way');
    works[1]?.end();
    await passing[1];
    await promisesThen();
    assert.deepEqual(
      works.map(({ begun }) => begun),
      [true, true, true, false],
    );
    for (const { end } of [...works, elsewhere]) end();
    await Promise.all([...passing, other]);
  });

  it('lets go who does not want to wait any more', async () => {
    const gates = createHostGates(1);
    const [first, second, third] = [work(), work(), work()];
    const enough = new AbortController();
    const one = gates.pass(me, first.run);
    const two = gates.pass({ ...me, signal: enough.signal }, second.run);
    const three = gates.pass(me, third.run);
    enough.abort(new RangeError('enough'));
    await assert.rejects(two, { name: 'RangeError', message: 'enough' });
    first.end();
    await one;
    third.end();
    await three;
    assert.deepEqual([second.begun, third.begun], [false, true]);
  });

  it('is left alone for as long as it wants, and says the same to all who come meanwhile', async () => {
    const gates = createHostGates();
    await assert.rejects(
      gates.pass(me, () => Promise.reject(limited)),
      { code: 'RateLimited' },
    );
    await assert.rejects(
      gates.pass(me, () => assert.fail('asked again')),
      (error: unknown) => {
        assert.ok(error instanceof HoldfastError);
        assert.deepEqual([error.code, error.message], ['RateLimited', 'too many requests']);
        assert.ok(error.retryAfterMs !== null && error.retryAfterMs > HOUR / 2 && error.retryAfterMs <= HOUR);
        return true;
      },
    );
    assert.equal(
      await gates.pass({ ...me, account: 'you' }, () => Promise.resolve('another account')),
      'another account',
    );
  });

  it('is left alone also by those who wait for their turn', async () => {
    const gates = createHostGates(1);
    const { promise, reject } = Promise.withResolvers<never>();
    const one = gates.pass(me, () => promise);
    const two = gates.pass(me, () => assert.fail('asked again'));
    reject(limited);
    await assert.rejects(one, { code: 'RateLimited' });
    await assert.rejects(two, { code: 'RateLimited' });
  });

  it('is asked again after a failure that says nothing of time', async () => {
    const gates = createHostGates();
    await assert.rejects(
      gates.pass(me, () => Promise.reject(failure('RateLimited', 'too many requests'))),
      { code: 'RateLimited' },
    );
    assert.equal(await gates.pass(me, () => Promise.resolve('answer')), 'answer');
  });
});
