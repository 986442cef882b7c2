import { readChartArchive, type ChartArchive } from './charts/archive.ts';
import { PLAIN_TRANSPORT, type Transport } from './http/transport.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import { findRepository } from './kube/credentials.ts';
import { readTransport } from './kube/transport.ts';
import { askOnce } from './oci/ask-once.ts';
import { parseOciName } from './oci/name.ts';
import type { Call, Toolbox } from './operation.ts';
import { parseWanted } from './semver/wanted.ts';

/** A chart whose bytes are those that its digest promises. */
export interface PreparedChart {
  readonly archive: Buffer;
  readonly about: ChartArchive;
  /** Digest of its manifest, which pins it for good. */
  readonly digest: string;
  /** Credentials that were used, for redaction. */
  readonly secrets: readonly string[];
}

/** Find the credentials, pin the digest, pull what the cache does not hold, check all of it. */
export async function prepareChart(
  tools: Toolbox,
  spec: HelmReleaseSpec,
  { namespace, call }: { readonly namespace: string; readonly call: Call },
): Promise<PreparedChart> {
  const transport = await findTransport(tools, spec.chart, namespace);
  const { name, url } = spec.chart;
  const wanted = parseWanted(spec.chart.version);
  const digest = wanted.kind === 'pinned' ? wanted.digest : null;
  const version = wanted.kind === 'pinned' ? wanted.version : spec.chart.version;
  const asked = { chart: name, version: version ?? digest ?? '', digest };
  const request = { name: parseOciName(url), ...asked, transport };
  const { manifestDigest, layer } = await askOnce(tools, { verb: 'announce', request }, call);
  const archive = await tools.charts.get(layer.digest, () =>
    tools.oras.fetchLayer({ ...request, signal: call.signal }, layer),
  );
  const about = await readChartArchive(archive, { name, version });
  const { login } = transport;
  return { archive, about, digest: manifestDigest, secrets: login === null ? [] : [login.username, login.password] };
}

/** How the registry of a chart is reached, and as whom. */
export async function findTransport(
  { kube, crossNamespace }: Pick<Toolbox, 'kube' | 'crossNamespace'>,
  chart: HelmReleaseSpec['chart'],
  namespace: string,
): Promise<Transport> {
  const repository = await findRepository(kube, chart, { namespace, crossNamespace });
  return repository === null ? PLAIN_TRANSPORT : readTransport(kube, repository, crossNamespace);
}
