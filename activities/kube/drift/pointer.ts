/** The tokens of a JSON pointer (RFC 6901); an empty pointer has none, and stands for the whole document. */
export type Path = readonly string[];

/** Null: it is no pointer. */
export function parsePointer(text: string): Path | null {
  if (text === '') return [];
  if (!text.startsWith('/')) return null;
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function toPointer(path: Path): string {
  return path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What lies at a path; undefined: nothing. */
export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce(childOf, document);
}

export function childOf(value: unknown, token: string): unknown {
  if (Array.isArray(value)) return /^\d+$/.test(token) ? (value[Number(token)] as unknown) : undefined;
  return isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}

/** A copy with another value at a path; undefined: without what lies there. What is not there is left so. */
export function withValue(document: unknown, path: Path, value: unknown): unknown {
  const [token, ...rest] = path;
  if (token === undefined) return value;
  const child = childOf(document, token);
  if (child === undefined) return document;
  const changed = withValue(child, rest, value);
  if (Array.isArray(document)) {
    const index = Number(token);
    return changed === undefined ? document.toSpliced(index, 1) : document.with(index, changed);
  }
  const fields = Object.entries(document as Json); // it has a child
  return Object.fromEntries(
    fields.flatMap(([name, before]) => {
      if (name !== token) return [[name, before] as const];
      return changed === undefined ? [] : [[name, changed] as const];
    }),
  );
}
