/** A vendor's manners in front of the real registry, which decides who is let in and holds the charts. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { passOn } from '../forwarder.ts';
import { basicAuth } from '../web.ts';
import type { Vendor } from './vendors.ts';

export interface Behind {
  /** `host:port` of the registry. */
  readonly registry: string;
  /** Who may do everything there. */
  readonly owner: { readonly username: string; readonly password: string };
  /** The origin that a name of the vendor's has here. */
  readonly originOf: (host: string) => string;
  /** Origin of the store of blobs; null: blobs come from the registry. */
  readonly store: string | null;
  /** What everybody may read, by path. */
  readonly open: RegExp | null;
}

const ANONYMOUS = 'anonymous';
const NO_LOGIN = { status: 401, code: 'UNAUTHORIZED' };

/** Answers as the registry of a vendor, and as its server of tokens. */
export function answerAs(vendor: Vendor, behind: Behind): RequestListener {
  return (request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const answered = path === vendor.tokens?.path ? handOut : serve;
    answered(request, response, { vendor, behind }).catch(() => response.destroy());
  };
}

interface Who {
  readonly vendor: Vendor;
  readonly behind: Behind;
}

/** A token is the login that the registry takes, wrapped: so it is the registry that decides who may have one. */
async function handOut({ headers }: IncomingMessage, response: ServerResponse, { vendor, behind }: Who): Promise<void> {
  const { authorization } = headers;
  if (vendor.tokens === null) return;
  const asked =
    authorization === undefined ? null : await fetch(`http://${behind.registry}/v2/`, { headers: { authorization } });
  if (asked !== null && asked.status !== 200) {
    refuse(response, vendor.tokens.refusal);
    return;
  }
  const token = authorization === undefined ? ANONYMOUS : Buffer.from(authorization).toString('base64url');
  const answer = Object.fromEntries(vendor.tokens.fields.map((field) => [field, token]));
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}

async function serve(request: IncomingMessage, response: ServerResponse, { vendor, behind }: Who): Promise<void> {
  const authorization = loginOf(request, { vendor, behind });
  if (authorization === null) {
    refuse(response, NO_LOGIN, challengeOf(request, { vendor, behind }));
    return;
  }
  const { url = '', method = 'GET' } = request;
  // The registry names itself in the places of uploads.
  const headers = {
    ...request.headers,
    authorization,
    'x-forwarded-proto': behind.originOf(vendor.host).split(':')[0],
  };
  if (method === 'GET' && url.includes('/blobs/') && vendor.blobs === 'elsewhere' && behind.store !== null) {
    response.writeHead(307, { location: `${behind.store}${url}?signature=canary` }).end();
  } else if (url.includes('/tags/list') && vendor.tags.page !== null) {
    await listTags(request, response, { vendor, behind, authorization });
  } else {
    const drop = vendor.digestOnGet || method !== 'GET' ? [] : ['docker-content-digest'];
    passOn(request, response, { to: behind.registry, headers, drop });
  }
}

/** What the registry itself takes for the login of a request. Null: there is none, or none that lets it in. */
function loginOf({ headers, url = '', method }: IncomingMessage, { vendor, behind }: Who): string | null {
  const { authorization = '' } = headers;
  if (vendor.tokens === null) return authorization;
  const [, token] = /^Bearer (.+)$/.exec(authorization) ?? [];
  if (token === undefined) return null;
  if (token !== ANONYMOUS) return Buffer.from(token, 'base64url').toString('utf8');
  return behind.open?.test(url) === true && method !== 'POST' ? basicAuth(behind.owner) : null;
}

function challengeOf({ headers, url = '' }: IncomingMessage, { vendor, behind }: Who): string {
  const { tokens } = vendor;
  if (tokens === null || (tokens.flips && headers.authorization?.startsWith('Basic ') === true))
    return 'Basic realm="x"';
  const [, name = ''] = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(url) ?? [];
  const realm = `realm="${behind.originOf(tokens.host ?? vendor.host)}${tokens.path}"`;
  const service = tokens.service === null ? '' : `,service="${tokens.service}"`;
  if (tokens.either) return `Bearer ${realm}${service},scope="*",Basic realm="x"`;
  return `Bearer ${realm}${service},scope="repository:${name}:pull"`;
}

/** The registry lists all tags at once; vendors do it page by page. */
async function listTags(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  { vendor, behind, authorization }: Who & { readonly authorization: string },
): Promise<void> {
  const { pathname, searchParams } = new URL(url, 'http://x');
  const listed = await fetch(`http://${behind.registry}${pathname}`, { headers: { authorization } });
  if (listed.status !== 200) {
    response.writeHead(listed.status, Object.fromEntries(listed.headers)).end(await listed.text());
    return;
  }
  const { name, tags } = (await listed.json()) as { name: string; tags: readonly string[] }; // of the specification
  const page = vendor.tags.page ?? tags.length;
  const from = Number(searchParams.get('last') ?? 0);
  const next = `${pathname}?last=${from + page}&n=${page}`;
  const link = vendor.tags.link === 'relative' ? next : behind.originOf(vendor.host) + next;
  response.writeHead(200, {
    'content-type': vendor.tags.contentType,
    ...(from + page < tags.length ? { link: `<${link}>; rel="next"` } : {}),
  });
  response.end(JSON.stringify({ name, tags: tags.slice(from, from + page) }));
}

function refuse(
  response: ServerResponse,
  { status, code }: { readonly status: number; readonly code: string },
  challenge: string | null = null,
): void {
  const body = JSON.stringify({
    errors: [{ code, message: code === 'DENIED' ? 'denied' : 'authentication required' }],
  });
  const headers = challenge === null ? {} : { 'www-authenticate': challenge };
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

/** A store of blobs, which a signed URL opens and a login as well spoils. */
export function answerAsStore({ registry, owner }: Pick<Behind, 'registry' | 'owner'>): RequestListener {
  return (request, response) => {
    const { headers } = request;
    if (headers.authorization !== undefined) {
      response.writeHead(400).end('Only one auth mechanism allowed');
      return;
    }
    passOn(request, response, { to: registry, headers: { ...headers, authorization: basicAuth(owner) } });
  };
}
