import type { Manifest } from '../../activities/ports.ts';

const repository = (spec: Record<string, unknown>): Manifest => ({
  apiVersion: 'helm-operator.ketches.cn/v1alpha1',
  kind: 'HelmRepository',
  metadata: { name: 'x' },
  spec: { url: 'oci://registry.example.com/charts', ...spec },
});

export const GOOD_REPOSITORIES: { name: string; manifest: Manifest }[] = [
  {
    name: 'a repository with a password of its own',
    manifest: repository({ auth: { basic: { username: 'a', password: 'b' } } }),
  },
  {
    name: 'a repository with every field',
    manifest: repository({
      type: 'oci',
      interval: '1h',
      timeout: '10m',
      suspend: true,
      insecure: false,
      mirror: 'oci://mirror.example.com/charts',
      proxySecretRef: { name: 'p' },
      auth: {
        basic: { secretRef: { name: 'a', namespace: 'b' } },
        tls: { insecureSkipVerify: true, caFile: '/a', certFile: '/b', keyFile: '/c', secretRef: { name: 'd' } },
      },
      valuesConfigMapPolicy: 'lazy',
      valuesConfigMapRetention: '168h',
    }),
  },
  { name: 'a repository of a cloud', manifest: repository({ provider: 'aws', type: 'oci', insecure: false }) },
  { name: 'a repository of no cloud', manifest: repository({ provider: 'generic', insecure: true }) },
  { name: 'an oci URL with the default type of the older operator', manifest: repository({ type: 'helm' }) },
];

export const BAD_REPOSITORIES: { name: string; manifest: Manifest; message: string | RegExp }[] = [
  {
    name: 'type oci over https',
    manifest: repository({ type: 'oci', url: 'https://charts.example.com' }),
    message: 'type oci needs an oci:// URL',
  },
  {
    name: 'TLS settings for a registry without TLS',
    manifest: repository({ insecure: true, auth: { tls: { secretRef: { name: 'a' } } } }),
    message: 'insecure means without TLS, where auth.tls has no meaning; remove one of them',
  },
  {
    name: 'a cloud of an index over HTTP',
    manifest: repository({ provider: 'gcp', url: 'https://charts.example.com' }),
    message: 'a provider needs an oci:// URL',
  },
  {
    name: 'a cloud and a certificate',
    manifest: repository({ provider: 'gcp', auth: { tls: { insecureSkipVerify: true } } }),
    message: 'a provider logs in by itself, at registries whose certificates everybody trusts; remove auth',
  },
  {
    name: 'a cloud without TLS',
    manifest: repository({ provider: 'azure', insecure: true }),
    message: 'a provider needs TLS; remove insecure',
  },
  {
    name: 'an unknown cloud',
    manifest: repository({ provider: 'alibaba' }),
    message: 'Unsupported value: "alibaba": supported values: "generic", "aws", "gcp", "azure"',
  },
  {
    name: 'a mirror over https',
    manifest: repository({ mirror: 'https://mirror.example.com' }),
    message: 'must be an oci:// URL with a host, without credentials, query or fragment',
  },
  {
    name: 'a repository URL with a password',
    manifest: repository({ url: 'https://me:canary@charts.example.com' }),
    message: 'must not hold credentials; name them in auth.basic',
  },
  {
    name: 'a Secret and a password',
    manifest: repository({ auth: { basic: { username: 'a', password: 'b', secretRef: { name: 'c' } } } }),
    message: 'set either secretRef or username and password, not both',
  },
  {
    name: 'a user without a password',
    manifest: repository({ auth: { basic: { username: 'a' } } }),
    message: 'username and password belong together',
  },
  {
    name: 'an unknown policy',
    manifest: repository({ valuesConfigMapPolicy: 'always' }),
    message: 'Unsupported value: "always": supported values: "disabled", "on-demand", "lazy"',
  },
];
