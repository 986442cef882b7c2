const MIN_LENGTH = 6;
const MAX_MESSAGE = 1_000;
/** Where manifests of ours and Secrets keep what must not be shown. */
const SECRET_KEYS = new Set(['values', 'valuesObject', 'password', 'token']);
const KEYS_OF_SECRET = new Set(['data', 'stringData']);

/** An answer of the API server without the secrets of the manifest that it is about: it likes to quote values. */
export function redactSecrets(text: string, manifest: Readonly<Record<string, unknown>>): string {
  const keys = manifest['kind'] === 'Secret' ? KEYS_OF_SECRET : SECRET_KEYS;
  const secrets = [...new Set(collect(manifest, { keys, secret: false }))].toSorted((a, b) => b.length - a.length);
  const redacted = secrets.reduce((message, secret) => message.replaceAll(secret, '***'), text);
  return redacted.replace(/\s+/g, ' ').slice(0, MAX_MESSAGE);
}

interface Place {
  readonly keys: ReadonlySet<string>;
  /** Below one of the keys. */
  readonly secret: boolean;
}

function collect(value: unknown, { keys, secret }: Place): readonly string[] {
  if (typeof value === 'string')
    return secret && value.length >= MIN_LENGTH ? [value, ...decoded(value), ...lines(value)] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => collect(item, { keys, secret: secret || keys.has(key) }));
}

function decoded(value: string): readonly string[] {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return [];
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.length >= MIN_LENGTH ? [text] : [];
}

/** Values are one long text, of which a message quotes a line. */
function lines(value: string): readonly string[] {
  return value
    .split('\n')
    .map((line) => line.replace(/^[^:]*:\s*/, '').trim())
    .filter((line) => line.length >= MIN_LENGTH);
}
