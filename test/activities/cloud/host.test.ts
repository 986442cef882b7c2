import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wishFor, type TokenWish } from '../../../activities/cloud/host.ts';

const ecr = (region: string): TokenWish => ({ cloud: 'aws', service: 'ecr', region });
const azure = (registry: string, audience: string): TokenWish => ({ cloud: 'azure', registry, audience });
const repository = 'apps/charts';

const FITS: readonly (readonly [string, string, TokenWish])[] = [
  ['aws', '123456789012.dkr.ecr.eu-central-1.amazonaws.com', ecr('eu-central-1')],
  ['aws', '123456789012.dkr.ecr.us-gov-west-1.amazonaws.com', ecr('us-gov-west-1')],
  ['aws', '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', ecr('cn-north-1')],
  ['aws', '123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu', ecr('eusc-de-east-1')],
  ['aws', '123456789012.dkr.ecr-fips.us-east-2.amazonaws.com', ecr('us-east-2')],
  ['aws', '123456789012.dkr-ecr.us-west-2.on.aws', ecr('us-west-2')],
  ['aws', '123456789012.dkr-ecr-fips.us-west-2.on.aws', ecr('us-west-2')],
  ['aws', '123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn', ecr('cn-north-1')],
  ['aws', 'public.ecr.aws', { cloud: 'aws', service: 'ecr-public', region: 'us-east-1' }],
  ['gcp', 'europe-west3-docker.pkg.dev', { cloud: 'gcp' }],
  ['gcp', 'us-docker.pkg.dev', { cloud: 'gcp' }],
  ['gcp', 'gcr.io', { cloud: 'gcp' }],
  ['gcp', 'eu.gcr.io', { cloud: 'gcp' }],
  ['azure', 'acme.azurecr.io', azure('acme.azurecr.io', 'https://containerregistry.azure.net')],
  ['azure', 'acme.westeurope.azurecr.io', azure('acme.westeurope.azurecr.io', 'https://containerregistry.azure.net')],
  ['azure', 'acme.azurecr.cn', azure('acme.azurecr.cn', 'https://management.chinacloudapi.cn')],
  ['azure', 'acme.azurecr.us', azure('acme.azurecr.us', 'https://management.usgovcloudapi.net')],
];

describe('a provider', () => {
  for (const [provider, host, wish] of FITS) {
    it(`${provider} has tokens for ${host}`, () => {
      assert.deepEqual(wishFor({ provider, host, repository }), wish);
    });
  }

  /** Whoever is asked must be the cloud itself, never a name that only looks like one of its. */
  const STRANGERS = {
    aws: [
      'ghcr.io',
      '123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example',
      'evil.example.123456789012.dkr.ecr.eu-central-1.amazonaws.com',
      '12345.dkr.ecr.eu-central-1.amazonaws.com',
      '123456789012.dkr.ecr.eu-central-1.amazonaws.com:5000',
      '123456789012xdkr.ecr.eu-central-1.amazonaws.com',
      'evil.public.ecr.aws',
    ],
    gcp: ['docker.pkg.dev.evil.example', 'evilgcr.io', 'x.y.gcr.io', 'us-docker.pkg.dev:443', 'usdocker.pkg.dev'],
    azure: ['azurecr.io', 'acme.azurecr.io.evil.example', 'acme.azurecr.xyz', 'acmeazurecr.io', 'acme.azurecr.io:8443'],
  };
  for (const [provider, hosts] of Object.entries(STRANGERS)) {
    for (const host of hosts) {
      it(`${provider} has no tokens for ${host}`, () => {
        assert.throws(() => wishFor({ provider, host, repository }), { code: 'SpecInvalid' });
      });
    }
  }

  it('that does not fit names the registries that it is for, and the one that fits', () => {
    assert.throws(() => wishFor({ provider: 'gcp', host: 'acme.azurecr.io', repository }), {
      message:
        'HelmRepository apps/charts has provider gcp, whose tokens are not for registry acme.azurecr.io: its registries are LOCATION-docker.pkg.dev and gcr.io; for this one write provider: azure',
    });
    assert.throws(() => wishFor({ provider: 'aws', host: 'ghcr.io', repository }), {
      message:
        'HelmRepository apps/charts has provider aws, whose tokens are not for registry ghcr.io: its registries are ACCOUNT.dkr.ecr.REGION.amazonaws.com and public.ecr.aws; remove spec.provider, and name a Secret in auth.basic.secretRef',
    });
  });

  it('that is none is named', () => {
    assert.throws(() => wishFor({ provider: 'alibaba', host: 'ghcr.io', repository }), {
      code: 'SpecInvalid',
      message:
        'HelmRepository apps/charts has provider "alibaba", which there is not; write one of generic, aws, gcp, azure',
    });
  });
});
