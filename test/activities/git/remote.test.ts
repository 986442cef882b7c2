import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authorizationOf } from '../../../activities/git/credentials.ts';
import { checkUrl } from '../../../activities/git/remote.ts';

describe('spec.url', () => {
  for (const url of ['https://git.example.com/a/b.git', 'http://127.0.0.1:3000/a.git', 'https://[::1]/a']) {
    it(`takes ${url}`, () => {
      assert.equal(checkUrl(url), url);
    });
  }

  const refused = [
    ['https://user:hunter2@host/a', /holds credentials/],
    ['https://user@host/a', /holds credentials/],
    ['ssh://git@host/a', /only http: and https:/],
    ['file:///etc', /only http: and https:/],
    ['ext::sh -c id', /blank/],
    ['ext::sh', /only http: and https:/],
    ['git@host:a/b.git', /not an address/],
    ['--upload-pack=id', /not an address/],
    ['https://-host/a', /dash/],
    ['https://host/a\nb', /control character/],
    ['https://host/a?x=1', /query/],
    ['', /not an address/],
  ] as const;
  for (const [url, message] of refused) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      assert.throws(
        () => checkUrl(url),
        (error: Error) => {
          assert.equal('code' in error && error.code, 'GitUrlInvalid');
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        },
      );
    });
  }
});

describe('credentials', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const accepted = [
    [{ username: 'a', password: 'b' }, basic('a:b')],
    [{ username: 'a', password: 'b\n' }, basic('a:b')],
    [{ token: 't' }, basic('x-access-token:t')],
    [{ username: 'a', token: 't' }, basic('a:t')],
    [{ bearerToken: 't' }, 'Bearer t'],
  ] as const;
  for (const [data, header] of accepted) {
    it(`reads ${Object.keys(data).join(', ')}`, () => {
      assert.equal(authorizationOf(new Map(Object.entries(data)), 'apps/git'), header);
    });
  }

  const refused = [
    [{}, /Secret apps\/git has no key username and password/],
    [{ username: 'a' }, /no key password/],
    [{ password: 'hunter2' }, /no key username/],
    [{ username: 'a', password: '' }, /key password of Secret apps\/git is empty/],
    [{ bearerToken: 'hunter2\r\nX-Evil: 1' }, /key bearerToken .* control characters/],
  ] as const;
  for (const [data, message] of refused) {
    it(`refuses ${JSON.stringify(Object.keys(data))}: ${message.source}`, () => {
      assert.throws(
        () => authorizationOf(new Map(Object.entries(data)), 'apps/git'),
        (error: Error) => {
          assert.equal('code' in error && error.code, 'SecretInvalid');
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        },
      );
    });
  }
});
