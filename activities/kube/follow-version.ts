import { createHash } from 'node:crypto';
import type { Failure } from '../../workflows/core/failures.ts';
import type { Resolution } from '../../workflows/core/model.ts';
import { HoldfastError } from '../failures.ts';
import { parseWanted } from '../semver/wanted.ts';
import type { CompiledSpec, FoundRepository } from './compile-spec.ts';
import { HelmReleaseFields } from './schema.ts';

/** A chart whose version is a range: which one is wanted is found out by asking where it is published. */
export interface Followed {
  readonly range: string;
  /** Stands for range and source: an answer to another question is none to this one. */
  readonly key: string;
}

const ChartFields = HelmReleaseFields.pick({ chart: true });

/** What a spec follows. Null: its version is exact, pinned or unusable. */
export function followedBy(spec: unknown, repository: FoundRepository | null): Followed | null {
  const fields = ChartFields.safeParse(spec);
  if (!fields.success) return null;
  const { chart } = fields.data;
  const range = rangeOf(chart.version ?? '');
  if (range === null) return null;
  const url = repository?.kind === 'found' ? repository.url : null;
  const asked = JSON.stringify([range, chart.name, chart.ociRepository, chart.repositoryURL, url]);
  return { range, key: createHash('sha256').update(asked).digest('hex').slice(0, 16) };
}

function rangeOf(text: string): string | null {
  try {
    const wanted = parseWanted(text);
    return wanted.kind === 'range' ? wanted.range : null;
  } catch (error) {
    if (error instanceof HoldfastError) return null; // compiling it says what is wrong
    throw error;
  }
}

/** What of a resolution a look needs. */
export type Answer = Pick<Resolution, 'key' | 'version' | 'failure'>;

export interface PinnedSpec {
  /** The spec with the version that the range stands for in the place of the range. */
  readonly spec: unknown;
  /** Why the version is not known; the spec then has a version that nothing must be done with. */
  readonly failure: Failure | null;
}

const UNKNOWN: Failure = { code: 'Interrupted', message: 'the newest version of the chart is not known yet' };

/** Put the version that was found into the place of the range, so that whatever follows sees an exact one. */
export function pinVersion(spec: unknown, followed: Followed | null, answer: Answer | null): PinnedSpec {
  if (followed === null) return { spec, failure: null };
  const known = answer?.key === followed.key ? answer : null;
  const failure = known?.version == null ? (known?.failure ?? UNKNOWN) : null;
  return { spec: withVersion(spec, known?.version ?? '0.0.0'), failure };
}

function withVersion(spec: unknown, version: string): unknown {
  const fields = spec as { readonly chart: object }; // `followedBy` has read its chart
  return { ...fields, chart: { ...fields.chart, version } };
}

/** A spec that is well but for its version, which is not known. */
export function refuse(compiled: CompiledSpec, failure: Failure | null): CompiledSpec {
  if (failure === null || compiled.kind === 'invalid') return compiled;
  const { release, uninstall } = compiled.desired;
  return { kind: 'invalid', failure, release, uninstall };
}
