import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger, serializeError, toTemporalLogger } from '../../runtime/logger.ts';

const CANARY = 'canary-5d1f';

function capture(): { lines: () => Record<string, unknown>[]; text: () => string; write: (line: string) => void } {
  const written: string[] = [];
  return {
    write: (line) => {
      written.push(line);
    },
    text: () => written.join(''),
    // pino writes one JSON object a line
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe('createLogger', () => {
  it('writes one JSON line with name, level, time and message', () => {
    const out = capture();
    createLogger({ name: 'worker', level: 'info', destination: out }).info({ release: 'a/b' }, 'attempt ended');
    const [line] = out.lines();
    assert.deepEqual(
      { ...line, time: typeof line?.['time'] },
      {
        level: 'info',
        time: 'string',
        name: 'worker',
        release: 'a/b',
        msg: 'attempt ended',
      },
    );
  });

  it('keeps to its level', () => {
    const out = capture();
    createLogger({ name: 'worker', level: 'warn', destination: out }).info('nothing');
    assert.equal(out.text(), '');
  });

  const planted = [
    { where: 'a field', fields: { password: CANARY } },
    { where: 'a nested field', fields: { secret: { data: { key: CANARY } } } },
    { where: 'headers of a request', fields: { req: { headers: { authorization: CANARY } } } },
    { where: 'values of a release', fields: { release: { values: { a: CANARY } } } },
    { where: 'a property of an error', fields: { err: Object.assign(new Error('no'), { request: { a: CANARY } }) } },
    { where: 'headers of an error', fields: { err: Object.assign(new Error('no'), { headers: { cookie: CANARY } }) } },
    { where: 'the body that an error quotes', fields: { err: Object.assign(new Error(CANARY), { body: CANARY }) } },
    { where: 'a cause', fields: { err: new Error('no', { cause: Object.assign(new Error(CANARY), { body: '' }) }) } },
    { where: 'the output of a program', fields: { err: Object.assign(new Error(CANARY), { stderr: CANARY }) } },
    { where: 'the second line of a message', fields: { err: new Error(`no\n${CANARY}`) } },
    { where: 'a thrown string', fields: { err: CANARY } },
    { where: 'an error under another name', fields: { error: Object.assign(new Error('no'), { body: CANARY }) } },
  ];
  for (const { where, fields } of planted) {
    it(`drops a secret in ${where}`, () => {
      const out = capture();
      createLogger({ name: 'worker', level: 'info', destination: out }).error(fields, 'failed');
      assert.equal(out.text().includes(CANARY), false, out.text());
    });
  }

  it('lets through what is not secret, so that the tests above mean something', () => {
    const out = capture();
    createLogger({ name: 'worker', level: 'info', destination: out }).error({ err: new Error(CANARY) }, 'failed');
    assert.equal(out.text().includes(CANARY), true);
  });
});

describe('serializeError', () => {
  it('keeps name, code, message and causes', () => {
    const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
    const error = new TypeError('the cluster cannot be reached', { cause });
    const { stack, cause: inner, ...rest } = serializeError(error) as Record<string, unknown>;
    assert.deepEqual(rest, { type: 'TypeError', message: 'the cluster cannot be reached' });
    assert.match(String(stack), /^ {4}at /);
    const { stack: innerStack, ...innerRest } = inner as Record<string, unknown>;
    assert.deepEqual(innerRest, { type: 'Error', code: 'ECONNREFUSED', message: 'connect refused' });
    assert.match(String(innerStack), /^ {4}at /);
  });

  it('ends with causes that go round', () => {
    const error = new Error('a');
    error.cause = error;
    assert.equal(JSON.stringify(serializeError(error)).match(/"message":"a"/g)?.length, 4);
  });
});

describe('toTemporalLogger', () => {
  it('hands levels, messages and fields on', () => {
    const out = capture();
    const logger = toTemporalLogger(createLogger({ name: 'worker', level: 'trace', destination: out }));
    logger.warn('worker is slow', { sdkComponent: 'worker', [Symbol('time')]: 1n });
    logger.log('TRACE', 'detail');
    logger.error('activity failed', { error: Object.assign(new Error('no'), { body: CANARY }) });
    assert.deepEqual(
      out.lines().map(({ level, msg, sdkComponent }) => ({ level, msg, sdkComponent })),
      [
        { level: 'warn', msg: 'worker is slow', sdkComponent: 'worker' },
        { level: 'trace', msg: 'detail', sdkComponent: undefined },
        { level: 'error', msg: 'activity failed', sdkComponent: undefined },
      ],
    );
    assert.equal(out.text().includes(CANARY), false);
  });
});
