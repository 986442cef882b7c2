import { failure } from '../failures.ts';
import { PLAIN_TRANSPORT, type Login, type Transport } from '../http/transport.ts';
import type { Kube } from '../ports.ts';
import { compileTls } from './compile-tls.ts';
import { readCredentials, readSecretOf, withoutNewline, type Repository } from './credentials.ts';
import { parseDuration } from './duration.ts';
import type { CrossNamespace } from './helm-release.ts';
import { nameOf, readTlsFiles, TLS_FILES, tlsFilesOf } from './tls-files.ts';

/** What a HelmRepository may refer to. */
interface Allowed {
  readonly crossNamespace: CrossNamespace;
  /** The folder of the worker whose files it may name; null: none. */
  readonly tlsFiles: string | null;
}

/** How a repository is reached and who we are there. All of it is read anew each time: Secrets are rotated. */
export async function readTransport(kube: Kube, repository: Repository, allowed: Allowed): Promise<Transport> {
  const { spec } = repository;
  const { crossNamespace } = allowed;
  const tls = await readTls(kube, repository, allowed);
  return {
    ...PLAIN_TRANSPORT,
    login: await readLogin(kube, repository, crossNamespace),
    passCredentials: spec.passCredentials === true,
    tls: tls ?? PLAIN_TRANSPORT.tls,
    proxy: await readProxy(kube, repository),
    // Who has TLS settings means TLS, also on loopback.
    plainHttp: spec.insecure === true ? true : tls === null ? null : false,
    timeoutMs: parseDuration(spec.timeout ?? ''),
  };
}

async function readLogin(kube: Kube, repository: Repository, crossNamespace: CrossNamespace): Promise<Login | null> {
  const credentials = await readCredentials(kube, repository, crossNamespace);
  return credentials === null ? null : { ...credentials, secret: secretName(repository) };
}

/** Where the credentials of a HelmRepository come from, for messages. */
function secretName({ namespace, name, spec }: Repository): string {
  const secret = spec.auth?.basic?.secretRef;
  if (secret == null) return `in HelmRepository ${namespace}/${name}`;
  return `${secret.namespace == null || secret.namespace === '' ? namespace : secret.namespace}/${secret.name}`;
}

/** Null: nothing is said of TLS. */
async function readTls(kube: Kube, repository: Repository, allowed: Allowed): Promise<Transport['tls'] | null> {
  const { secretRef, insecureSkipVerify = null } = repository.spec.auth?.tls ?? {};
  const { crossNamespace, tlsFiles } = allowed;
  const verify = { insecureSkipVerify: insecureSkipVerify === true };
  if (secretRef != null) {
    const { name, data } = await readSecretOf(kube, repository, { ...secretRef, crossNamespace });
    return { ...compileTls({ subject: `Secret ${name}`, data }, Date.now()), ...verify };
  }
  if (tlsFiles !== null && tlsFilesOf(repository.spec).length > 0) {
    const data = await readTlsFiles(tlsFiles, repository);
    const subject = `auth.tls of ${nameOf(repository)}`;
    return { ...compileTls({ subject, data, keys: TLS_FILES }, Date.now()), ...verify };
  }
  return insecureSkipVerify === true ? { ...PLAIN_TRANSPORT.tls, ...verify } : null;
}

/** The URL of the proxy, with its credentials. Null: nothing is said of one. */
async function readProxy(kube: Kube, repository: Repository): Promise<string | null> {
  const { name = '' } = repository.spec.proxySecretRef ?? {};
  if (name === '') return null;
  const secret = await readSecretOf(kube, repository, { name, crossNamespace: 'denied' });
  const url = URL.parse((secret.data['address'] ?? '').trim());
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    const why = 'must hold the URL of a proxy, http:// or https://, without credentials, which are keys of their own';
    throw failure('SecretInvalid', `Secret ${secret.name} cannot be used: its key address ${why}`);
  }
  url.username = encodeURIComponent(withoutNewline(secret.data['username'] ?? ''));
  url.password = encodeURIComponent(withoutNewline(secret.data['password'] ?? ''));
  return url.href;
}
