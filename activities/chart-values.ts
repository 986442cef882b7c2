import { z } from 'zod';
import { newestFirst } from './chart-index/lines.ts';
import type { ChartIndex } from './chart-index/store.ts';
import { readChartArchive, type ChartArchive } from './charts/archive.ts';
import { failure, knownError, type HoldfastError } from './failures.ts';
import { fetchIndexed } from './indexed-chart.ts';
import { readRepository, type Repository } from './kube/credentials.ts';
import { parseDuration } from './kube/duration.ts';
import { listPath } from './kube/kinds.ts';
import { listEach } from './kube/list.ts';
import { tellOfRepository } from './kube/repository-events.ts';
import type { AnyObject } from './kube/schema.ts';
import { deleteValues, listValues, renewValues, writeValues, type KeptValues } from './kube/values-config-maps.ts';
import { type Call, type Toolbox, withHeartbeat } from './operation.ts';
import { hasIndex, sourceOf } from './repository-index.ts';
import { choose, parseWanted } from './semver/wanted.ts';
import type { RepositoryActivities } from './types.ts';

type Input = Parameters<RepositoryActivities['keepChartValues']>[0];
type Kept = Awaited<ReturnType<RepositoryActivities['keepChartValues']>>;

const RETENTION_MS = 7 * 24 * 60 * 60_000;
/** As many charts as status shows. */
const MAX_CHARTS = 100;
/** What is still to be fetched then comes with the next check: each one is fetched once. */
const LONGEST_MS = 4 * 60_000;

/** Whether ConfigMaps with the default values of its charts are wanted of a HelmRepository. */
export function keepsValues({ spec: { valuesConfigMapPolicy: policy } }: Repository): boolean {
  return policy === 'on-demand' || policy === 'lazy';
}

/** Keep the default values of a chart that a release is made of, where its HelmRepository wants that. Never fails. */
export async function keepValuesOf(tools: Toolbox, repository: Repository | null, about: ChartArchive): Promise<void> {
  if (repository === null || !keepsValues(repository)) return;
  const { name: chart, version, values: text } = about;
  await telling(tools, { repository, of: { chart, version } }, async () => {
    const written = await writeValues(tools.kube, repository, { chart, version, text });
    if (!written) throw taken(repository);
    tools.meter.valuesKept({ written: 1, removed: 0 });
  });
}

/**
 * Keep the default values of the newest version of every chart in the index of a HelmRepository whose policy is `lazy`,
 * and remove, whatever its policy, those that were of no use for as long as they are to be retained.
 */
export async function keepChartValues(tools: Toolbox, { ref }: Input, call: Call): Promise<Kept> {
  const repository = await readRepository(tools.kube, ref);
  if (repository === null || !keepsValues(repository)) return { written: 0, removed: 0 };
  return withHeartbeat(call, async () => {
    const before = await listValues(tools.kube, repository);
    const lazy = repository.spec.valuesConfigMapPolicy === 'lazy' && hasIndex(repository.url);
    const newest = lazy ? await newestOf(tools, repository, call) : [];
    const written = await writeMissing(tools, { repository, newest, before }, call);
    const removed = await removeOld(tools, { repository, newest, before });
    tools.meter.valuesKept({ written, removed });
    return { written, removed };
  });
}

interface Version {
  readonly chart: string;
  readonly version: string;
}

interface Keeping {
  readonly repository: Repository;
  readonly newest: readonly Version[];
  readonly before: readonly KeptValues[];
}

const same = (a: Version, b: Version): boolean => a.chart === b.chart && a.version === b.version;

async function newestOf(tools: Toolbox, repository: Repository, call: Call): Promise<readonly Version[]> {
  const index = await tools.indexes.get(await sourceOf(tools, repository, call), call);
  const names = index.names.toSorted().slice(0, MAX_CHARTS);
  return (await Promise.all(names.map((chart) => newestIn(index, chart)))).filter((one) => one !== null);
}

/** The newest stable version; of a chart that has none, the newest. */
async function newestIn(index: ChartIndex, chart: string): Promise<Version | null> {
  const versions = (await index.chart(chart))?.versions ?? [];
  const stable = parseWanted('');
  const published = versions.map(({ version }) => version);
  const version =
    (stable.kind === 'range' ? choose(published, stable.constraint) : undefined) ?? newestFirst(versions)[0]?.version;
  return version === undefined ? null : { chart, version };
}

async function writeMissing(tools: Toolbox, { repository, newest, before }: Keeping, call: Call): Promise<number> {
  const giveUp = Date.now() + LONGEST_MS;
  let written = 0;
  for (const one of newest.filter((version) => !before.some((kept) => same(kept, version)))) {
    call.signal.throwIfAborted();
    if (Date.now() > giveUp) break;
    const done = await telling(tools, { repository, of: one }, () => writeIndexed(tools, { repository, one }, call));
    if (done) written += 1;
  }
  return written;
}

async function writeIndexed(
  tools: Toolbox,
  { repository, one }: { readonly repository: Repository; readonly one: Version },
  call: Call,
): Promise<void> {
  const { namespace, name, url } = repository;
  const chart = { name: one.chart, version: one.version, url, repository: { namespace, name } };
  const { archive } = await fetchIndexed(tools, { chart, namespace, call, wanted: parseWanted(one.version) });
  const { values: text } = await readChartArchive(archive, { name: one.chart, version: one.version });
  if (!(await writeValues(tools.kube, repository, { ...one, text }))) throw taken(repository);
}

async function removeOld({ kube }: Toolbox, { repository, newest, before }: Keeping): Promise<number> {
  const retentionMs = parseDuration(repository.spec.valuesConfigMapRetention ?? '') ?? RETENTION_MS;
  const now = Date.now();
  const due = before.filter(({ renewedAt }) => renewedAt + retentionMs / 2 < now);
  if (due.length === 0) return 0;
  const running = new Set(await listEach(kube, { path: listPath('HelmRelease') }, runningOf));
  let removed = 0;
  for (const kept of due) {
    const { chart, version, renewedAt } = kept;
    if (running.has(`${chart}-${version}`) || newest.some((one) => same(one, kept))) {
      await renewValues(kube, repository, kept);
    } else if (renewedAt + retentionMs < now) {
      await deleteValues(kube, repository, kept);
      removed += 1;
    }
  }
  return removed;
}

const Running = z.object({ helmRelease: z.object({ chart: z.string() }) });

/** What Helm calls the chart of a release that is installed. */
function runningOf({ status }: AnyObject): string | null {
  return Running.safeParse(status).data?.helmRelease.chart ?? null;
}

function taken({ namespace, name }: Repository): HoldfastError {
  const why = `namespace ${namespace} has a ConfigMap of its name that is not of HelmRepository ${name}; remove that`;
  return failure('OwnedByAnother', why);
}

/** Do something for a chart; what goes wrong with it is told by an Event of the HelmRepository. False: it went wrong. */
async function telling(
  { kube }: Toolbox,
  { repository, of: { chart, version } }: { readonly repository: Repository; readonly of: Version },
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const message = `no ConfigMap with the values of chart ${chart} ${version}: ${knownError(error).message}`;
    await tellOfRepository(kube, repository, { type: 'Warning', reason: 'ValuesConfigMapFailed', message });
    return false;
  }
}
