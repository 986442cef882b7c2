import { refText } from '../workflows/core/facts.ts';
import { failure } from './failures.ts';
import type { Transport } from './http/transport.ts';
import type { Repository } from './kube/credentials.ts';
import { readTransport } from './kube/transport.ts';
import { parseOciName } from './oci/name.ts';
import type { Toolbox } from './operation.ts';

/** How a HelmRepository is reached and who we are there: by what it names, or by an identity that its cloud knows. */
export async function transportOf(
  { kube, crossNamespace, clouds, settings }: Pick<Toolbox, 'kube' | 'crossNamespace' | 'clouds' | 'settings'>,
  repository: Repository,
  signal: AbortSignal,
): Promise<Transport> {
  const { provider } = repository.spec;
  const isGeneric = provider == null || provider === '' || provider === 'generic';
  if (!isGeneric) checkAlone(repository);
  const transport = await readTransport(kube, repository, { crossNamespace, tlsFiles: settings.tlsFiles });
  if (isGeneric) return transport;
  const { host } = parseOciName(repository.url);
  return {
    ...transport,
    login: await clouds.loginAt({ provider, host, repository: refText(repository), transport, signal }),
  };
}

/**
 * The identity is the worker's own, and whoever may write a HelmRepository may use it, but not see it: nothing in the
 * object may lead its token past the certificates that everybody trusts.
 */
function checkAlone(repository: Repository): void {
  const { url, spec } = repository;
  const wrong = [
    ...(url.trim().startsWith('oci://') ? [] : ['a url that is not oci://']),
    ...(spec.auth?.basic == null ? [] : ['auth.basic']),
    ...(spec.auth?.tls == null ? [] : ['auth.tls']),
    ...(spec.insecure === true ? ['insecure'] : []),
  ];
  if (wrong.length === 0) return;
  throw failure(
    'SpecInvalid',
    `HelmRepository ${refText(repository)} has provider ${spec.provider}, which goes with none of: ${wrong.join(', ')}; remove them, or spec.provider`,
  );
}
