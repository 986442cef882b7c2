import { PLAIN_TRANSPORT, type Transport } from './http/transport.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import { findRepository, type Repository } from './kube/credentials.ts';
import { parseOciName, type OciName } from './oci/name.ts';
import type { Call, Toolbox } from './operation.ts';
import { transportOf } from './repository-transport.ts';

/** A place that has a chart, and how it is reached. */
export interface ChartPlace {
  readonly name: OciName;
  readonly transport: Transport;
}

export interface ChartSource extends ChartPlace {
  /** Where the same bytes may be had as well; null: nowhere. */
  readonly mirror: Mirror | null;
  /** The HelmRepository that says all this; null: none does. */
  readonly repository: Repository | null;
}

export interface Mirror {
  /** Reads what is needed to reach it; that this fails is no worse than that the mirror does not answer. */
  readonly find: () => Promise<ChartPlace>;
  /** The HelmRepository that names it. */
  readonly of: Repository;
}

type Tools = Pick<Toolbox, 'kube' | 'crossNamespace' | 'clouds' | 'settings'>;

/** Who looks for it: the namespace of the release, and the call that waits. */
interface Looker {
  readonly namespace: string;
  readonly call: Pick<Call, 'signal'>;
}

/** Where a chart is, by the HelmRepository that is named for it or lies above it. */
export async function findChartSource(
  tools: Tools,
  chart: HelmReleaseSpec['chart'],
  looker: Looker,
): Promise<ChartSource> {
  const { kube, crossNamespace } = tools;
  const { namespace, call } = looker;
  const name = parseOciName(chart.url);
  const repository = await findRepository(kube, chart, { namespace, crossNamespace });
  if (repository === null) return { name, transport: PLAIN_TRANSPORT, mirror: null, repository };
  const transport = await transportOf(tools, repository, call.signal);
  const prefix = repository.spec.mirror ?? '';
  if (prefix === '') return { name, transport, mirror: null, repository };
  const mirrored = below(parseOciName(prefix), name, parseOciName(repository.url));
  const find = (): Promise<ChartPlace> => placeOf(tools, { name: mirrored, chart, ...looker });
  return { name, transport, mirror: { find, of: repository }, repository };
}

/** A mirror is a registry of its own: the HelmRepository above it says how it is reached, and as whom. */
async function placeOf(
  tools: Tools,
  { name, chart, namespace, call }: Looker & { readonly name: OciName; readonly chart: HelmReleaseSpec['chart'] },
): Promise<ChartPlace> {
  const { kube, crossNamespace } = tools;
  const there = { ...chart, url: `oci://${name.host}/${name.path}`, repository: null };
  const repository = await findRepository(kube, there, { namespace, crossNamespace });
  return {
    name,
    transport: repository === null ? PLAIN_TRANSPORT : await transportOf(tools, repository, call.signal),
  };
}

/** The chart has the same place below the mirror as below its repository. */
function below(mirror: OciName, chart: OciName, repository: OciName): OciName {
  const rest = segmentsOf(chart).slice(segmentsOf(repository).length);
  return { host: mirror.host, path: [...segmentsOf(mirror), ...rest].join('/') };
}

const segmentsOf = ({ path }: OciName): readonly string[] => path.split('/').filter((segment) => segment !== '');
