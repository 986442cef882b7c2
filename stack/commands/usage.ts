import { parseArgs, type ParseArgsConfig } from 'node:util';

/** A command line that cannot be meant; shown with the usage, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something is in the way that a person can remove; the message says how. Exit code 1, no stack trace. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Options only, none of them free words. */
export function parseOptions<T extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The value of an option that is a whole number. */
export function parseCount(flag: string, text: string, { min, max }: { min: number; max: number }): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= min && count <= max) return count;
  throw new UsageError(`${flag} is "${text}": expected a whole number from ${min} to ${max}`);
}

/** `error.code` of Node's system errors. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
