/** Local stand-ins of what clouds ask and answer when a registry's token is wanted; the SDKs that ask are the real ones. */
import type { RequestListener } from 'node:http';
import { passOn } from './forwarder.ts';
import { serveWeb, type Web } from './web.ts';

/** An answer in place of the usual one. */
export interface Instead {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CloudStandIn extends Web {
  /** The tokens that it hands out, the newest last; a request gets the last one. */
  readonly tokens: string[];
  /** How long they live. */
  lifeMs: number;
  /** Null: as usual. */
  instead: Instead | null;
  /** Requests for a token that were answered, whatever else was asked. */
  handedOut: number;
}

type Answer = (request: { path: string; body: string; target: string }, cloud: CloudStandIn) => Instead | null;

async function serveCloud(answer: Answer, behind: (() => string) | null = null): Promise<CloudStandIn> {
  const listener: RequestListener = (request, response) => {
    if (behind !== null && request.url?.startsWith('/v2/') === true) {
      passOn(request, response, { to: behind() });
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const target = [request.headers['x-amz-target'] ?? ''].flat().join('');
      const body = Buffer.concat(chunks).toString('utf8');
      const answered = answer({ path: request.url ?? '', body, target }, cloud);
      const { status, body: text, headers } = answered ?? { status: 404, body: '', headers: {} };
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
    });
  };
  const web = await serveWeb(listener);
  const cloud: CloudStandIn = { ...web, tokens: ['first-token'], lifeMs: 12 * 3_600_000, instead: null, handedOut: 0 };
  return cloud;
}

function handOut(cloud: CloudStandIn, answer: (token: string, expiresAt: number) => Omit<Instead, 'status'>): Instead {
  if (cloud.instead !== null) return cloud.instead;
  cloud.handedOut += 1;
  return { status: 200, ...answer(cloud.tokens.at(-1) ?? '', Date.now() + cloud.lifeMs) };
}

const JSON_OF_AWS = { 'content-type': 'application/x-amz-json-1.1' };

/** ECR, public ECR and STS, for `AWS_ENDPOINT_URL`. */
export function serveAws(): Promise<CloudStandIn> {
  return serveCloud(({ body, target }, cloud) => {
    if (body.includes('Action=AssumeRoleWithWebIdentity'))
      return { status: 200, body: ASSUMED, headers: { 'content-type': 'text/xml' } };
    if (!target.endsWith('.GetAuthorizationToken')) return null;
    return handOut(cloud, (token, expiresAt) => {
      const data = { authorizationToken: Buffer.from(`AWS:${token}`).toString('base64'), expiresAt: expiresAt / 1000 };
      const isPublic = target.startsWith('SpencerFrontendService.');
      return { body: JSON.stringify({ authorizationData: isPublic ? data : [data] }), headers: JSON_OF_AWS };
    });
  });
}

const ASSUMED = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/holdfast/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIASTANDIN</AccessKeyId><SecretAccessKey>canary-of-the-role</SecretAccessKey>
      <SessionToken>canary-of-the-session</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`;

/** What AWS says of an action that a role may not do. */
export const DENIED_BY_AWS: Instead = {
  status: 400,
  headers: JSON_OF_AWS,
  body: JSON.stringify({
    __type: 'AccessDeniedException',
    message:
      'User: arn:aws:sts::123456789012:assumed-role/holdfast/x is not authorized to perform: ecr:GetAuthorizationToken on resource: *',
  }),
};

const GOOGLE = { 'metadata-flavor': 'Google' };

/** The metadata service of Google's machines, for `GCE_METADATA_HOST`. */
export function serveGoogle(): Promise<CloudStandIn> {
  return serveCloud(({ path }, cloud) => {
    if (!path.startsWith('/computeMetadata/v1/')) return null;
    if (!path.includes('/service-accounts/default/token')) return { status: 200, body: 'x', headers: GOOGLE };
    return handOut(cloud, (token, expiresAt) => {
      const expires_in = Math.round((expiresAt - Date.now()) / 1000);
      return { body: JSON.stringify({ access_token: token, expires_in, token_type: 'Bearer' }), headers: GOOGLE };
    });
  });
}

/** The metadata service of Azure's machines, for `AZURE_POD_IDENTITY_AUTHORITY_HOST`. */
export function serveAzure(): Promise<CloudStandIn> {
  return serveCloud(({ path }, cloud) => {
    if (!path.startsWith('/metadata/identity/oauth2/token')) return null;
    const resource = new URL(path, 'http://x').searchParams.get('resource');
    return handOut(cloud, (token, expiresAt) => {
      const times = { expires_in: '3600', expires_on: String(Math.round(expiresAt / 1000)) };
      return { body: JSON.stringify({ access_token: token, ...times, resource, token_type: 'Bearer' }) };
    });
  });
}

/**
 * `/oauth2/exchange` of an Azure registry: a token of the registry for the one that `entra` has handed out. All else is
 * answered by what lies behind it, if something does.
 */
export async function serveExchange(entra: CloudStandIn, behind: (() => string) | null = null): Promise<CloudStandIn> {
  const answer: Answer = ({ body }, cloud) => {
    const form = new URLSearchParams(body);
    if (form.get('access_token') !== entra.tokens.at(-1) || form.get('grant_type') !== 'access_token') {
      return { status: 401, body: '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}' };
    }
    return handOut(cloud, (token) => ({ body: JSON.stringify({ refresh_token: token }) }));
  };
  return serveCloud((asked, cloud) => (asked.path === '/oauth2/exchange' ? answer(asked, cloud) : null), behind);
}
