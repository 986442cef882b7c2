import { findChartSource } from './chart-source.ts';
import { failure } from './failures.ts';
import { versionsOf } from './indexed-chart.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import { readHelmRelease } from './kube/helm-release.ts';
import { askOnce } from './oci/ask-once.ts';
import { versionOf } from './oci/name.ts';
import { type Call, type Toolbox, withHeartbeat } from './operation.ts';
import { hasIndex } from './repository-index.ts';
import type { Constraint } from './semver/constraint.ts';
import { choose, parseWanted } from './semver/wanted.ts';
import type { ReleaseActivities } from './types.ts';

type Input = Parameters<ReleaseActivities['resolveVersion']>[0];
type Resolved = Awaited<ReturnType<ReleaseActivities['resolveVersion']>>;

/** Ask which version the range of a release stands for now, and for the digest that it has. */
export async function resolveVersion(tools: Toolbox, { ref }: Input, call: Call): Promise<Resolved> {
  const { kube, crossNamespace } = tools;
  const shared = tools.sharedReads(call);
  const read = await readHelmRelease(kube, ref, { crossNamespace, shared });
  const follows = read?.object.follows;
  // Invalid for another reason than its version: the next look says so.
  if (read?.spec == null || follows === undefined) return null;
  const { chart } = read.spec;
  return withHeartbeat(call, async () => ({
    ...follows,
    ...(await newest({ ...tools, kube: shared }, { chart, ...follows, ref, call })),
  }));
}

interface Question {
  readonly chart: HelmReleaseSpec['chart'];
  readonly range: string;
  readonly ref: Input['ref'];
  readonly call: Call;
}

type Newest = Pick<NonNullable<Resolved>, 'version' | 'digest'>;

function newest(tools: Toolbox, question: Question): Promise<Newest> {
  const { chart, range } = question;
  const wanted = parseWanted(range);
  if (wanted.kind !== 'range') throw failure('SpecInvalid', `spec.chart.version: ${range} is no range`);
  const { constraint } = wanted;
  return hasIndex(chart.url) ? newestIndexed(tools, question, constraint) : newestTag(tools, question, constraint);
}

async function newestIndexed(
  tools: Toolbox,
  { chart, range, ref, call }: Question,
  constraint: Constraint,
): Promise<Newest> {
  const { versions } = await versionsOf(tools, { chart, namespace: ref.namespace, call });
  const published = versions.map(({ version }) => version);
  const version = choose(published, constraint);
  if (version === undefined) throw noMatch(chart, range, published);
  return { version, digest: versions.find((entry) => entry.version === version)?.digest ?? null };
}

async function newestTag(
  tools: Toolbox,
  { chart, range, ref, call }: Question,
  constraint: Constraint,
): Promise<Newest> {
  const { name, transport } = await findChartSource(tools, chart, { namespace: ref.namespace, call });
  const request = { name, chart: chart.name, version: '', transport };
  const tags = await askOnce(tools, { verb: 'listTags', request }, call);
  const published = tags.map(versionOf);
  const version = choose(published, constraint);
  if (version === undefined) throw noMatch(chart, range, published);
  const { manifestDigest } = await askOnce(tools, { verb: 'announce', request: { ...request, version } }, call);
  return { version, digest: manifestDigest };
}

/** Names what is closest: the newest of all, which a range that is too narrow or without pre-releases leaves out. */
function noMatch({ name, url }: HelmReleaseSpec['chart'], range: string, published: readonly string[]): Error {
  const all = parseWanted('>=0.0.0-0');
  const newestOfAll = all.kind === 'range' ? choose(published, all.constraint) : undefined;
  const there = newestOfAll === undefined ? 'nothing there is a version' : `the newest of all there is ${newestOfAll}`;
  return failure(
    'ChartNotFound',
    `no version of chart ${name} at ${url} is in the range ${JSON.stringify(range)}: ${there}; widen spec.chart.version, or publish one`,
  );
}
