import { parseAllDocuments, visit } from 'yaml';

/** Shorter strings say nothing and would blacken every other word. */
const SHORTEST_BYTES = 6;
const MASK = '•••';

/** Replaces secrets in a text that people will read. */
export type Redact = (text: string) => string;

/**
 * A redactor of every string of six bytes or more in these sources. `yaml` is taken apart into its scalars, `plain`
 * into lines; each also in the quoted and encoded forms in which it comes back in messages. `known` are names that
 * everybody may read anyway, and that a message would be useless without.
 */
export function createRedact(sources: {
  readonly yaml: readonly string[];
  readonly plain: readonly string[];
  readonly known: readonly string[];
}): Redact {
  const texts = [...sources.yaml.flatMap(scalarsOf), ...sources.plain];
  const secrets = new Set(texts.flatMap(partsOf).flatMap(formsOf));
  const ordered = [...secrets]
    .filter((secret) => Buffer.byteLength(secret) >= SHORTEST_BYTES && !sources.known.includes(secret))
    .sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((rest, secret) => rest.split(secret).join(MASK), text);
}

/** Values, not keys: as written and as read, since `0123456` is written otherwise than it is read. */
function scalarsOf(source: string): readonly string[] {
  const found: string[] = [];
  for (const document of parseAllDocuments(source, { logLevel: 'silent' })) {
    if (!('contents' in document)) continue;
    // What is no YAML comes to nothing, but its words may still be quoted.
    if (document.errors.length > 0) found.push(...source.split(/[\s:"'{}[\],]+/));
    visit(document, {
      Scalar(key, { value, source: written }) {
        if (key === 'key') return;
        if (written !== undefined) found.push(written);
        if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
          found.push(String(value));
      },
    });
  }
  return found;
}

/** A text, its lines, and what stands behind a `=` or `:` in them: a file inside the values is quoted by its parts. */
function partsOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const right = lines.flatMap((line) => [...line.matchAll(/(?:=|:\s)\s*(.+)$/g)].map(([, part = '']) => part.trim()));
  return [text.trim(), ...lines, ...right, ...right.map((part) => part.replace(/^(["'])(.*)\1$/, '$2'))];
}

function formsOf(secret: string): readonly string[] {
  const quoted = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    quoted,
    JSON.stringify(quoted).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    encodeURIComponent(secret),
  ];
}
