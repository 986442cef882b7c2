import { PLAIN_TRANSPORT, type Transport } from './http/transport.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import { findRepository } from './kube/credentials.ts';
import { readTransport } from './kube/transport.ts';
import { parseOciName, type OciName } from './oci/name.ts';
import type { Toolbox } from './operation.ts';

/** A place that has a chart, and how it is reached. */
export interface ChartPlace {
  readonly name: OciName;
  readonly transport: Transport;
}

export interface ChartSource extends ChartPlace {
  /** Where the same bytes may be had as well; null: nowhere. */
  readonly mirror: ChartPlace | null;
}

type Tools = Pick<Toolbox, 'kube' | 'crossNamespace'>;

/** Where a chart is, by the HelmRepository that is named for it or lies above it. */
export async function findChartSource(
  tools: Tools,
  chart: HelmReleaseSpec['chart'],
  namespace: string,
): Promise<ChartSource> {
  const { kube, crossNamespace } = tools;
  const name = parseOciName(chart.url);
  const repository = await findRepository(kube, chart, { namespace, crossNamespace });
  if (repository === null) return { name, transport: PLAIN_TRANSPORT, mirror: null };
  const transport = await readTransport(kube, repository, crossNamespace);
  const prefix = repository.spec.mirror ?? '';
  if (prefix === '') return { name, transport, mirror: null };
  const mirrored = below(parseOciName(prefix), name, parseOciName(repository.url));
  return { name, transport, mirror: await placeOf(tools, { name: mirrored, chart, namespace }) };
}

/** A mirror is a registry of its own: the HelmRepository above it says how it is reached, and as whom. */
async function placeOf(
  { kube, crossNamespace }: Tools,
  { name, chart, namespace }: { name: OciName; chart: HelmReleaseSpec['chart']; namespace: string },
): Promise<ChartPlace> {
  const there = { ...chart, url: `oci://${name.host}/${name.path}`, repository: null };
  const repository = await findRepository(kube, there, { namespace, crossNamespace });
  return {
    name,
    transport: repository === null ? PLAIN_TRANSPORT : await readTransport(kube, repository, crossNamespace),
  };
}

/** The chart has the same place below the mirror as below its repository. */
function below(mirror: OciName, chart: OciName, repository: OciName): OciName {
  const rest = segmentsOf(chart).slice(segmentsOf(repository).length);
  return { host: mirror.host, path: [...segmentsOf(mirror), ...rest].join('/') };
}

const segmentsOf = ({ path }: OciName): readonly string[] => path.split('/').filter((segment) => segment !== '');
