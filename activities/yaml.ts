import { parseDocument, type Tags } from 'yaml';
import { failure, HoldfastError } from './failures.ts';
import { lineOverDepth } from './yaml-depth.ts';

/** What a document says, or why it cannot be read. Lines count from 1, in the file. */
export type ParsedDocument =
  | { readonly kind: 'value'; readonly line: number; readonly value: unknown }
  | { readonly kind: 'invalid'; readonly line: number; readonly reason: string };

/** `yaml` descends by recursion: some 800 levels end its stack. Real manifests stay under 60. */
const MAX_DEPTH = 128;
const MAX_ALIASES = 100;
const MAX_DOCUMENTS = 5_000;

/** Read all documents of a file, each for itself: one that is broken does not hide the next. Empty ones are left out. */
export function parseYaml(text: string): readonly ParsedDocument[] {
  const chunks = splitDocuments(text.replace(/^\ufeff/, ''));
  if (chunks.length > MAX_DOCUMENTS) {
    return [{ kind: 'invalid', line: 1, reason: `more than ${String(MAX_DOCUMENTS)} documents in one file` }];
  }
  return chunks.map(parseChunk).filter((document) => document.kind === 'invalid' || document.value !== null);
}

interface Chunk {
  readonly line: number;
  readonly text: string;
}

/** `---` and `...` at the start of a line end a document wherever they stand, as YAML itself has it. */
function splitDocuments(text: string): readonly Chunk[] {
  const chunks: { line: number; lines: string[] }[] = [{ line: 1, lines: [] }];
  text.split('\n').forEach((line, index) => {
    const last = chunks.at(-1);
    if (last === undefined) return;
    if (/^---(?:\s|$)/.test(line) && !last.lines.every(isPreamble)) chunks.push({ line: index + 1, lines: [line] });
    else if (/^\.\.\.(?:\s|$)/.test(line)) chunks.push({ line: index + 2, lines: [] });
    else last.lines.push(line);
  });
  return chunks.map(({ line, lines }) => ({ line, text: lines.join('\n') }));
}

/** What may stand before the `---` of the same document. */
function isPreamble(line: string): boolean {
  return /^\s*(?:#.*)?$/.test(line) || line.startsWith('%');
}

function parseChunk({ line, text }: Chunk): ParsedDocument {
  const invalid = (at: number, reason: string): ParsedDocument => ({ kind: 'invalid', line: line + at - 1, reason });
  const tooDeep = lineOverDepth(text, MAX_DEPTH);
  if (tooDeep !== null) return invalid(tooDeep, `nested deeper than ${String(MAX_DEPTH)} levels`);
  try {
    const document = parseDocument(text, AS_KUBERNETES);
    const error = document.errors[0];
    if (error !== undefined) return invalid(error.linePos?.[0].line ?? 1, withoutSource(error.message));
    const start = firstContentLine(text);
    return { kind: 'value', line: line + start, value: toJson(document.toJS({ maxAliasCount: MAX_ALIASES })) };
  } catch (error) {
    return invalid(1, error instanceof HoldfastError ? error.message : withoutSource(messageOf(error)));
  }
}

/** YAML 1.1: `yes` is a boolean, 0644 is octal, `<<` merges. */
export const AS_KUBERNETES = {
  version: '1.1',
  customTags: withoutDates,
  intAsBigInt: true,
  merge: true,
  logLevel: 'silent',
} as const;

/** Kubernetes takes dates and sexagesimals for strings. */
function withoutDates(tags: Tags): Tags {
  return tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      (!('format' in tag && tag.format === 'TIME') && tag.tag !== 'tag:yaml.org,2002:timestamp'),
  );
}

/** Messages quote the text around an error, which may be a secret: keep what comes before the quotation. */
function withoutSource(message: string): string {
  const words =
    /^[^:"\n]*/
      .exec(message)?.[0]
      .replace(/ at line \d+.*$/, '')
      .trim() ?? '';
  return words === '' ? 'is not valid YAML' : words.charAt(0).toLowerCase() + words.slice(1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function firstContentLine(text: string): number {
  const index = text.split('\n').findIndex((line) => !isPreamble(line) && !/^---\s*(?:#.*)?$/.test(line));
  return Math.max(index, 0);
}

/** The value as JSON has it; refuses what JSON cannot say, for it would reach the cluster as something else. */
function toJson(value: unknown, depth = 0): unknown {
  if (depth > 2 * MAX_DEPTH) throw failure('ManifestInvalid', `nested deeper than ${String(2 * MAX_DEPTH)} levels`);
  if (typeof value === 'bigint') return toNumber(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw failure('ManifestInvalid', 'holds a number that is not finite; quote it if it is text');
  }
  if (Array.isArray(value)) return value.map((item) => toJson(item, depth + 1));
  if (value === null || typeof value !== 'object') return value ?? null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  const entries = Object.entries(value).map(([key, item]) => [key, toJson(item, depth + 1)] as const);
  if (entries.some(([key]) => key === '__proto__')) throw failure('ManifestInvalid', 'holds the key __proto__');
  return Object.fromEntries(entries);
}

function toNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw failure('ManifestInvalid', 'holds an integer beyond 9007199254740991, which loses digits on its way; quote it');
}
