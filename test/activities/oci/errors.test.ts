import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toOrasFailure, toRegistryFailure } from '../../../activities/oci/errors.ts';
import type { FailureCode } from '../../../workflows/core/failures.ts';

/** Recorded from oras 1.3.6 against CNCF distribution 3.1.2 and against servers that answered what is named. */
const SAMPLES: readonly {
  readonly name: string;
  readonly stderr: string;
  readonly anonymous: FailureCode;
  readonly withLogin?: FailureCode;
  readonly says?: RegExp;
}[] = [
  {
    name: '401, no credentials',
    stderr: `Error: failed to fetch the content of "127.0.0.1:25001/charts/app:1.2.0": basic credential not found
Please check whether the registry credential stored in the authentication file at "none.json" is correct
`,
    anonymous: 'AuthRequired',
    says: /wants credentials for chart app 1\.2\.0; name a Secret in auth\.basic\.secretRef/,
  },
  {
    name: '401, wrong credentials',
    stderr:
      'Error response from registry: unauthorized: authentication required: [map[Action:pull Class: Name:charts/app Type:repository]]\n',
    anonymous: 'AuthRequired',
    withLogin: 'AuthRejected',
  },
  {
    name: '401 of a login',
    stderr: 'Error response from registry: unauthorized: authentication required\n',
    anonymous: 'AuthRequired',
    withLogin: 'AuthRejected',
  },
  {
    name: '403',
    stderr: 'Error response from registry: denied: requested access to the resource is denied\n',
    anonymous: 'AuthRequired',
    withLogin: 'AuthRejected',
  },
  {
    name: '429',
    stderr: 'Error response from registry: toomanyrequests: You have reached your pull rate limit\n',
    anonymous: 'RateLimited',
    says: /with credentials its limit may be higher/,
  },
  {
    name: 'no such tag',
    stderr:
      'Error response from registry: failed to fetch the content of "127.0.0.1:25001/charts/app:9.9.9": 127.0.0.1:25001/charts/app:9.9.9: not found\n',
    anonymous: 'ChartNotFound',
    says: /^chart app 1\.2\.0 is not at oci:\/\/r\.example\/charts\/app.*list what is: oras repo tags r\.example\/charts\/app$/,
  },
  {
    name: 'no such blob',
    stderr:
      'Error response from registry: 127.0.0.1:25002/charts/app@sha256:0000000000000000000000000000000000000000000000000000000000000000: not found\n',
    anonymous: 'ChartNotFound',
  },
  {
    name: 'nobody listens',
    stderr:
      'Error: failed to fetch the content of "127.0.0.1:1/charts/app:9.9.9": Get "http://127.0.0.1:1/v2/charts/app/manifests/9.9.9": dial tcp 127.0.0.1:1: connect: connection refused\n',
    anonymous: 'RegistryUnreachable',
    says: /connection refused/,
  },
  {
    name: 'plain HTTP where TLS is expected',
    stderr:
      'Error: failed to fetch the content of "127.0.0.1:25002/charts/app:1.2.0": Get "https://127.0.0.1:25002/v2/charts/app/manifests/1.2.0": http: server gave HTTP response to HTTPS client\n',
    anonymous: 'RegistryUnreachable',
    says: /HOLDFAST_PLAIN_HTTP_REGISTRIES/,
  },
  {
    name: 'a certificate that nobody trusts',
    stderr:
      'Error: failed to fetch the content of "127.0.0.1:25143/charts/app:1.2.0": Get "https://127.0.0.1:25143/v2/charts/app/manifests/1.2.0": tls: failed to verify certificate: x509: certificate relies on legacy Common Name field, use SANs instead\n',
    anonymous: 'RegistryTlsRejected',
    says: /TLS certificate/,
  },
  {
    name: 'no such host',
    stderr:
      'Error: failed to fetch the content of "nosuch.invalid/charts/app:1.2.0": Get "https://nosuch.invalid/v2/charts/app/manifests/1.2.0": dial tcp: lookup nosuch.invalid on 192.0.2.53:53: no such host\n',
    anonymous: 'RegistryUnreachable',
    says: /DNS/,
  },
  {
    name: 'the connection is cut',
    stderr:
      'Error: failed to fetch the content of "127.0.0.1:25109/charts/app:1.2.0": Get "http://127.0.0.1:25109/v2/charts/app/manifests/1.2.0": EOF\n',
    anonymous: 'RegistryUnreachable',
  },
  {
    name: '500',
    stderr:
      'Error response from registry: GET "http://127.0.0.1:25150/v2/charts/app/manifests/1.2.0": response status code 500: Internal Server Error\n',
    anonymous: 'RegistryUnreachable',
  },
  {
    name: '503',
    stderr:
      'Error response from registry: GET "http://127.0.0.1:25153/v2/charts/app/manifests/1.2.0": response status code 503: Service Unavailable\n',
    anonymous: 'RegistryUnreachable',
  },
  {
    name: 'a huge manifest',
    stderr:
      'Error: failed to fetch the content of "127.0.0.1:25190/charts/app:1.2.0": content size 4200389 exceeds MaxBytes 4194304: size exceeds limit\n',
    anonymous: 'ChartInvalid',
    says: /larger than the 4 MiB that are read/,
  },
  { name: 'another blob than announced', stderr: 'Error: mismatched digest\n', anonymous: 'DigestMismatch' },
  {
    name: 'another manifest than announced',
    stderr: 'Error: failed to fetch the content of "127.0.0.1:25190/charts/app:1.2.0": mismatched digest\n',
    anonymous: 'DigestMismatch',
  },
  { name: 'something new', stderr: 'Error: https://r.example/x?X-Amz-Signature=canary\n', anonymous: 'Unexpected' },
];

const asked = { host: 'r.example', what: 'chart app 1.2.0', repository: 'r.example/charts/app' };

describe('what oras says', () => {
  for (const { name, stderr, anonymous, withLogin, says } of SAMPLES) {
    it(name, () => {
      const failure = toRegistryFailure(stderr, { ...asked, secret: null });
      assert.equal(failure.code, anonymous);
      if (says !== undefined) assert.match(failure.message, says);
      assert.doesNotMatch(failure.message, /canary/);
      if (withLogin === undefined) return;
      const rejected = toRegistryFailure(stderr, { ...asked, secret: 'default/acr-auth' });
      assert.equal(rejected.code, withLogin);
      assert.match(rejected.message, /rejected the credentials of Secret default\/acr-auth for chart app 1\.2\.0/);
    });
  }

  it('of a token of a cloud names the right that is missing', () => {
    const failure = toRegistryFailure('Error response from registry: denied: no\n', {
      ...asked,
      secret: 'default/charts',
      provider: 'aws',
    });
    assert.deepEqual(
      [failure.code, failure.message],
      [
        'AuthRejected',
        'registry r.example rejected the token of provider aws for chart app 1.2.0; allow the IAM role of the worker ecr:BatchGetImage and ecr:GetDownloadUrlForLayer there',
      ],
    );
  });

  const TRACE = `[2026-11-26T00:15:44.105880536Z][DEBUG]: --> Request #0
> Request URL: "https://r.example/v2/charts/app/manifests/1.2.0"
> Request method: "GET"
> Request headers:
   "User-Agent": "oras/1.3.6"


[2026-11-26T00:15:59.121572829Z][DEBUG]: <-- Response #0
< Response Status: "429 Too Many Requests"
< Response headers:
   "Content-Type": "text/plain"
   "Retry-After": "7"
< Response body:
Error: canary unauthorized: "Retry-After": "9"


Error response from registry: GET "https://r.example/v2/charts/app/manifests/1.2.0": response status code 429: Too Many Requests
`;

  it('in the trace of its questions is left out of what failed, but for the time to wait', () => {
    const failure = toOrasFailure(TRACE, { ...asked, secret: null });
    assert.deepEqual([failure.code, failure.retryAfterMs], ['RateLimited', 7_000]);
    assert.match(String(failure.cause), /^Error response from registry: GET "https:[^\n]*\n$/);
  });

  it('of the time to wait counts only with an answer that asks for it', () => {
    const other = TRACE.replace('429 Too Many Requests', '404 Not Found');
    assert.equal(toOrasFailure(other, { ...asked, secret: null }).retryAfterMs, null);
  });

  it('sees a name that was doubled', () => {
    const failure = toRegistryFailure('r.example/nginx/nginx:1.0.0: not found', {
      host: 'r.example',
      what: 'chart nginx 1.0.0',
      repository: 'r.example/nginx/nginx',
      secret: 'a/b',
    });
    assert.match(failure.message, /its last two segments are the same/);
  });
});
