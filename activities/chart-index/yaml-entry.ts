import { decodeFolded, decodeScalar, parseAsText } from './yaml-scalar.ts';

/** The fields that are read; a list of texts, or a text. */
const FIELDS: Readonly<Record<string, 'text' | 'list'>> = {
  version: 'text',
  appVersion: 'text',
  created: 'text',
  description: 'text',
  digest: 'text',
  removed: 'text',
  urls: 'list',
};

const KEY = /^(?:"([^"\\]*)"|'([^']*)'|([^\s"'#&*!|>%@`{}[\],?:-][^\s:#]*))\s*:(?:\s+(.*))?$/;

/** A mapping's key and what follows it on the line. Null: the line is no such simple thing. */
export function splitKey(text: string): { readonly key: string; readonly rest: string } | null {
  const [whole, double, single, plain, rest = ''] = KEY.exec(text) ?? [];
  return whole === undefined ? null : { key: double ?? single ?? plain ?? '', rest };
}

export function indentOf(line: string): number {
  let indent = 0;
  while (line.charCodeAt(indent) === 32) indent += 1;
  return indent;
}

/** Nothing is on it that could end or begin a node. */
export function isEmpty(line: string): boolean {
  return /^\s*(?:#|$)/.test(line);
}

export function isDash(line: string, at: number): boolean {
  return line[at] === '-' && (line.length === at + 1 || line[at + 1] === ' ');
}

/**
 * Read an entry from its lines, of which the first has the dash of the list at column `dash`. Only the fields that count
 * are decoded; an entry that is written in an unusual way goes to the parser. Undefined: it cannot be read.
 */
export function readYamlEntry(lines: readonly string[], dash: number): unknown {
  const [first = '', ...others] = lines;
  const whole = [`${first.slice(0, dash)} ${first.slice(dash + 1)}`, ...others];
  const start = whole.findIndex((line) => !isEmpty(line));
  if (start === -1) return null;
  return readFields(whole.slice(start)) ?? parseAsText(whole.join('\n'));
}

/** Null: it takes a parser. */
function readFields(lines: readonly string[]): Readonly<Record<string, unknown>> | null {
  const column = indentOf(lines[0] ?? '');
  const fields: Record<string, unknown> = {};
  for (let at = 0; at < lines.length;) {
    const end = endOfField(lines, at, column);
    const split = end === null ? null : splitKey((lines[at] ?? '').slice(column));
    if (end === null || split === null) return null;
    const form = FIELDS[split.key];
    if (form !== undefined) fields[split.key] = readField(lines.slice(at, end), split, form);
    at = end;
  }
  return fields;
}

/** The line after those that belong to the key at `start`. Null: a line stands where none may. */
function endOfField(lines: readonly string[], start: number, column: number): number | null {
  for (let at = start + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (isEmpty(line)) continue;
    const indent = indentOf(line);
    if (indent < column) return null;
    if (indent === column && !isDash(line, column)) return at;
  }
  return lines.length;
}

function readField(
  lines: readonly string[],
  { key, rest }: { readonly key: string; readonly rest: string },
  form: 'text' | 'list',
): unknown {
  const more = lines.slice(1);
  const simple = form === 'list' ? listOf(rest, more) : textOf(rest, more);
  if (simple !== undefined) return simple;
  const parsed = parseAsText(lines.join('\n'));
  return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>)[key] : undefined;
}

/** Undefined: it takes a parser. */
function textOf(rest: string, more: readonly string[]): string | null | undefined {
  return more.every(isEmpty) ? decodeScalar(rest) : decodeFolded(rest, more);
}

/** Undefined: it takes a parser. */
function listOf(rest: string, more: readonly string[]): readonly (string | null)[] | undefined {
  const items = more.filter((line) => !isEmpty(line));
  if (decodeScalar(rest) !== null || items.length === 0) return undefined;
  const column = indentOf(items[0] ?? '');
  const decoded = items.map((line) =>
    indentOf(line) === column && isDash(line, column) ? decodeScalar(line.slice(column + 1)) : undefined,
  );
  return decoded.every((item) => item !== undefined) ? decoded : undefined;
}
