import { getCACertificates } from 'node:tls';
import { EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { lookupAllowed } from './addresses.ts';

/** User name and password as they are sent. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** Where it comes from, as `namespace/name`, for messages. */
  readonly secret: string;
  /** The cloud whose token it is, of no Secret; absent: none. */
  readonly provider?: string;
  /** When it ends, in milliseconds since the epoch; absent: nothing is known of that. */
  readonly expiresAt?: number;
}

/** How a server is spoken to. All of it comes from a HelmRepository; nothing of it may be shown but `login.secret`. */
export interface Transport {
  /** Null: anonymous. */
  readonly login: Login | null;
  /** Send the credentials also to other hosts that the repository's index names for its charts. */
  readonly passCredentials: boolean;
  readonly tls: {
    /** PEM; trusted beside what the machine trusts. */
    readonly ca: string | null;
    /** PEM; how we identify ourselves. */
    readonly client: { readonly cert: string; readonly key: string } | null;
    readonly insecureSkipVerify: boolean;
  };
  /** URL of a proxy, its credentials in it; null: what the environment names. */
  readonly proxy: string | null;
  /** A registry is spoken to without TLS, or with it, whatever its address; null: nothing is said of that. */
  readonly plainHttp: boolean | null;
  /** Time limit of one question; null: as is usual for what is asked. */
  readonly timeoutMs: number | null;
}

/** What is so where nothing else is said. */
export const PLAIN_TRANSPORT: Transport = {
  login: null,
  passCredentials: false,
  tls: { ca: null, client: null, insecureSkipVerify: false },
  proxy: null,
  plainHttp: null,
  timeoutMs: null,
};

/** What is trusted anyway, by Node and by the machine, and this. */
export function trusting(ca: string): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ca])];
}

/**
 * The one maker of connections to servers that a HelmRepository names: proxy, certificates and the guard of addresses
 * together, which a caller that makes its own would sooner or later forget one of. To be destroyed by its user.
 */
export function createDispatcher({ tls, proxy }: Pick<Transport, 'tls' | 'proxy'>): Dispatcher {
  const { ca, client, insecureSkipVerify } = tls;
  const connect = {
    ...(ca === null ? {} : { ca: trusting(ca) }),
    ...(client ?? {}),
    rejectUnauthorized: !insecureSkipVerify,
  };
  return new EnvHttpProxyAgent({
    connect: { ...connect, lookup: lookupAllowed },
    requestTls: connect,
    // A proxy that is named for one repository is meant whatever the environment excludes.
    ...(proxy === null ? {} : { httpProxy: proxy, httpsProxy: proxy, noProxy: '' }),
  });
}
