import { failure } from '../failures.ts';

/** Clouds whose registries let an identity of theirs in, as `spec.provider` of a HelmRepository names them. */
export const CLOUDS = ['aws', 'gcp', 'azure'] as const;
export type Cloud = (typeof CLOUDS)[number];

/** A token that is wanted. Registries with the same one share it. */
export type TokenWish =
  | { readonly cloud: 'aws'; readonly service: 'ecr' | 'ecr-public'; readonly region: string }
  | { readonly cloud: 'gcp' }
  | { readonly cloud: 'azure'; readonly registry: string; readonly audience: string };

/** Hosts with two stacks, for FIPS, and of every partition; the account may be any, the region counts. */
const ECR =
  /^[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.([a-z]{2,}(?:-[a-z0-9]+)+)\.(?:amazonaws\.(?:com|com\.cn|eu)|on\.aws|on\.amazonwebservices\.(?:com\.cn|eu)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;
const GOOGLE = /^(?:(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)$/;
/** Of all Azure clouds, and whom a token must be for there. */
const AZURE: Readonly<Record<string, string>> = {
  'azurecr.io': 'https://containerregistry.azure.net',
  'azurecr.cn': 'https://management.chinacloudapi.cn',
  'azurecr.us': 'https://management.usgovcloudapi.net',
};

const WISHES: Readonly<Record<Cloud, (host: string) => TokenWish | null>> = {
  aws(host) {
    // The API of the public registry is in one region only.
    if (host === 'public.ecr.aws') return { cloud: 'aws', service: 'ecr-public', region: 'us-east-1' };
    const [, region] = ECR.exec(host) ?? [];
    return region === undefined ? null : { cloud: 'aws', service: 'ecr', region };
  },
  gcp: (host) => (GOOGLE.test(host) ? { cloud: 'gcp' } : null),
  azure(host) {
    const [, domain = ''] = /^[a-z0-9-]+(?:\.[a-z0-9-]+){0,2}\.(azurecr\.[a-z]+)$/.exec(host) ?? [];
    const audience = AZURE[domain];
    return audience === undefined ? null : { cloud: 'azure', registry: host, audience };
  },
};

const REGISTRIES: Readonly<Record<Cloud, string>> = {
  aws: 'ACCOUNT.dkr.ecr.REGION.amazonaws.com and public.ecr.aws',
  gcp: 'LOCATION-docker.pkg.dev and gcr.io',
  azure: 'NAME.azurecr.io',
};

export interface Wisher {
  /** As a HelmRepository says it. */
  readonly provider: string;
  /** Host of its registry. */
  readonly host: string;
  /** `namespace/name` of the HelmRepository, for messages. */
  readonly repository: string;
}

/**
 * The token that lets an identity of the cloud in at a registry. A token goes to registries of its own cloud alone,
 * whatever a HelmRepository says.
 */
export function wishFor({ provider, host, repository }: Wisher): TokenWish {
  const cloud = CLOUDS.find((known) => known === provider);
  if (cloud === undefined) {
    throw failure(
      'SpecInvalid',
      `HelmRepository ${repository} has provider ${JSON.stringify(provider)}, which there is not; write one of generic, ${CLOUDS.join(', ')}`,
    );
  }
  const wish = WISHES[cloud](host);
  if (wish !== null) return wish;
  const better = CLOUDS.find((other) => WISHES[other](host) !== null);
  const way =
    better === undefined
      ? 'remove spec.provider, and name a Secret in auth.basic.secretRef'
      : `for this one write provider: ${better}`;
  throw failure(
    'SpecInvalid',
    `HelmRepository ${repository} has provider ${cloud}, whose tokens are not for registry ${host}: its registries are ${REGISTRIES[cloud]}; ${way}`,
  );
}
