/** A HelmRepository with a provider that an API server with an older CRD has let through. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCloudTokens } from '../../activities/cloud/tokens.ts';
import { createKube } from '../../activities/kube/client.ts';
import { transportOf } from '../../activities/repository-transport.ts';
import { sharedStack } from '../support/harness.ts';

const { kubeconfig } = await sharedStack('kubernetes');
const HOST = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
const RULES = {
  'a url that is not oci://': { url: `https://${HOST}/charts` },
  'auth.basic': { auth: { basic: { username: 'me', password: 'canary' } } },
  'auth.tls': { auth: { tls: { insecureSkipVerify: true } } },
  insecure: { insecure: true },
};

describe('a HelmRepository with a provider', () => {
  for (const [what, more] of Object.entries(RULES)) {
    it(`goes not with ${what}, and no cloud is asked`, async () => {
      let asked = 0;
      const clouds = createCloudTokens(() => {
        asked += 1;
        return Promise.resolve({ username: 'AWS', password: 'canary', expiresAt: Infinity });
      });
      const kube = createKube({ kubeconfig, context: null });
      const spec = { url: `oci://${HOST}/charts`, provider: 'aws', ...more };
      const repository = { namespace: 'apps', name: 'charts', uid: 'x', generation: 1, url: spec.url, spec };
      const settings = {
        plainHttp: [],
        noCrossNamespace: false,
        defaultServiceAccount: null,
        cluster: 'x',
        tlsFiles: null,
      };
      const tools = { kube, clouds, crossNamespace: 'allowed', settings } as const;
      const { signal } = new AbortController();
      const message = `HelmRepository apps/charts has provider aws, which goes with none of: ${what}; remove them, or spec.provider`;
      try {
        await assert.rejects(transportOf(tools, repository, signal), { code: 'SpecInvalid', message });
        const { login } = await transportOf(
          tools,
          { ...repository, ...GOOD, spec: { ...GOOD, provider: 'aws' } },
          signal,
        );
        assert.equal(login?.provider, 'aws', 'without it all is well');
        assert.equal(asked, 1);
      } finally {
        await kube.close();
      }
    });
  }
});

const GOOD = { url: `oci://${HOST}/charts` };
