import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { Transport } from './http/transport.ts';

/** The end of a credential, as it says of itself. */
export interface Expiry {
  readonly at: number;
  /** Since when it is worth a word; null: it is renewed without anybody's doing. */
  readonly warnFrom: number | null;
  /** Of what, for messages: `the password of Secret default/acr-auth`. */
  readonly what: string;
}

const DAY_MS = 24 * 60 * 60_000;
/** Between two looks that are due because of the credentials and nothing else. */
const SHORTEST_MS = 60_000;
/** Of ECR's passwords, which only say when they end. */
const ECR_LIFE_MS = DAY_MS / 2;

/** When the first of the credentials of a repository ends. Null: none of them says anything of that. */
export function expiryOf({ login, tls }: Pick<Transport, 'login' | 'tls'>): Expiry | null {
  const all = [
    login === null ? null : expiryOfPassword(login),
    tls.client === null ? null : expiryOfCertificate(tls.client.cert),
  ];
  const [first] = all.filter((expiry) => expiry !== null).toSorted((a, b) => a.at - b.at);
  return first ?? null;
}

interface Then {
  readonly now: number;
  readonly intervalMs: number;
}

/** Until the next look: at the interval, or when there is something to say of the credentials before. */
export function untilNews(expiry: Expiry | null, { now, intervalMs }: Then): number {
  if (expiry === null) return intervalMs;
  const { at, warnFrom } = expiry;
  // What is renewed by itself is seen to be so before its end, and no alarm is raised.
  const news = warnFrom === null ? [now + 0.9 * (at - now)] : [warnFrom, at];
  const coming = news.filter((then) => then > now).map((then) => Math.max(SHORTEST_MS, Math.round(then - now)));
  return Math.min(intervalMs, ...coming);
}

/** A day before the end; of what does not live for four of them, when a quarter of its life is left. */
function warnFromOf(at: number, lifeMs: number | null): number {
  return at - Math.min(DAY_MS, lifeMs === null ? DAY_MS : lifeMs / 4);
}

function expiryOfPassword({ password, secret, provider, expiresAt }: NonNullable<Transport['login']>): Expiry | null {
  if (expiresAt !== undefined)
    return { at: expiresAt, warnFrom: null, what: `the token of provider ${provider ?? ''}` };
  const end = endOfJwt(password) ?? endOfEcrPassword(password);
  // Credentials may stand in the object itself.
  const what = secret.startsWith('in ') ? `the password ${secret}` : `the password of Secret ${secret}`;
  return end === null ? null : { at: end.at, warnFrom: warnFromOf(end.at, end.lifeMs), what };
}

function expiryOfCertificate(pem: string): Expiry {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  const at = validToDate.getTime();
  return { at, warnFrom: warnFromOf(at, at - validFromDate.getTime()), what: 'the client certificate of auth.tls' };
}

interface End {
  readonly at: number;
  readonly lifeMs: number | null;
}

/** Seconds since the epoch, from 2001 to 5138: a number that is meant to be one. */
const instant = z.number().min(1e9).max(1e11);
const Claims = z.object({ exp: instant, iat: instant.optional().catch(undefined) });
const EcrPassword = z.object({ datakey: z.string(), expiration: instant });

/** Of a JSON Web Token. It is not verified: its registry does that. */
function endOfJwt(password: string): End | null {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(password) ?? [];
  const claims = Claims.safeParse(payload === undefined ? null : parseBase64(payload));
  if (!claims.success) return null;
  const { exp, iat } = claims.data;
  return { at: exp * 1_000, lifeMs: iat === undefined || iat >= exp ? null : (exp - iat) * 1_000 };
}

/** What `aws ecr get-login-password` prints. */
function endOfEcrPassword(password: string): End | null {
  const parsed = EcrPassword.safeParse(/^[A-Za-z0-9+/]{64,}=*$/.test(password) ? parseBase64(password) : null);
  return parsed.success ? { at: parsed.data.expiration * 1_000, lifeMs: ECR_LIFE_MS } : null;
}

function parseBase64(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    return null; // a password of another kind, which tells nothing
  }
}
