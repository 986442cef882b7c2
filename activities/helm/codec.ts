import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { failure } from '../failures.ts';

/** A release is at most 1 MiB zipped; text unzips to a few times that. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The JSON in `data.release` of a record: base64 by Kubernetes, base64 by Helm, gzip. */
export async function decodeBody(release: string): Promise<string> {
  try {
    const zipped = Buffer.from(Buffer.from(release, 'base64').toString('latin1'), 'base64');
    const body = await promisify(gunzip)(zipped, { maxOutputLength: MAX_BODY_BYTES });
    return body.toString('utf8');
  } catch (error) {
    throw failure('Unexpected', 'a record of Helm cannot be read: it is not base64 of gzip', error);
  }
}

export async function encodeBody(json: string): Promise<string> {
  const zipped = await promisify(gzip)(Buffer.from(json, 'utf8'));
  return Buffer.from(zipped.toString('base64'), 'latin1').toString('base64');
}

/**
 * Replace the value of a top-level key of a JSON object, leaving every other byte as it is: values that JavaScript
 * would round, such as large integers, must survive.
 */
export function replaceMember(json: string, key: string, change: (value: unknown) => unknown): string {
  const span = findMember(json, key);
  if (span === null)
    throw failure('Unexpected', `a record of Helm cannot be changed: it has no ${JSON.stringify(key)}`);
  const value: unknown = JSON.parse(json.slice(span.start, span.end));
  return json.slice(0, span.start) + JSON.stringify(change(value)) + json.slice(span.end);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function findMember(json: string, key: string): Span | null {
  let at = json.indexOf('{') + 1;
  while (at > 0 && at < json.length) {
    const keyStart = json.indexOf('"', at);
    if (keyStart === -1) return null;
    const keyEnd = skipString(json, keyStart);
    const start = json.indexOf(':', keyEnd) + 1;
    const end = skipValue(json, start);
    if (json.slice(keyStart, keyEnd) === JSON.stringify(key)) return { start, end };
    at = end + 1;
  }
  return null;
}

/** The index behind a string that begins at `at`. */
function skipString(json: string, at: number): number {
  let index = at + 1;
  while (index < json.length && json[index] !== '"') index += json[index] === '\\' ? 2 : 1;
  return index + 1;
}

/** The index of the comma or bracket behind a value. */
function skipValue(json: string, at: number): number {
  let depth = 0;
  let index = at;
  while (index < json.length) {
    const character = json[index] ?? '';
    if (character === '"') {
      index = skipString(json, index);
      continue;
    }
    if (depth === 0 && (character === ',' || character === '}')) return index;
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    index += 1;
  }
  return index;
}
