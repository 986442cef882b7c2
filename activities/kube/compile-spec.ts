import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { ObjectRef } from '../../workflows/core/ids.ts';
import type { ActionOptions, Desired, InvalidSpec, Remediation } from '../../workflows/core/model.ts';
import { failure, HoldfastError } from '../failures.ts';
import type { CommonMetadata } from '../post-renderer/common-metadata.ts';
import { parseWanted } from '../semver/wanted.ts';
import { compileDrift, type DriftRules } from './drift/rules.ts';
import { parseDuration } from './duration.ts';
import { compileTests, testPolicyOf, type HelmTests } from './helm-tests.ts';
import { compileRemediation } from './remediation.ts';
import { HelmReleaseFields, ReleaseTarget } from './schema.ts';
import { compileValues, type Hidden } from './values/compile.ts';
import type { FoundSource } from './values/sources.ts';

/** All that a HelmRelease says, documented defaults filled in: what `Desired` holds, and what only helm needs. */
export interface HelmReleaseSpec {
  readonly digest: string;
  readonly chart: {
    readonly name: string;
    /** Exact, or a digest; a leading `v` belongs to the tag. */
    readonly version: string;
    /** `oci://host/path` of the chart itself, or of a repository over HTTP its URL, without a query. */
    readonly url: string;
    /** The HelmRepository that the spec names; null: found by URL. */
    readonly repository: ObjectRef | null;
  };
  readonly release: ObjectRef & { readonly createNamespace: boolean };
  /** All values, merged, as helm reads them. Never leaves the activity that reads it. */
  readonly values: string;
  /** What messages must not quote. */
  readonly hidden: Hidden;
  /** `legacy`: Helm waits itself, as Helm 3 did. */
  readonly waitStrategy: 'poller' | 'legacy';
  readonly install: Waiting & {
    readonly skipCRDs: boolean;
    readonly disableHooks: boolean;
    readonly serverSideApply: 'enabled' | 'disabled';
  };
  readonly upgrade: Waiting & {
    readonly force: boolean;
    readonly reuseValues: boolean;
    readonly recreate: boolean;
    readonly maxHistory: number;
    readonly cleanupOnFail: boolean;
    readonly disableHooks: boolean;
    readonly serverSideApply: 'enabled' | 'disabled' | 'auto';
  };
  readonly uninstall: {
    readonly timeoutMs: number;
    readonly disableHooks: boolean;
    readonly keepHistory: boolean;
  };
  readonly rollback: Waiting & {
    /** 0: the one before. */
    readonly toRevision: number;
    readonly force: boolean;
    readonly cleanupOnFail: boolean;
    readonly disableHooks: boolean;
  };
  readonly remediation: Remediation;
  readonly drift: DriftRules;
  readonly test: HelmTests;
  /** Put on every object; null: nothing is. */
  readonly commonMetadata: CommonMetadata | null;
}

type Waiting = Pick<ActionOptions, 'timeoutMs' | 'wait' | 'waitForJobs'>;

/** What a spec refers to, as it was found. */
export interface Found {
  /** Null when the spec names none. */
  readonly repository: FoundRepository | null;
  /** One for each entry of `valuesFrom`. */
  readonly sources: readonly FoundSource[];
}

/** What `chart.repository` was found to be. */
export type FoundRepository =
  { readonly kind: 'found'; readonly url: string } | { readonly kind: 'failed'; readonly error: HoldfastError };

export type CompiledSpec =
  | { readonly kind: 'valid'; readonly desired: Desired; readonly spec: HelmReleaseSpec }
  | ({ readonly kind: 'invalid' } & InvalidSpec);

const DEFAULT_INSTALL = '10m';
const DEFAULT_UPGRADE = '10m';
const DEFAULT_UNINSTALL = '5m';
const DEFAULT_ROLLBACK = '5m';
const DEFAULT_TEST = '5m';
const DEFAULT_INTERVAL = '1h';
const DEFAULT_HISTORY = 10;
const SHORTEST_INTERVAL_MS = 10_000;
const SHORTEST_TIMEOUT_MS = 1_000;

/** Check a spec and fill in the documented defaults. Pure; whatever is wrong is an answer, not an exception. */
export function compileSpec(ref: ObjectRef, spec: unknown, found: Found): CompiledSpec {
  const parsed = HelmReleaseFields.safeParse(spec);
  try {
    if (!parsed.success) throw schemaFailure(parsed.error);
    const compiled = compileFields(ref, parsed.data, found);
    return { kind: 'valid', desired: toDesired(compiled), spec: compiled };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return {
      kind: 'invalid',
      failure: { code: error.code, message: error.message },
      release: targetOf(ref, spec),
      uninstall: uninstallOf(parsed.success ? parsed.data : {}),
    };
  }
}

function compileFields(ref: ObjectRef, fields: HelmReleaseFields, found: Found): HelmReleaseSpec {
  const chart = compileChart(fields.chart, found.repository);
  const values = compileValues(ref.namespace, fields, found.sources);
  const { install, upgrade } = fields;
  const maxHistory = upgrade?.maxHistory ?? fields.maxHistory ?? DEFAULT_HISTORY;
  const reuseValues = upgrade?.reuseValues === true && upgrade.resetValues !== true;
  const rollback = compileRollback(fields);
  const commonMetadata = compileCommonMetadata(fields.commonMetadata);
  // Absent where there is none, so that releases which never had any keep their digest.
  const common = commonMetadata === null ? [] : [JSON.stringify(commonMetadata)];
  return {
    digest: digestOf([chart.url, chart.name, chart.version, values.canonical, String(reuseValues), ...common]),
    chart: { ...chart, repository: repositoryRef(ref, fields.chart) },
    release: { ...targetOf(ref, fields), createNamespace: fields.release?.createNamespace ?? false },
    values: values.text,
    hidden: values.hidden,
    waitStrategy: fields.waitStrategy?.name ?? 'poller',
    install: {
      ...waiting(fields, 'install', DEFAULT_INSTALL),
      ...installSwitches(install),
    },
    upgrade: {
      ...waiting(fields, 'upgrade', DEFAULT_UPGRADE),
      ...upgradeSwitches(upgrade),
      maxHistory,
      reuseValues,
    },
    uninstall: uninstallOf(fields),
    rollback,
    remediation: compileRemediation(fields, rollback),
    drift: compileDrift(fields.driftDetection),
    test: compileTests(fields, (text) =>
      duration('spec.test.timeout', text, { fallback: DEFAULT_TEST, shortestMs: SHORTEST_TIMEOUT_MS }),
    ),
    commonMetadata,
  };
}

/** In the order of names: another order is no change. */
function compileCommonMetadata(given: HelmReleaseFields['commonMetadata']): CommonMetadata | null {
  const [labels, annotations] = [sorted(given?.labels), sorted(given?.annotations)];
  return Object.keys(labels).length + Object.keys(annotations).length === 0 ? null : { labels, annotations };
}

function sorted(texts: Readonly<Record<string, string>> | null | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function compileRollback(fields: HelmReleaseFields): HelmReleaseSpec['rollback'] {
  const { rollback } = fields;
  return {
    ...waiting(fields, 'rollback', DEFAULT_ROLLBACK),
    toRevision: rollback?.toRevision ?? 0,
    force: rollback?.force ?? false,
    cleanupOnFail: rollback?.cleanupOnFail ?? true,
    disableHooks: rollback?.disableHooks ?? false,
  };
}

function installSwitches(install: HelmReleaseFields['install']): Omit<HelmReleaseSpec['install'], keyof Waiting> {
  return {
    skipCRDs: install?.skipCRDs ?? false,
    disableHooks: install?.disableHooks ?? false,
    serverSideApply: install?.serverSideApply === false ? 'disabled' : 'enabled',
  };
}

function upgradeSwitches(
  upgrade: HelmReleaseFields['upgrade'],
): Omit<HelmReleaseSpec['upgrade'], keyof Waiting | 'reuseValues' | 'maxHistory'> {
  return {
    force: upgrade?.force ?? false,
    recreate: upgrade?.recreate ?? false,
    cleanupOnFail: upgrade?.cleanupOnFail ?? true,
    disableHooks: upgrade?.disableHooks ?? false,
    serverSideApply: upgrade?.serverSideApply ?? 'enabled',
  };
}

function compileChart(
  chart: HelmReleaseFields['chart'],
  repository: FoundRepository | null,
): Omit<HelmReleaseSpec['chart'], 'repository'> {
  const version = (chart.version ?? '').trim();
  parseWanted(version);
  return { name: chart.name, version, url: chartUrl(chart, repository) };
}

function chartUrl(chart: HelmReleaseFields['chart'], repository: FoundRepository | null): string {
  if (given(chart.ociRepository)) return ociUrl('spec.chart.ociRepository', chart.ociRepository);
  if (given(chart.repositoryURL)) {
    if (/[?#]/.test(chart.repositoryURL)) {
      throw failure(
        'SpecInvalid',
        'spec.chart.repositoryURL has a query or fragment; name a HelmRepository with it instead',
      );
    }
    return below('spec.chart.repositoryURL', chart.repositoryURL, chart.name);
  }
  if (repository?.kind === 'failed') throw repository.error;
  if (repository?.kind === 'found') return below('spec.chart.repository', repository.url, chart.name);
  throw failure('SpecInvalid', 'spec.chart names no source; set ociRepository, repository or repositoryURL');
}

/** A chart has a URL of its own in a registry; in a repository over HTTP the index tells where it is. */
function below(field: string, repository: string, chart: string): string {
  if (!/^https?:\/\//i.test(repository.trim())) return `${ociUrl(field, repository)}/${chart}`;
  const url = URL.parse(repository.trim());
  if (url === null || url.username !== '' || url.password !== '') {
    throw failure('SpecInvalid', `${field} is not an https:// URL with a host and without credentials`);
  }
  // Without the query, which may hold a token, and this goes into status and history.
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function ociUrl(field: string, url: string): string {
  const trimmed = url.trim().replace(/\/+$/, '');
  if (!/^oci:\/\/[^/\s@]+(\/[^\s@]+)?$/.test(trimmed)) {
    throw failure('SpecInvalid', `${field} is not an oci:// URL with a host and without credentials`);
  }
  return trimmed;
}

/** The HelmRepository that a spec names, wherever it is looked for. */
export function repositoryRef(ref: ObjectRef, chart: HelmReleaseFields['chart']): ObjectRef | null {
  if (given(chart.ociRepository) || given(chart.repositoryURL) || chart.repository == null) return null;
  const { name, namespace } = chart.repository;
  return { namespace: given(namespace) ? namespace : ref.namespace, name };
}

function targetOf(ref: ObjectRef, spec: unknown): ObjectRef {
  const parsed = ReleaseTarget.safeParse(spec);
  const release = parsed.success ? parsed.data.release : null;
  return {
    namespace: given(release?.namespace) ? release.namespace : ref.namespace,
    name: given(release?.name) ? release.name : ref.name,
  };
}

function uninstallOf({
  uninstall,
  timeout,
}: Partial<Pick<HelmReleaseFields, 'uninstall' | 'timeout'>>): HelmReleaseSpec['uninstall'] {
  const texts = [uninstall?.timeout, timeout, DEFAULT_UNINSTALL];
  return {
    // A release must be removable whatever stands in its spec.
    timeoutMs: atLeast(
      SHORTEST_TIMEOUT_MS,
      texts.map((text) => parseDuration(text ?? '')).find((ms) => ms !== null),
    ),
    disableHooks: uninstall?.disableHooks ?? false,
    keepHistory: uninstall?.keepHistory ?? false,
  };
}

type WaitFields = { readonly [F in 'timeout' | 'wait' | 'waitForJobs']?: NonNullable<HelmReleaseFields['install']>[F] };

function waiting(fields: HelmReleaseFields, action: 'install' | 'upgrade' | 'rollback', fallback: string): Waiting {
  const options: WaitFields | null | undefined = fields[action];
  const general = duration('spec.timeout', fields.timeout, { fallback, shortestMs: SHORTEST_TIMEOUT_MS });
  const limits = { fallback: `${general}ms`, shortestMs: SHORTEST_TIMEOUT_MS };
  return {
    timeoutMs: duration(`spec.${action}.timeout`, options?.timeout, limits),
    wait: options?.wait ?? true,
    waitForJobs: options?.waitForJobs ?? true,
  };
}

/** How often an object of any of our kinds is looked at; what cannot be read counts as the default. */
export function intervalOf(interval: string | null | undefined, fallback: string = DEFAULT_INTERVAL): number {
  return atLeast(SHORTEST_INTERVAL_MS, parseDuration(interval ?? '') ?? parseDuration(fallback));
}

function duration(
  field: string,
  text: string | null | undefined,
  { fallback, shortestMs }: { fallback: string; shortestMs: number },
): number {
  const parsed = parseDuration(given(text) ? text : fallback);
  if (parsed === null) throw failure('SpecInvalid', `${field} is not a duration such as 10m or 1h30m`);
  return atLeast(shortestMs, parsed);
}

function atLeast(shortest: number, value: number | null | undefined): number {
  return Math.max(shortest, value ?? 0);
}

function toDesired(spec: HelmReleaseSpec): Desired {
  const { digest, chart, release, install, upgrade, uninstall, remediation, drift, test } = spec;
  return {
    digest,
    chart: { name: chart.name, version: chart.version, url: chart.url },
    release: { namespace: release.namespace, name: release.name },
    install: { ...waitingOf(install), cleanupOnFail: false },
    upgrade: { ...waitingOf(upgrade), cleanupOnFail: upgrade.cleanupOnFail },
    uninstall: { timeoutMs: uninstall.timeoutMs, keepHistory: uninstall.keepHistory },
    remediation,
    ...(drift.mode === 'disabled' ? {} : { drift: drift.mode }),
    ...testPolicyOf(test),
  };
}

function waitingOf({ timeoutMs, wait, waitForJobs }: Waiting): Waiting {
  return { timeoutMs, wait, waitForJobs };
}

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
}

function given(value: string | null | undefined): value is string {
  return value !== null && value !== undefined && value !== '';
}

function schemaFailure(error: z.ZodError): HoldfastError {
  const [issue] = error.issues;
  return failure('SpecInvalid', `spec.${(issue?.path ?? []).join('.')} has the wrong form`);
}
