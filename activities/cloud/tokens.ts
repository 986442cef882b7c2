import { failure } from '../failures.ts';
import type { Login, Transport } from '../http/transport.ts';
import { createSharing } from '../sharing.ts';
import { askAws } from './aws.ts';
import { askAzure } from './azure.ts';
import { toCloudFailure } from './errors.ts';
import { askGcp } from './gcp.ts';
import { wishFor, type TokenWish, type Wisher } from './host.ts';
import type { CloudToken } from './token.ts';

export interface LoginRequest extends Wisher {
  /** How the registry is spoken to; its login is not used. */
  readonly transport: Transport;
  /** Whose wait ends when it fires; the token is asked for nevertheless. */
  readonly signal: AbortSignal;
}

/** The tokens that clouds have given to this worker. They are in memory only. */
export interface CloudTokens {
  /** A login that holds for the next minutes at least, where the cloud can be asked; one request serves all who want it. */
  loginAt(request: LoginRequest): Promise<Login>;
  /** A registry did not take it: whoever needs one next gets another one. */
  forget(login: Login): void;
}

export type AskCloud = (
  wish: TokenWish,
  how: { readonly transport: Transport; readonly signal: AbortSignal },
) => Promise<CloudToken>;

export interface TokenSettings {
  /** For one token, all its steps together. */
  readonly timeoutMs: number;
  /** A token is replaced so long before its end, or when a fifth of its life is left, whichever is later. */
  readonly marginMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The metadata service of Google hands out the same token until five minutes before its end. */
const SETTINGS: TokenSettings = { timeoutMs: 60_000, marginMs: 5 * 60_000, now: Date.now };

/** Old enough to be replaced, but good for one more call when no other is to be had. */
const LAST_MS = 30_000;

interface Held {
  readonly token: CloudToken;
  readonly renewAt: number;
}

export function createCloudTokens(
  askCloud: AskCloud = askTheCloud,
  settings: Partial<TokenSettings> = {},
): CloudTokens {
  const { timeoutMs, marginMs, now } = { ...SETTINGS, ...settings };
  const sharing = createSharing();
  const held = new Map<string, Held>();
  const renew = async (key: string, wish: TokenWish, request: LoginRequest): Promise<Held> => {
    const asked = now();
    try {
      const token = await inTime(request, timeoutMs, (signal) => askCloud(wish, { ...request, signal }));
      const life = token.expiresAt - asked;
      const got = { token, renewAt: token.expiresAt - Math.min(marginMs, life / 5) };
      held.set(key, got);
      return got;
    } catch (error) {
      const old = held.get(key);
      if (old !== undefined && old.token.expiresAt - LAST_MS > now()) return old;
      held.delete(key);
      throw toCloudFailure(error, wish.cloud, request.host);
    }
  };
  return {
    async loginAt(request) {
      const wish = wishFor(request);
      const key = JSON.stringify(wish);
      const { token } = await sharing({
        key,
        since: Infinity,
        signal: request.signal,
        ask: () => renew(key, wish, request),
        holds: (got) => held.get(key) === got && now() < got.renewAt,
      });
      return { ...token, secret: request.repository, provider: wish.cloud };
    },
    forget({ password }) {
      for (const [key, { token }] of held) if (token.password === password) held.delete(key);
    },
  };
}

const askTheCloud: AskCloud = (wish, { transport, signal }) => {
  switch (wish.cloud) {
    case 'aws':
      return askAws(wish, signal);
    case 'gcp':
      return askGcp();
    case 'azure':
      return askAzure(wish, { transport, signal });
  }
};

/** The SDKs obey a signal in some of their steps only. */
async function inTime<T>(
  { host, provider }: LoginRequest,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    over.abort();
    const why = `no answer within ${timeoutMs / 1000} s`;
    reject(failure('CloudUnreachable', `cannot reach provider ${provider} for a token for registry ${host}: ${why}`));
  }, timeoutMs);
  try {
    return await Promise.race([work(over.signal), promise]);
  } finally {
    clearTimeout(timer);
  }
}
