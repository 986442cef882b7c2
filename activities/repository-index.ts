import type { ChartIndex, IndexSource, Wish } from './chart-index/store.ts';
import { failure } from './failures.ts';
import { isLoopback } from './http/addresses.ts';
import { PLAIN_TRANSPORT } from './http/transport.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import { findRepository, type Repository } from './kube/credentials.ts';
import type { Toolbox } from './operation.ts';
import { transportOf } from './repository-transport.ts';

type Tools = Pick<Toolbox, 'kube' | 'crossNamespace' | 'clouds' | 'indexes' | 'settings'>;

/** Tells a repository that has an index over HTTP from a registry. */
export function hasIndex(url: string): boolean {
  return /^https?:\/\//i.test(url.trim());
}

/** How the index of a HelmRepository is asked for. */
export async function sourceOf(
  tools: Omit<Tools, 'indexes'>,
  repository: Repository,
  { signal, url = repository.url }: Pick<Wish, 'signal'> & { readonly url?: string },
): Promise<IndexSource> {
  const transport = await transportOf(tools, repository, signal);
  if (transport.plainHttp !== true && isInTheClear(url)) {
    const name = `HelmRepository ${repository.namespace}/${repository.name}`;
    throw failure(
      'SpecInvalid',
      `the url of ${name} has http://; ${IN_THE_CLEAR}: write https://, or set insecure: true`,
    );
  }
  return { url, transport, loginFor: new URL(repository.url.trim().replace(/^oci:/i, 'https:')).origin };
}

const IN_THE_CLEAR = 'whoever is on the way could read credentials, and change charts';

/** Only this machine is spoken to without TLS where nobody asks for that. */
function isInTheClear(url: string): boolean {
  const { protocol, hostname } = new URL(url.trim());
  return protocol === 'http:' && !isLoopback(hostname);
}

/** The index that a chart is looked up in, and how its archives are asked for. */
export async function readIndexOf(
  tools: Tools,
  { chart, namespace }: { readonly chart: HelmReleaseSpec['chart']; readonly namespace: string },
  wish: Wish,
): Promise<{ readonly source: IndexSource; readonly index: ChartIndex; readonly repository: Repository | null }> {
  const { kube, crossNamespace } = tools;
  const repository = await findRepository(kube, chart, { namespace, crossNamespace });
  // Only the HelmRepository that is named knows of its query.
  const source =
    repository === null
      ? sourceWithout(chart.url)
      : await sourceOf(tools, repository, { ...wish, url: chart.repository === null ? chart.url : repository.url });
  return { source, index: await tools.indexes.get(source, wish), repository };
}

/** Of a chart that no HelmRepository is there for. */
function sourceWithout(url: string): IndexSource {
  if (isInTheClear(url)) {
    const way = 'write https://, or make a HelmRepository of this url with insecure: true';
    throw failure('SpecInvalid', `spec.chart.repositoryURL has http://; ${IN_THE_CLEAR}: ${way}`);
  }
  return { url, transport: PLAIN_TRANSPORT, loginFor: '' };
}
