/** Passwords that say of themselves when they end, as registries issue them. */

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = (at: number): number => Math.floor(at / 1_000);

/** A JSON Web Token, signed by nobody. */
export function jwt({ expiresAt, issuedAt }: { expiresAt: number; issuedAt?: number }): string {
  const claims = {
    sub: 'robot',
    exp: seconds(expiresAt),
    ...(issuedAt === undefined ? {} : { iat: seconds(issuedAt) }),
  };
  return `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded(claims)}.${'s'.repeat(43)}`;
}

/** What `aws ecr get-login-password` prints. */
export function ecrPassword(expiresAt: number): string {
  const token = {
    payload: 'p'.repeat(80),
    datakey: 'd'.repeat(80),
    version: '2',
    type: 'DATA_KEY',
    expiration: seconds(expiresAt),
  };
  return Buffer.from(JSON.stringify(token)).toString('base64');
}
