import { announceChart } from './announce-chart.ts';
import { findChartSource, type ChartPlace, type Mirror } from './chart-source.ts';
import { readChartArchive, type ChartArchive } from './charts/archive.ts';
import { HoldfastError } from './failures.ts';
import type { Transport } from './http/transport.ts';
import { fetchIndexed } from './indexed-chart.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import type { Repository } from './kube/credentials.ts';
import { measure } from './meter.ts';
import type { Call, Toolbox } from './operation.ts';
import { hasIndex } from './repository-index.ts';
import { parseWanted } from './semver/wanted.ts';

/** A chart whose bytes are those that its digest promises. */
export interface PreparedChart {
  readonly archive: Buffer;
  readonly about: ChartArchive;
  /** Digest of its manifest, or of its archive where there is none, which pins it for good. */
  readonly digest: string;
  /** The HelmRepository that it was found by; null: by none. */
  readonly repository: Repository | null;
  /** Credentials that were used, for redaction. */
  readonly secrets: readonly string[];
}

/** Find the credentials, pin the digest, pull what the cache does not hold, check all of it. */
export async function prepareChart(tools: Toolbox, spec: HelmReleaseSpec, where: Where): Promise<PreparedChart> {
  const prepare = hasIndex(spec.chart.url) ? prepareIndexed : prepareOci;
  const { signal } = where.call;
  const sharing = { ...tools, kube: tools.sharedReads(where.call) };
  return measure(() => prepare(sharing, spec, where), { tell: tools.meter.chartPulled, signal });
}

interface Where {
  readonly namespace: string;
  readonly call: Call;
}

async function prepareIndexed(tools: Toolbox, { chart }: HelmReleaseSpec, where: Where): Promise<PreparedChart> {
  const wanted = parseWanted(chart.version);
  const { archive, digest, version, source, repository } = await fetchIndexed(tools, { ...where, chart, wanted });
  const about = await readChartArchive(archive, { name: chart.name, version });
  return { archive, about, digest, repository, secrets: secretsOf(source.transport) };
}

async function prepareOci(tools: Toolbox, spec: HelmReleaseSpec, { namespace, call }: Where): Promise<PreparedChart> {
  const { mirror, repository, ...origin } = await findChartSource(tools, spec.chart, { namespace, call });
  const { name } = spec.chart;
  const wanted = parseWanted(spec.chart.version);
  const digest = wanted.kind === 'pinned' ? wanted.digest : null;
  const version = wanted.kind === 'pinned' ? wanted.version : spec.chart.version;
  const asked = { chart: name, version: version ?? digest ?? '', digest };
  // What a tag stands for only its own registry knows; what a digest stands for is the same everywhere.
  const first = digest === null ? null : mirror;
  const { manifestDigest, layer } = await fromFirst(tools, { mirror: first, origin }, (place) =>
    announceChart(tools, { ...asked, ...place }, call),
  );
  const { signal } = call;
  const archive = await tools.charts.get(layer.digest, () =>
    fromFirst(tools, { mirror, origin }, (place) => tools.oras.fetchLayer({ ...asked, ...place, signal }, layer)),
  );
  const about = await readChartArchive(archive, { name, version });
  return { archive, about, digest: manifestDigest, repository, secrets: secretsOf(origin.transport) };
}

function secretsOf({ login }: Transport): readonly string[] {
  return login === null ? [] : [login.username, login.password];
}

interface Places {
  readonly mirror: Mirror | null;
  readonly origin: ChartPlace;
}

/** Whatever goes wrong at a mirror, the registry itself is asked then, and its answer counts. */
async function fromFirst<T>(
  { mirrors }: Toolbox,
  { mirror, origin }: Places,
  ask: (place: ChartPlace) => Promise<T>,
): Promise<T> {
  if (mirror === null) return ask(origin);
  try {
    const answer = await ask(await mirror.find());
    await mirrors.worked(mirror.of);
    return answer;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    await mirrors.failed(mirror.of, error);
    return ask(origin);
  }
}
