/** The hosts of the guide: all lead to one real registry, each with the challenge that its vendor sends. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { passOn } from '../support/forwarder.ts';
import type { Certificate } from '../support/tls.ts';
import { basicAuth } from '../support/web.ts';

/** Where a vendor hands out tokens, and what it calls its registry there. All others take user name and password. */
const TOKENS: Readonly<Record<string, { readonly realm: string; readonly service: string }>> = {
  'ghcr.io': { realm: 'https://ghcr.io/token', service: 'ghcr.io' },
  'registry-1.docker.io': { realm: 'https://auth.docker.io/token', service: 'registry.docker.io' },
  'quay.io': { realm: 'https://quay.io/v2/auth', service: 'quay.io' },
  'registry.gitlab.com': { realm: 'https://gitlab.com/jwt/auth', service: 'container_registry' },
  'harbor.example.com': { realm: 'https://harbor.example.com/service/token', service: 'harbor-registry' },
};

const ANONYMOUS = 'anonymous';
const UNAUTHORIZED = '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}';

/** Everybody may pull from here. */
const PUBLIC = /^\/v2\/(?:$|acme-public\/)/;

export interface Behind {
  /** `host:port` of the registry. */
  readonly registry: string;
  /** Who may do everything there. */
  readonly owner: { readonly username: string; readonly password: string };
  /** `host:port` of the exchange of Azure. */
  readonly exchange: string;
}

/** TLS for all of them; answers `host:port`. */
export async function serveRegistries(certificate: Certificate, behind: Behind): Promise<string> {
  const server = createServer({ ...certificate, maxVersion: 'TLSv1.2' }, (request, response) => {
    answer(request, response, behind).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`; // on a port, which a pipe is not
}

async function answer(request: IncomingMessage, response: ServerResponse, behind: Behind): Promise<void> {
  const { host = '' } = request.headers;
  const { pathname } = new URL(request.url ?? '/', `https://${host}`);
  // The registry names itself in the places of uploads.
  const headers = { ...request.headers, 'x-forwarded-proto': 'https' };
  if (pathname === '/oauth2/exchange') {
    passOn(request, response, { to: behind.exchange, headers });
  } else if (Object.values(TOKENS).some(({ realm }) => realm === `https://${host}${pathname}`)) {
    await handOut(request, response, behind);
  } else if (TOKENS[host] === undefined) {
    passOn(request, response, { to: behind.registry, headers });
  } else {
    withToken(request, response, { behind, headers });
  }
}

/** A token is what the registry itself takes, wrapped: it decides who may have one. */
async function handOut({ headers }: IncomingMessage, response: ServerResponse, { registry }: Behind): Promise<void> {
  const { authorization = '' } = headers;
  const anonymous = authorization === '';
  const asked = anonymous ? null : await fetch(`http://${registry}/v2/`, { headers: { authorization } });
  if (asked !== null && asked.status !== 200) {
    response.writeHead(401).end(UNAUTHORIZED);
    return;
  }
  const token = anonymous ? ANONYMOUS : Buffer.from(authorization).toString('base64url');
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token, expires_in: 300 }));
}

function withToken(
  request: IncomingMessage,
  response: ServerResponse,
  { behind, headers }: { readonly behind: Behind; readonly headers: IncomingMessage['headers'] },
): void {
  const { url = '', method } = request;
  const authorization = loginBehind(request.headers.authorization, behind);
  const isAnonymous = authorization === basicAuth(behind.owner);
  if (authorization === null || (isAnonymous && !(PUBLIC.test(url) && method !== 'POST'))) {
    const { realm, service } = TOKENS[headers.host ?? ''] ?? { realm: '', service: '' };
    const [, name = ''] = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(url) ?? [];
    const challenge = `Bearer realm="${realm}",service="${service}",scope="repository:${name}:pull"`;
    response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'application/json' }).end(UNAUTHORIZED);
    return;
  }
  passOn(request, response, { to: behind.registry, headers: { ...headers, authorization } });
}

/** What the registry itself takes for a token; of whoever has not logged in, that of its owner. Null: there is no token. */
function loginBehind(authorization: string | undefined, { owner }: Behind): string | null {
  const [, token] = /^Bearer (.+)$/.exec(authorization ?? '') ?? [];
  if (token === undefined) return null;
  return token === ANONYMOUS ? basicAuth(owner) : Buffer.from(token, 'base64url').toString('utf8');
}
