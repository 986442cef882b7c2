import { failure } from '../failures.ts';
import { type Constraint, parseConstraint } from './constraint.ts';
import { compareForChoice, parseVersion, type Version } from './version.ts';

/** What `spec.chart.version` asks for. */
export type WantedVersion =
  | { readonly kind: 'exact'; readonly version: string }
  /** What a digest names, whatever becomes of the tags; with a version, the chart must have it. */
  | { readonly kind: 'pinned'; readonly digest: string; readonly version: string | null }
  /** The newest that fits, followed as new ones are published. */
  | { readonly kind: 'range'; readonly range: string; readonly constraint: Constraint };

const PINNED = /^(.*)@(sha256:[0-9a-f]{64})$/;

/** Read a wanted version as people write it. Empty means the newest stable one. */
export function parseWanted(text: string): WantedVersion {
  const written = text.trim();
  const [, before = '', digest] = PINNED.exec(written) ?? [];
  if (digest !== undefined) {
    if (before !== '' && parseVersion(before) === null) throw invalid(text, 'before the @ stands no exact version');
    return { kind: 'pinned', digest, version: before === '' ? null : before };
  }
  if (written.includes('@')) throw invalid(text, 'after the @ stands no sha256 digest of 64 hex digits in lower case');
  if (parseVersion(written) !== null) return { kind: 'exact', version: written };
  const range = written === '' ? '*' : written;
  const constraint = parseConstraint(range);
  if (constraint === null) throw invalid(text, whyNoRange(written));
  return { kind: 'range', range, constraint };
}

function whyNoRange(text: string): string {
  if (/^v?latest$/i.test(text)) {
    return 'write * for the newest stable version, or >=0.0.0-0 for the newest of all, pre-releases among them';
  }
  return 'write an exact version such as 1.2.3, or a range such as ^1.2.0, ~1.2 or ">=1.2.0 <2.0.0"';
}

function invalid(text: string, why: string): Error {
  return failure('SpecInvalid', `spec.chart.version: ${JSON.stringify(text)} is no version and no range; ${why}`);
}

/** The text that names the best version that fits, by precedence and then by build metadata; undefined: none does. */
export function choose(published: readonly string[], { matches }: Constraint): string | undefined {
  let best: { readonly text: string; readonly version: Version } | undefined;
  for (const text of published) {
    const version = parseVersion(text);
    if (version === null || !matches(version)) continue;
    const step = best === undefined ? 1 : compareForChoice(version, best.version);
    // Of `v1.0.0` and `1.0.0` the plain one, whatever the order of the list.
    if (best === undefined || step > 0 || (step === 0 && text < best.text)) best = { text, version };
  }
  return best?.text;
}
