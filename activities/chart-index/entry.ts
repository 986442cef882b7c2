/** What an index says of one version of a chart: only the fields that we read. */
export interface IndexEntry {
  readonly version: string;
  /** Where its archive is: absolute, or below the repository. Helm takes the first one of several too. */
  readonly url: string;
  /** `sha256:…` of the archive; null: the index does not say, or says something else. */
  readonly digest: string | null;
  readonly created: string | null;
  readonly appVersion: string | null;
}

/** What is written into a line of its own, so that one chart can be read without the others. */
export interface IndexedChart {
  readonly name: string;
  readonly description: string | null;
  /** In the order of the index. */
  readonly versions: readonly IndexEntry[];
}

/** Receives an index piece by piece, in its order. */
export interface IndexSink {
  chart(name: string): void;
  /** One entry of the chart that was named last, as it was parsed; null where it cannot be. */
  entry(value: unknown): void;
}

/** Takes the text of an index in portions, and hands it on as pieces. */
export interface IndexCutter {
  push(portion: Buffer): void;
  /** There is no more. */
  end(): void;
}

/** It cannot be cut without being understood as a whole. */
export class OddLayout extends Error {}

/** Longer entries are broken; those of real charts have some kilobytes. */
export const MAX_ENTRY_BYTES = 256 * 1024;

const MAX_VERSION = 256;
const MAX_URL = 4_096;
const MAX_TEXT = 1_024;

/** Null: nothing can be installed by it. Broken ones stand in many an index, and concern nobody but themselves. */
export function toEntry(value: unknown): (IndexEntry & { readonly description: string | null }) | null {
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Readonly<Record<string, unknown>>; // every field is looked at before it is used
  const version = textOf(fields['version'], MAX_VERSION);
  const url = firstOf(fields['urls']);
  if (version === null || url === null || fields['removed'] === true || fields['removed'] === 'true') return null;
  return {
    version,
    url,
    digest: digestOf(fields['digest']),
    created: textOf(fields['created'], MAX_TEXT),
    appVersion: textOf(fields['appVersion'], MAX_TEXT),
    description: textOf(fields['description'], Number.MAX_SAFE_INTEGER)?.slice(0, MAX_TEXT) ?? null,
  };
}

function textOf(value: unknown, longest: number): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text !== '' && text.length <= longest ? text : null;
}

function firstOf(urls: unknown): string | null {
  const found: unknown = Array.isArray(urls) ? urls.find((url) => typeof url === 'string' && url !== '') : null;
  return textOf(found, MAX_URL);
}

function digestOf(value: unknown): string | null {
  const [, hex] = typeof value === 'string' ? (/^(?:sha256:)?([0-9a-f]{64})$/i.exec(value) ?? []) : [];
  return hex === undefined ? null : `sha256:${hex.toLowerCase()}`;
}
