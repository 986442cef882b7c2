import { failure } from '../failures.ts';
import type { TokenWish } from './host.ts';
import { SHORT_LIFE_MS, type CloudToken } from './token.ts';

type Wish = Extract<TokenWish, { cloud: 'aws' }>;

interface Data {
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

/** A password for all registries of a region that the identity may pull from, whosever account they belong to. */
export async function askAws({ service, region }: Wish, signal: AbortSignal): Promise<CloudToken> {
  const data = await (service === 'ecr' ? askEcr(region, signal) : askPublicEcr(region, signal));
  // `AWS:<password>`
  const [, username, password] = /^([^:]+):(.+)$/s.exec(decode(data?.authorizationToken)) ?? [];
  if (username === undefined || password === undefined) {
    throw failure('CloudRejected', `provider aws: ${service} of ${region} answers without a token`);
  }
  return { username, password, expiresAt: data?.expiresAt?.getTime() ?? Date.now() + SHORT_LIFE_MS };
}

async function askEcr(region: string, abortSignal: AbortSignal): Promise<Data | undefined> {
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const client = new ECRClient({ region });
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return authorizationData?.[0];
  } finally {
    client.destroy();
  }
}

async function askPublicEcr(region: string, abortSignal: AbortSignal): Promise<Data | undefined> {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr-public');
  const client = new ECRPUBLICClient({ region });
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return authorizationData;
  } finally {
    client.destroy();
  }
}

const decode = (text = ''): string => Buffer.from(text, 'base64').toString('utf8');
