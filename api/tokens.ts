import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { SettingsError } from '../runtime/environment.ts';

/** `write` may do all that `read` may. */
export const ROLES = ['read', 'write'] as const;
export type Role = (typeof ROLES)[number];

const NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;
const TokenEntry = z.strictObject({
  name: z.string().regex(NAME),
  role: z.enum(ROLES),
  /** Of the whole token. It holds 256 random bits, so nothing slower is needed against guessing. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.iso.datetime(),
});
export type TokenEntry = z.output<typeof TokenEntry>;
const TokensFile = z.strictObject({ tokens: z.array(TokenEntry) });

/** Who holds a valid token. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

/** Read the entries of a tokens file; a file that is not there has none. */
export function readTokens(path: string): readonly TokenEntry[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return [];
    throw new SettingsError(`${path}: the tokens file cannot be read`, { cause: error });
  }
  const parsed = TokensFile.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.tokens;
  throw new SettingsError(
    `${path}: not a tokens file: expected {"tokens": [{"name", "role", "sha256", "createdAt"}]}, as \`npm run token\` writes it`,
  );
}

/** Make a token, store its hash, and answer the token: the only time that it can be seen. */
export function addToken(path: string, name: string, role: Role): string {
  if (!NAME.test(name)) {
    throw new SettingsError(
      `token name ${JSON.stringify(name)}: expected 1 to 63 lower-case letters, digits, dots, dashes and underscores`,
    );
  }
  const tokens = readTokens(path);
  if (tokens.some((entry) => entry.name === name)) {
    throw new SettingsError(`token name "${name}" is taken: remove it first, or choose another`);
  }
  const token = `hf_${randomBytes(32).toString('base64url')}`;
  const entry = { name, role, sha256: sha256(token).toString('hex'), createdAt: new Date().toISOString() };
  writeTokens(path, [...tokens, entry]);
  return token;
}

export function removeToken(path: string, name: string): void {
  const tokens = readTokens(path);
  if (!tokens.some((entry) => entry.name === name)) {
    const known = tokens.map((entry) => entry.name).join(', ');
    throw new SettingsError(`token name "${name}" is not in ${path}: it holds ${known || 'no token'}`);
  }
  writeTokens(
    path,
    tokens.filter((entry) => entry.name !== name),
  );
}

/** Complete or not at all: a running API reads the file whenever it changes. */
function writeTokens(path: string, tokens: readonly TokenEntry[]): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(file, `${JSON.stringify({ tokens }, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new SettingsError(`${path}: the tokens file cannot be written`, { cause: error });
  }
}

/**
 * Tells who holds a token, from a file that may change at any time. A file that vanished holds no token; one that
 * cannot be read or understood throws, so that a broken file never lets anybody in.
 */
export class TokenStore {
  readonly #path: string;
  #stamp: string | null = null;
  #entries: readonly TokenEntry[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  async find(token: string): Promise<Caller | null> {
    await this.#refresh();
    const hash = sha256(token);
    let found: Caller | null = null;
    // Every entry is compared, each in constant time, so that the time taken tells nothing about the hashes.
    for (const entry of this.#entries) {
      if (timingSafeEqual(hash, Buffer.from(entry.sha256, 'hex'))) found = { name: entry.name, role: entry.role };
    }
    return found;
  }

  async #refresh(): Promise<void> {
    const stamp = await stampOf(this.#path);
    if (stamp === this.#stamp) return;
    this.#entries = readTokens(this.#path);
    this.#stamp = stamp;
  }
}

/** What differs between two versions of a file that was replaced or written to. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  } catch (error) {
    if (isMissing(error)) return 'missing';
    throw new SettingsError(`${path}: the tokens file cannot be read`, { cause: error });
  }
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it with the same message as any other wrong content
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
