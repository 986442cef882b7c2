import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeBody, encodeBody, replaceMember } from '../../../activities/helm/codec.ts';

describe('the codec of records', () => {
  it('reads what it writes', async () => {
    const json = '{"name":"ä","version":1}';
    assert.equal(await decodeBody(await encodeBody(json)), json);
  });

  it('refuses what is none', () => assert.rejects(decodeBody('bm8='), { code: 'Unexpected' }));
});

describe('replaceMember', () => {
  const change = (json: string): string =>
    replaceMember(json, 'info', (info) => ({ ...(info as object), status: 'failed' }));

  const rows: readonly (readonly [string, string, string])[] = [
    ['changes nothing else', '{"a":1,"info":{"status":"x"},"b":2}', '{"a":1,"info":{"status":"failed"},"b":2}'],
    [
      'keeps large integers and floats',
      '{"config":{"n":12345678901234567890,"f":1.0},"info":{}}',
      '{"config":{"n":12345678901234567890,"f":1.0},"info":{"status":"failed"}}',
    ],
    [
      'is not misled by the key deeper inside',
      '{"a":{"info":{"status":"y"}},"info":{}}',
      '{"a":{"info":{"status":"y"}},"info":{"status":"failed"}}',
    ],
    [
      'is not misled by text',
      '{"a":"\\"info\\":{","b":["}","info"],"info":{}}',
      '{"a":"\\"info\\":{","b":["}","info"],"info":{"status":"failed"}}',
    ],
    [
      'takes white space',
      '{ "a" : [ 1 ] , "info" : { "status" : "x" } }',
      '{ "a" : [ 1 ] , "info" :{"status":"failed"}}',
    ],
  ];
  for (const [name, json, expected] of rows) {
    it(name, () => {
      assert.equal(change(json), expected);
    });
  }

  it('names the key that is missing', () => {
    assert.throws(() => change('{"a":{"info":{}}}'), { message: /has no "info"/ });
  });
});
