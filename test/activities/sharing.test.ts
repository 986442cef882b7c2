import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSharing, type Question } from '../../activities/sharing.ts';

const never = new AbortController().signal;

/** A registry that answers when it is told to, and counts. */
function questions(key = 'app 1.0.0') {
  const open: PromiseWithResolvers<number>[] = [];
  const question = (since: number, signal = never): Question<number> => ({
    key,
    since,
    signal,
    ask: () => {
      const asked = Promise.withResolvers<number>();
      open.push(asked);
      return asked.promise;
    },
  });
  return { open, question };
}

describe('a question that several ask', () => {
  it('is asked once for all who came before it was asked, also when the answer is there', async () => {
    const share = createSharing();
    const { open, question } = questions();
    const waiting = [share(question(0)), share(question(0))];
    open[0]?.resolve(1);
    assert.deepEqual(await Promise.all(waiting), [1, 1]);
    assert.equal(await share(question(0)), 1);
    assert.equal(open.length, 1);
  });

  it('is asked again for who came later', async () => {
    const share = createSharing();
    const { open, question } = questions();
    const first = share(question(0));
    const second = share(question(Date.now() + 60_000));
    open[0]?.resolve(1);
    open[1]?.resolve(2);
    assert.deepEqual([await first, await second], [1, 2]);
  });

  it('is not asked again for who came later while its answer holds', async () => {
    const share = createSharing();
    const { open, question } = questions();
    let good = true;
    const later = (): Promise<number> => share({ ...question(Infinity), holds: () => good });
    const waiting = [later(), later()];
    open[0]?.resolve(1);
    assert.deepEqual(await Promise.all([...waiting, later()]), [1, 1, 1]);
    good = false;
    const next = later();
    open[1]?.resolve(2);
    assert.equal(await next, 2);
    assert.equal(open.length, 2);
  });

  it('is not the same with another key', async () => {
    const share = createSharing();
    const [one, other] = [questions(), questions('app 2.0.0')];
    const answers = [share(one.question(0)), share(other.question(0))];
    one.open[0]?.resolve(1);
    other.open[0]?.resolve(2);
    assert.deepEqual(await Promise.all(answers), [1, 2]);
  });

  it('that failed is told to those who wait, and asked again by the next', async () => {
    const share = createSharing();
    const { open, question } = questions();
    const waiting = [share(question(0)), share(question(0))];
    open[0]?.reject(new Error('away'));
    for (const one of waiting) await assert.rejects(one, { message: 'away' });
    const next = share(question(0));
    open[1]?.resolve(2);
    assert.equal(await next, 2);
  });

  it('goes on for the others when one does not want to know any more', async () => {
    const share = createSharing();
    const { open, question } = questions();
    const gone = new AbortController();
    const first = share(question(0, gone.signal));
    const second = share(question(0));
    gone.abort(new Error('cancelled'));
    await assert.rejects(first, { message: 'cancelled' });
    open[0]?.resolve(1);
    assert.equal(await second, 1);
  });

  it('is forgotten after 10 s', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const share = createSharing();
    const { open, question } = questions();
    const first = share(question(0));
    open[0]?.resolve(1);
    await first;
    test.mock.timers.tick(9_999);
    assert.equal(await share(question(0)), 1);
    test.mock.timers.tick(1);
    const again = share(question(0));
    open[1]?.resolve(2);
    assert.equal(await again, 2);
  });

  it('is forgotten when hundreds of others were asked since', async () => {
    const share = createSharing();
    const { open, question } = questions();
    const first = share(question(0));
    open[0]?.resolve(1);
    await first;
    for (let n = 0; n < 500; n += 1) {
      await share({ key: `other ${n}`, since: 0, signal: never, ask: () => Promise.resolve(n) });
    }
    const again = share(question(0));
    assert.equal(open.length, 2);
    open[1]?.resolve(2);
    assert.equal(await again, 2);
  });
});
