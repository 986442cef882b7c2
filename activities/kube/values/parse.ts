import { type Document, LineCounter, parseDocument, type Tags } from 'yaml';
import type { HoldfastError } from '../../failures.ts';
import { lineOverDepth } from '../../yaml-depth.ts';
import { isValues, NO_VALUES, type Value, type Values } from './value.ts';

/** Values of real charts stay under 30 levels. */
const MAX_DEPTH = 128;
const MAX_ALIASES = 100;

/** Makes the error that says what cannot be used; `why` never quotes a value, since values may hold secrets. */
export type Refuse = (why: string) => HoldfastError;

/** Read values from YAML text. Throws what `refuse` makes, with line and column. */
export function parseValues(text: string, refuse: Refuse): Values {
  const tooDeep = lineOverDepth(text, MAX_DEPTH);
  if (tooDeep !== null) throw refuse(`line ${tooDeep} is nested deeper than ${MAX_DEPTH} levels`);
  return toValues(parseYaml(text, refuse), { path: '', fromJson: false, refuse });
}

/** Values that came as a part of an object. Its numbers went through JSON, where large ones lose digits. */
export function valuesOfObject(object: unknown, refuse: Refuse): Values {
  return toValues(object, { path: '', fromJson: true, refuse });
}

function toValues(parsed: unknown, place: Place): Values {
  const value = toValue(parsed, place);
  if (value === null) return NO_VALUES;
  if (!isValues(value))
    throw place.refuse(`they are a ${Array.isArray(value) ? 'list' : typeof parsed}, not a mapping`);
  return value;
}

function parseYaml(text: string, refuse: Refuse): unknown {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, {
    // As Helm reads them: YAML 1.1, where `yes` is a boolean and `<<` merges, but dates and 1:30 are text.
    version: '1.1',
    customTags: withoutTimes,
    intAsBigInt: true,
    merge: true,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw refuse(`line ${line}, column ${col}: ${error.code.toLowerCase().replaceAll('_', ' ')}`);
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    // The parser's own words may quote the text.
    throw refuse(`an alias is unknown, or there are more than ${MAX_ALIASES} uses of aliases`);
  }
}

function withoutTimes(tags: Tags): Tags {
  return tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      (!('format' in tag && tag.format === 'TIME') && tag.tag !== 'tag:yaml.org,2002:timestamp'),
  );
}

interface Place {
  readonly path: string;
  readonly fromJson: boolean;
  readonly refuse: Refuse;
}

function toValue(value: unknown, place: Place): Value {
  if (typeof value === 'number') return toNumber(value, place);
  if (typeof value === 'bigint' || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (value instanceof Set) return toValue([...value], place);
  if (Array.isArray(value)) return value.map((item, i) => toValue(item, { ...place, path: `${place.path}[${i}]` }));
  return toMapping(value, place);
}

function toMapping(value: object, place: Place): Values {
  const entries: [string, unknown][] =
    value instanceof Map ? [...value].map(([key, item]) => [String(key), item as unknown]) : Object.entries(value);
  const values = Object.create(null) as Record<string, Value>;
  for (const [key, item] of entries) {
    values[key] = toValue(item, { ...place, path: place.path === '' ? key : `${place.path}.${key}` });
  }
  return values;
}

function toNumber(value: number, { path, fromJson, refuse }: Place): Value {
  if (!Number.isFinite(value)) throw refuse(`${path} is not a finite number; quote it if it is text`);
  if (fromJson && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refuse(`${path} is larger than 2^53 and may have lost digits; quote it, or write it in spec.values`);
  }
  return Number.isInteger(value) ? BigInt(value) : value;
}
