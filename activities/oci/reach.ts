import { trusting, type Login, type Transport } from '../http/transport.ts';
import { speaksPlainHttp } from './name.ts';

/** How `oras` is told of the way to a registry. */
export interface Reach {
  /** Of its command line. They name nothing but the files below. */
  readonly flags: readonly string[];
  /** By name, for the private folder that it runs in: who we are and whom we trust. */
  readonly files: Readonly<Record<string, string>>;
  /** Variables: a proxy, with its credentials. */
  readonly env: Readonly<Record<string, string>>;
}

const CONFIG = 'registry.json';
const CA = 'ca.crt';
const CERT = 'tls.crt';
const KEY = 'tls.key';

/** Whether TLS is spoken is always said: left alone, `oras` decides it by the name of the host. */
export function reachOf(host: string, transport: Transport, plainHttp: readonly string[]): Reach {
  const { login, tls } = transport;
  const plain = speaksPlainHttp(host, plainHttp, transport.plainHttp);
  const flags = ['--registry-config', CONFIG, `--plain-http=${plain}`];
  const files: Record<string, string> = { [CONFIG]: configOf(host, login) };
  if (tls.ca !== null) {
    // A token server or a store of blobs may have a certificate of another authority.
    files[CA] = trusting(tls.ca).join('\n');
    flags.push('--ca-file', CA);
  }
  if (tls.client !== null) {
    files[CERT] = tls.client.cert;
    files[KEY] = tls.client.key;
    flags.push('--cert-file', CERT, '--key-file', KEY);
  }
  if (tls.insecureSkipVerify) flags.push('--insecure');
  return { flags, files, env: transport.proxy === null ? {} : proxyVariables(transport.proxy) };
}

/** In both spellings, in place of whatever the worker has: a proxy that is named for one repository is meant. */
function proxyVariables(proxy: string): Readonly<Record<string, string>> {
  const variables = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: '' };
  return { ...variables, http_proxy: proxy, https_proxy: proxy, no_proxy: '' };
}

/** The keys under which Docker's file format and its readers know Docker Hub. */
const DOCKER_HUB_KEYS = ['docker.io', 'registry-1.docker.io', 'https://index.docker.io/v1/'];

function configOf(host: string, login: Login | null): string {
  if (login === null) return '{"auths":{}}';
  const entry = { auth: Buffer.from(`${login.username}:${login.password}`).toString('base64') };
  const keys = host === 'docker.io' ? DOCKER_HUB_KEYS : [host];
  return JSON.stringify({ auths: Object.fromEntries(keys.map((key) => [key, entry])) });
}
