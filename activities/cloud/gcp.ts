import { failure } from '../failures.ts';
import { SHORT_LIFE_MS, type CloudToken } from './token.ts';

/** Whatever the identity may do; which of it that is, its roles decide. */
const SCOPES = ['https://www.googleapis.com/auth/cloud-platform'];

/** An access token of the identity, which every registry of Google takes as a password. */
export async function askGcp(): Promise<CloudToken> {
  const { GoogleAuth } = await import('google-auth-library');
  const client = await new GoogleAuth({ scopes: SCOPES }).getClient();
  const { token } = await client.getAccessToken();
  if (token == null) throw failure('CloudRejected', 'provider gcp: the identity of the worker has no access token');
  const expiresAt = client.credentials.expiry_date ?? Date.now() + SHORT_LIFE_MS;
  return { username: 'oauth2accesstoken', password: token, expiresAt };
}
