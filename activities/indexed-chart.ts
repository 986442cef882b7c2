import { createHash } from 'node:crypto';
import type { IndexEntry } from './chart-index/entry.ts';
import { newestFirst } from './chart-index/lines.ts';
import type { IndexSource } from './chart-index/store.ts';
import { archiveUrl } from './chart-index/urls.ts';
import { failure } from './failures.ts';
import { collect } from './http/collect.ts';
import { get } from './http/get.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import type { Repository } from './kube/credentials.ts';
import { MAX_CHART_BYTES } from './oci/oras.ts';
import type { Call, Toolbox } from './operation.ts';
import { readIndexOf } from './repository-index.ts';
import { compareForChoice, parseVersion } from './semver/version.ts';
import type { WantedVersion } from './semver/wanted.ts';

/** What an index says of a chart, and how its archives are asked for. */
export interface IndexedVersions {
  readonly source: IndexSource;
  /** Null: no HelmRepository says how. */
  readonly repository: Repository | null;
  readonly versions: readonly IndexEntry[];
}

type Chart = HelmReleaseSpec['chart'];

interface Asked {
  readonly chart: Chart;
  readonly namespace: string;
  readonly call: Call;
}

const ARCHIVE_TIMEOUT_MS = 5 * 60_000;
const NAMED = 5;

/** The versions of a chart in the index of its repository. Throws `ChartNotFound`. */
export async function versionsOf(tools: Toolbox, { chart, namespace, call }: Asked): Promise<IndexedVersions> {
  const { source, index, repository } = await readIndexOf(tools, { chart, namespace }, call);
  const found = await index.chart(chart.name);
  if (found !== null) return { source, repository, versions: found.versions };
  const some = index.names.toSorted().slice(0, NAMED).join(', ');
  const more = index.names.length > NAMED ? `, … (${index.names.length} charts)` : '';
  const there = some === '' ? 'no chart is' : `there are ${some}${more}`;
  throw failure(
    'ChartNotFound',
    `chart ${chart.name} is not in the index of ${chart.url}: ${there}; check spec.chart.name`,
  );
}

interface IndexedArchive extends Omit<IndexedVersions, 'versions'> {
  readonly archive: Buffer;
  readonly digest: string;
  readonly version: string;
}

/** The archive that a version, or a digest, stands for in the index of a repository. */
export async function fetchIndexed(
  tools: Toolbox,
  asked: Asked & { readonly wanted: WantedVersion },
): Promise<IndexedArchive> {
  const { chart, call, wanted } = asked;
  const { versions, ...found } = await versionsOf(tools, asked);
  const { source } = found;
  const entry = pick(versions, wanted, chart);
  const { version } = entry;
  const what = `chart ${chart.name} ${version}`;
  const fetch = (): Promise<Buffer> =>
    download(tools, { source, url: archiveUrl(source.url, entry.url, what), what, call });
  const pinned = wanted.kind === 'pinned' ? wanted.digest : null;
  const promised = entry.digest ?? pinned;
  if (pinned !== null && promised !== pinned) {
    throw failure(
      'DigestMismatch',
      `the index of ${chart.url} names another digest for ${what} than spec.chart.version: ${promised}`,
    );
  }
  if (promised !== null)
    return { ...found, archive: await tools.charts.get(promised, fetch), digest: promised, version };
  // The index promises nothing, so what comes is taken for what it is.
  const archive = await fetch();
  const digest = `sha256:${createHash('sha256').update(archive).digest('hex')}`;
  return { ...found, archive: await tools.charts.get(digest, () => Promise.resolve(archive)), digest, version };
}

function pick(versions: readonly IndexEntry[], wanted: WantedVersion, { name, url }: Chart): IndexEntry {
  const entry =
    versions.find((one) => fits(one, wanted, false)) ??
    versions.find((one) => fits(one, wanted, true)) ??
    newestFirst(versions).find((one) => isBuildOf(one, wanted));
  if (entry !== undefined) return entry;
  const text =
    wanted.kind === 'range' ? wanted.range : (wanted.version ?? (wanted.kind === 'pinned' ? wanted.digest : ''));
  const there = nearest(versions, text).join(', ');
  throw failure(
    'ChartNotFound',
    `version ${text} of chart ${name} is not in the index of ${url}: the nearest there are ${there}; check spec.chart.version, or publish it`,
  );
}

/** As it is written, or, loosely, the same version with or without a leading `v`. */
function fits(entry: IndexEntry, wanted: WantedVersion, loosely: boolean): boolean {
  if (wanted.kind === 'range') return false;
  if (wanted.version === null) return wanted.kind === 'pinned' && entry.digest === wanted.digest;
  const bare = (version: string): string => (loosely ? version.replace(/^v/, '') : version);
  return bare(entry.version) === bare(wanted.version);
}

/** For semantic versions what only has build metadata beside it is the same version. */
function isBuildOf(entry: IndexEntry, wanted: WantedVersion): boolean {
  if (wanted.kind === 'range' || wanted.version === null || wanted.version.includes('+')) return false;
  const bare = (version: string): string => version.replace(/^v/, '');
  return bare(entry.version).startsWith(`${bare(wanted.version)}+`);
}

/** Some below and some above what is missing; the newest when that is no version. */
function nearest(versions: readonly IndexEntry[], missing: string): readonly string[] {
  const wanted = parseVersion(missing);
  const all = newestFirst(versions).map(({ version }) => version);
  const below = all.findIndex((text) => {
    const version = parseVersion(text);
    return wanted !== null && version !== null && compareForChoice(version, wanted) < 0;
  });
  const middle = wanted === null ? 0 : below === -1 ? all.length : below;
  return all.slice(Math.max(0, middle - 2), Math.max(0, middle - 2) + NAMED);
}

interface Download {
  readonly source: IndexSource;
  readonly url: URL;
  readonly what: string;
  readonly call: Call;
}

async function download({ gates }: Toolbox, { source, url, what, call }: Download): Promise<Buffer> {
  const { transport } = source;
  const { signal } = call;
  // The origin of the credentials may differ from that of the archive; they go there only when that is wished for.
  const loginFor = transport.passCredentials ? url.origin : source.loginFor;
  const { tls } = transport;
  const reach = { ...transport, tls: url.origin === loginFor ? tls : { ...tls, client: null } };
  const timeoutMs = transport.timeoutMs ?? ARCHIVE_TIMEOUT_MS;
  const request = {
    url,
    transport: reach,
    loginFor,
    what,
    absent: 'ChartNotFound',
    zipped: true,
    timeoutMs,
    signal,
  } as const;
  const account = transport.login?.username ?? '';
  const tooMany = (): Error =>
    failure('ChartInvalid', `${what} has more than the ${MAX_CHART_BYTES} bytes that are allowed`);
  return gates.pass({ host: url.host, account, signal }, () =>
    get(request, ({ body }) => collect(body, MAX_CHART_BYTES, tooMany)),
  );
}
