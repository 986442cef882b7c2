import { parseDocument } from 'yaml';
import { lineOverDepth } from '../yaml-depth.ts';

const NULLS = ['', '~', 'null', 'Null', 'NULL'];
const DOUBLE = /^"([^"\\]*)"\s*(?:\s#.*)?$/;
const SINGLE = /^'((?:[^']|'')*)'\s*(?:\s#.*)?$/;
/** What may begin a scalar that is more than its letters. */
const INDICATOR = /^[-?:,[\]{}#&*!|>'"%@`]/;

/** A scalar that ends on its line, as text whatever type it seems to have. Undefined: it takes a parser to tell. */
export function decodeScalar(text: string): string | null | undefined {
  const trimmed = text.trim();
  const [, double] = DOUBLE.exec(trimmed) ?? [];
  if (double !== undefined) return double;
  const [, single] = SINGLE.exec(trimmed) ?? [];
  if (single !== undefined) return single.replaceAll("''", "'");
  const comment = trimmed.search(/(?:^|\s)#/);
  const plain = comment === -1 ? trimmed : trimmed.slice(0, comment).trimEnd();
  if (NULLS.includes(plain)) return null;
  return INDICATOR.test(plain) || /:(?:\s|$)/.test(plain) ? undefined : plain;
}

/** A plain scalar that goes on over lines, which are folded into one. Undefined: it takes a parser to tell. */
export function decodeFolded(first: string, others: readonly string[]): string | undefined {
  const lines = [first, ...others].map((line) => line.trim());
  const plain = lines.every((line) => line !== '' && !line.includes('#') && !/:(?:\s|$)/.test(line));
  return plain && !INDICATOR.test(lines[0] ?? '') ? lines.join(' ') : undefined;
}

const MAX_DEPTH = 50;

/** Parse a piece of YAML. Undefined: it cannot be. */
export function parseAsText(text: string): unknown {
  if (lineOverDepth(text, MAX_DEPTH) !== null) return undefined;
  // All that is no list and no mapping is text or null, as an index has it.
  const document = parseDocument(text, { schema: 'failsafe', customTags: ['null'], logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined; // an alias that leads nowhere, or to too much
  }
}
