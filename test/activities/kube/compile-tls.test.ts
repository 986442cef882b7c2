import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { compileTls } from '../../../activities/kube/compile-tls.ts';
import { createAuthority, type Authority, type Certificate } from '../../support/tls.ts';

let authority: Authority;
let client: Certificate;
let other: Certificate;

before(() => {
  authority = createAuthority();
  client = authority.issue('client');
  other = authority.issue('other');
});

const compile = (data: Readonly<Record<string, string>>): ReturnType<typeof compileTls> =>
  compileTls({ subject: 'Secret apps/registry-tls', data }, Date.now());

describe('compileTls', () => {
  it('takes an authority, a client certificate, or both', () => {
    const { ca } = authority;
    assert.deepEqual(compile({ 'ca.crt': ca, other: 'key' }), { ca, client: null });
    // cert-manager writes an empty ca.crt where it knows none
    assert.deepEqual(compile({ 'ca.crt': '', 'tls.crt': client.cert, 'tls.key': client.key }), { ca: null, client });
    assert.deepEqual(compile({ 'ca.crt': ca, 'tls.crt': client.cert, 'tls.key': client.key }), { ca, client });
  });

  const bad: readonly (readonly [string, () => Record<string, string>, RegExp])[] = [
    [
      'nothing',
      () => ({ 'ca.pem': 'x' }),
      /has none of the keys ca\.crt, tls\.crt and tls\.key; its keys are: ca\.pem$/,
    ],
    ['a certificate without key', () => ({ 'tls.crt': client.cert }), /has tls\.crt but no tls\.key/],
    ['a key without certificate', () => ({ 'tls.key': client.key }), /has tls\.key but no tls\.crt/],
    ['an authority that is none', () => ({ 'ca.crt': 'canary' }), /its ca\.crt is no certificate in PEM$/],
    ['a key of another', () => ({ 'tls.crt': client.cert, 'tls.key': other.key }), /do not belong together$/],
    ['a key that is none', () => ({ 'tls.crt': client.cert, 'tls.key': 'canary' }), /do not belong together$/],
  ];
  for (const [name, data, message] of bad) {
    it(`refuses ${name}, and quotes nothing of it`, () => {
      assert.throws(
        () => compile(data()),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'SecretInvalid');
          assert.match(error.message, /^Secret apps\/registry-tls /);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /canary|BEGIN/);
          return true;
        },
      );
    });
  }

  it('refuses a client certificate that is over', () => {
    const data = { 'tls.crt': client.cert, 'tls.key': client.key };
    assert.throws(() => compileTls({ subject: 'Secret apps/registry-tls', data }, Date.now() + 3 * 24 * 60 * 60_000), {
      code: 'SecretInvalid',
      message: /^Secret apps\/registry-tls cannot be used: its client certificate expired at \d{4}-.*Z; renew it$/,
    });
  });
});
