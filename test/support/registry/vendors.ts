/** How the registries of vendors differ from each other, as clients see it. */

export interface Vendor {
  /** Where it is, for the guide. */
  readonly host: string;
  /** Null: user name and password go to the registry itself. */
  readonly tokens: Tokens | null;
  readonly tags: {
    /** Tags on a page; null: all of them on one. */
    readonly page: number | null;
    readonly link: 'relative' | 'absolute';
    readonly contentType: string;
  };
  /** Blobs come from a store of another origin, by a signed URL that is all the login it takes. */
  readonly blobs: 'here' | 'elsewhere';
  /** Whether a manifest that is read says its digest in a header. */
  readonly digestOnGet: boolean;
}

interface Tokens {
  /** Host that hands them out; null: the registry's own. */
  readonly host: string | null;
  readonly path: string;
  readonly service: string | null;
  readonly fields: readonly ('token' | 'access_token')[];
  /** What is answered to a wrong login. */
  readonly refusal: { readonly status: number; readonly code: string };
  /** Who sends a login that is no token is challenged by Basic. */
  readonly flips: boolean;
  /** Offers Basic as well, in the same header, and names every scope. */
  readonly either: boolean;
}

const TOKENS: Tokens = {
  host: null,
  path: '/token',
  service: null,
  fields: ['token'],
  refusal: { status: 401, code: 'UNAUTHORIZED' },
  flips: false,
  either: false,
};
const ALL_TAGS = { page: null, link: 'relative', contentType: 'application/json' } as const;
const PLAIN = { tokens: null, tags: ALL_TAGS, blobs: 'here', digestOnGet: true } as const;

export const VENDORS = {
  ghcr: {
    ...PLAIN,
    host: 'ghcr.io',
    tokens: { ...TOKENS, service: 'ghcr.io', refusal: { status: 403, code: 'DENIED' } },
    tags: { ...ALL_TAGS, page: 2 },
    blobs: 'elsewhere',
  },
  hub: {
    ...PLAIN,
    host: 'registry-1.docker.io',
    tokens: {
      ...TOKENS,
      host: 'auth.docker.io',
      service: 'registry.docker.io',
      fields: ['token', 'access_token'],
    },
    blobs: 'elsewhere',
  },
  quay: {
    ...PLAIN,
    host: 'quay.io',
    tokens: { ...TOKENS, path: '/v2/auth', service: 'quay.io' },
    tags: { ...ALL_TAGS, page: 2, link: 'absolute' },
    blobs: 'elsewhere',
  },
  gitlab: {
    ...PLAIN,
    host: 'registry.gitlab.com',
    tokens: { ...TOKENS, host: 'gitlab.com', path: '/jwt/auth', service: 'container_registry' },
    tags: { ...ALL_TAGS, page: 2 },
  },
  harbor: {
    ...PLAIN,
    host: 'harbor.example.com',
    tokens: { ...TOKENS, path: '/service/token', service: 'harbor-registry', flips: true },
  },
  acr: {
    ...PLAIN,
    host: 'acme.azurecr.io',
    tokens: { ...TOKENS, path: '/oauth2/token', service: 'acme.azurecr.io', fields: ['access_token'] },
    tags: { ...ALL_TAGS, page: 2 },
    blobs: 'elsewhere',
  },
  ecr: {
    ...PLAIN,
    host: '123456789012.dkr.ecr.eu-central-1.amazonaws.com',
    tags: { page: 2, link: 'absolute', contentType: 'text/plain; charset=utf-8' },
    blobs: 'elsewhere',
    digestOnGet: false,
  },
  gar: {
    ...PLAIN,
    host: 'europe-west3-docker.pkg.dev',
    tokens: { ...TOKENS, path: '/v2/token' },
    blobs: 'elsewhere',
  },
  codeberg: {
    ...PLAIN,
    host: 'codeberg.org',
    tokens: { ...TOKENS, path: '/v2/token', service: 'container_registry', either: true },
    tags: { ...ALL_TAGS, page: 2 },
  },
  zot: { ...PLAIN, host: 'zot.example.com' },
} as const satisfies Record<string, Vendor>;
