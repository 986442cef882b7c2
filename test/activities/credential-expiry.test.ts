import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { expiryOf, untilNews } from '../../activities/credential-expiry.ts';
import { PLAIN_TRANSPORT, type Transport } from '../../activities/http/transport.ts';
import { ecrPassword, jwt } from '../support/credentials.ts';
import { createAuthority } from '../support/tls.ts';

const HOUR = 3_600_000;
const AT = Date.UTC(2031, 0, 1);

const withPassword = (password: string, secret = 'apps/login'): Pick<Transport, 'login' | 'tls'> => ({
  ...PLAIN_TRANSPORT,
  login: { username: 'u', password, secret },
});

describe('expiryOf', () => {
  const what = 'the password of Secret apps/login';
  const known: readonly (readonly [string, string, number])[] = [
    ['a token that does not say since when it lives', jwt({ expiresAt: AT }), 24],
    ['a token of a year', jwt({ expiresAt: AT, issuedAt: AT - 365 * 24 * HOUR }), 24],
    ['a token of two hours', jwt({ expiresAt: AT, issuedAt: AT - 2 * HOUR }), 0.5],
    ['a password of ECR', ecrPassword(AT), 3],
  ];
  for (const [name, password, hours] of known) {
    it(`reads the end of ${name}, which is worth a word ${hours} h before`, () => {
      assert.deepEqual(expiryOf(withPassword(password)), { at: AT, warnFrom: AT - hours * HOUR, what });
    });
  }

  const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const silent: readonly (readonly [string, string])[] = [
    ['a password', 'correct horse'],
    ['a token of GitHub', 'ghp_0123456789abcdefghijklmnopqrstuvwxyz'],
    ['three words with dots', 'a.b.c'],
    ['a token without an end', `${base64({ alg: 'none' })}.${base64({ sub: 'x' })}.x`],
    ['a token whose end is no date', `${base64({ alg: 'none' })}.${base64({ exp: 7 })}.x`],
    ['a key of Google', JSON.stringify({ type: 'service_account', private_key: 'k' })],
    ['long base64 of something else', Buffer.from('x'.repeat(120)).toString('base64')],
  ];
  for (const [name, password] of silent) {
    it(`knows nothing of ${name}`, () => {
      assert.equal(expiryOf(withPassword(password)), null);
    });
  }

  it('names the object where the password stands in it', () => {
    const login = withPassword(jwt({ expiresAt: AT }), 'in HelmRepository apps/charts');
    assert.equal(expiryOf(login)?.what, 'the password in HelmRepository apps/charts');
  });

  it('knows the end of a token of a cloud, which is renewed by itself', () => {
    const login = { username: 'AWS', password: 'p', secret: 'apps/charts', provider: 'aws', expiresAt: AT };
    const expiry = { at: AT, warnFrom: null, what: 'the token of provider aws' };
    assert.deepEqual(expiryOf({ ...PLAIN_TRANSPORT, login }), expiry);
  });

  it('takes the earlier of a password and a client certificate', () => {
    const client = createAuthority().issue('client');
    const end = new X509Certificate(client.cert).validToDate.getTime();
    const tls = { ...PLAIN_TRANSPORT.tls, client };
    const certificate = expiryOf({ login: null, tls });
    // of two days, so half a day before
    assert.deepEqual(certificate, { at: end, warnFrom: end - 12 * HOUR, what: 'the client certificate of auth.tls' });
    assert.deepEqual(expiryOf({ ...withPassword(jwt({ expiresAt: AT })), tls }), certificate);
    const sooner = expiryOf({ ...withPassword(jwt({ expiresAt: end - HOUR })), tls });
    assert.equal(sooner?.what, what);
  });

  it('knows nothing where there are no credentials', () => {
    assert.equal(expiryOf(PLAIN_TRANSPORT), null);
  });
});

describe('the next look at credentials', () => {
  const now = AT;
  const what = 'the password of Secret apps/login';
  const rows: readonly (readonly [string, Parameters<typeof untilNews>[0], number])[] = [
    ['of which nothing is known, is at the interval', null, 24],
    ['that end late, is at the interval', { at: now + 90 * HOUR, warnFrom: now + 66 * HOUR, what }, 24],
    ['is when there is a word to be said', { at: now + 34 * HOUR, warnFrom: now + 10 * HOUR, what }, 10],
    ['of which that was said, is at their end', { at: now + 5 * HOUR, warnFrom: now - 19 * HOUR, what }, 5],
    ['that have ended, is at the interval', { at: now - HOUR, warnFrom: now - 25 * HOUR, what }, 24],
    ['that end now, is in a minute', { at: now + 1, warnFrom: now - 24 * HOUR, what }, 1 / 60],
    ['that are renewed, is before their end', { at: now + 10 * HOUR, warnFrom: null, what }, 9],
  ];
  for (const [name, expiry, hours] of rows) {
    it(name, () => {
      assert.equal(untilNews(expiry, { now, intervalMs: 24 * HOUR }), Math.round(hours * HOUR));
    });
  }
});
