import { z } from 'zod';
import { failure } from '../failures.ts';
import { postForm } from '../http/post-form.ts';
import type { Transport } from '../http/transport.ts';
import type { TokenWish } from './host.ts';
import { SHORT_LIFE_MS, type CloudToken } from './token.ts';

type Wish = Extract<TokenWish, { cloud: 'azure' }>;

/** The user name that stands for a token. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

const Exchanged = z.object({ refresh_token: z.string().min(1) });
const Claims = z.object({ exp: z.number().positive() });

/**
 * A refresh token of the registry, which takes it as a password, for the identity's token of Microsoft Entra ID:
 * https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */
export async function askAzure(
  { registry, audience }: Wish,
  { transport, signal }: { readonly transport: Transport; readonly signal: AbortSignal },
): Promise<CloudToken> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const entra = await new DefaultAzureCredential().getToken(`${audience}/.default`, { abortSignal: signal });
  const answer = await postForm({
    url: new URL(`https://${registry}/oauth2/exchange`),
    form: { grant_type: 'access_token', service: registry, access_token: entra.token },
    transport,
    signal,
  });
  const exchanged = Exchanged.safeParse(answer);
  if (!exchanged.success) throw failure('CloudRejected', `provider azure: ${registry} answers without a token`);
  const { refresh_token: password } = exchanged.data;
  return { username: NOBODY, password, expiresAt: expiryOf(password) };
}

/** Of a JWT, which is not verified: whom it is for will do that. */
function expiryOf(token: string): number {
  try {
    const [, claims = ''] = token.split('.');
    return Claims.parse(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'))).exp * 1000;
  } catch {
    return Date.now() + SHORT_LIFE_MS;
  }
}
