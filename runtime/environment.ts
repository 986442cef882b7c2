import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';

/** What a process was given to read its settings from; `process.env`, or a record made by a test. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that cannot be used. The message names the variable, the value where it may be shown, and what is allowed. */
export class SettingsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SettingsError';
  }
}

/**
 * Read the variables that `schema` names, and no others. An empty variable counts as absent. All that is wrong is said
 * at once, one line each, in one `SettingsError`.
 */
export function readEnvironment<S extends z.ZodObject>(schema: S, env: Environment): z.output<S> {
  const given: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = env[name]?.trim();
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new SettingsError(parsed.error.issues.map((issue) => describe(issue, given)).join('\n'));
}

/** Variables whose value is not repeated in a message: people put the secret where its file belongs. */
const NOT_SHOWN = /KEY|TOKEN|SECRET|PASSWORD/;

function describe(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>): string {
  const name = issue.path.join('.');
  const value = given[name];
  if (value === undefined) return issue.code === 'invalid_type' ? `${name} is not set` : `${name}: ${issue.message}`;
  return NOT_SHOWN.test(name) ? `${name}: ${issue.message}` : `${name} is ${JSON.stringify(value)}: ${issue.message}`;
}

/** `true` or `false`, nothing else: `1`, `yes` or `TRUE` are mistakes that must not read as false. */
export const booleanText = z
  .enum(['true', 'false'], { error: 'expected true or false' })
  .transform((text) => text === 'true');

/** A whole number in decimal digits. */
export function integerText(min: number, max: number): z.ZodType<number, string> {
  const error = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error });
}

/** A TCP port; 0 where the caller lets the system choose or turns the listener off. */
export const portText = integerText(0, 65_535);

/** An existing file that can be read, as an absolute path. */
export const fileText = z
  .string()
  .refine(isReadableFile, { error: 'expected the path of an existing, readable file' })
  .transform(toAbsolute);

/** A path as an absolute one; it need not exist yet. */
export const pathText = z.string().transform(toAbsolute);

/** What a server listens on. */
export const hostText = z.string().regex(/^[0-9A-Za-z.:-]+$/, { error: 'expected a host name or an IP address' });

/** `host:port`. */
export const addressText = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/@[\]]+):\d{1,5}$/, { error: 'expected host:port without a scheme' });

/** An `http:` or `https:` URL without credentials, query or trailing slash. */
export const baseUrlText = z
  .string()
  .refine(isBaseUrl, { error: 'expected an http(s) URL without credentials, query and fragment' })
  .transform((text) => text.replace(/\/+$/, ''));

/** The name of the cluster: it stands in every workflow id and task queue. */
export const clusterText = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, {
    error: 'expected 1 to 40 lower-case letters, digits and dashes, the first and last one no dash',
  })
  .default('local');

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const logLevelText = z.enum(LOG_LEVELS, { error: `expected one of ${LOG_LEVELS.join(', ')}` }).default('info');

/** Read a file that a setting names. The content is not repeated in a message. */
export function readSettingFile(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SettingsError(`${variable}: the file cannot be read (${codeOf(error)})`, { cause: error });
  }
}

/** Read a file that holds one secret on one line. */
export function readSecretFile(variable: string, path: string): string {
  const secret = readSettingFile(variable, path).toString('utf8').trim();
  if (secret === '') throw new SettingsError(`${variable}: the file is empty`);
  if (/\s/.test(secret)) throw new SettingsError(`${variable}: the file holds more than one word`);
  return secret;
}

function isReadableFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // whatever keeps it from being looked at: it is not a file that we can use
  }
}

function toAbsolute(path: string): string {
  return isAbsolute(path) ? path : resolve(path);
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return plain && (url.protocol === 'http:' || url.protocol === 'https:');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown reason';
}
