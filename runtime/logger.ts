import type { LogLevel as TemporalLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './environment.ts';

export type { Logger } from 'pino';

/** Names whose values never belong into a log line, wherever a caller put them. */
const SECRET_NAMES = [
  'apiKey',
  'authorization',
  'cookie',
  'credentials',
  'data',
  'env',
  'headers',
  'manifest',
  'password',
  'secret',
  'token',
  'values',
];
const REDACT = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

export interface LoggerOptions {
  readonly name: string;
  readonly level: LogLevel;
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream;
}

/** JSON lines. Errors go under `err` (or `error`) and are reduced to what cannot carry a request, a body or values. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACT, censor: '[redacted]' },
    serializers: { err: serializeError, error: serializeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

const MAX_CAUSES = 3;
const MAX_TEXT = 500;

/**
 * What a log line says about an error: name, code, first line of the message, where it was thrown, and the same of its
 * causes. Nothing else is copied: errors of HTTP clients and child processes carry requests, headers, bodies and output
 * as properties, and repeat them in their messages, so of those only name, code and status are kept.
 */
export function serializeError(error: unknown): unknown {
  return describeError(error, 0);
}

function describeError(error: unknown, depth: number): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const described: Record<string, unknown> = { type: error.name };
  for (const field of ['code', 'status', 'reason'] as const) {
    const value: unknown = Reflect.get(error, field);
    if (typeof value === 'string' || typeof value === 'number') described[field] = cut(String(value));
  }
  if (!quotesItsPeer(error)) described['message'] = cut(error.message);
  const frames = framesOf(error);
  if (frames !== '') described['stack'] = frames;
  if (error.cause !== undefined && depth < MAX_CAUSES) described['cause'] = describeError(error.cause, depth + 1);
  return described;
}

/** True for errors whose message repeats what a peer or a child process said: an answer's body, a program's output. */
function quotesItsPeer(error: Error): boolean {
  return ['body', 'headers', 'response', 'request', 'stderr', 'stdout', 'cmd', 'status'].some(
    (field) => Reflect.get(error, field) !== undefined,
  );
}

function framesOf({ stack }: Error): string {
  if (stack === undefined) return '';
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  return frames.slice(0, 12).join('\n');
}

function cut(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line;
}

/** Lets the Temporal SDK write into our log; its levels are the same ones. */
export function toTemporalLogger(logger: Logger): TemporalLogger {
  const log = (level: TemporalLevel, message: string, meta?: LogMetadata): void => {
    logger[PINO_LEVELS[level]](meta ?? {}, message);
  };
  return {
    log,
    trace: (message, meta) => {
      log('TRACE', message, meta);
    },
    debug: (message, meta) => {
      log('DEBUG', message, meta);
    },
    info: (message, meta) => {
      log('INFO', message, meta);
    },
    warn: (message, meta) => {
      log('WARN', message, meta);
    },
    error: (message, meta) => {
      log('ERROR', message, meta);
    },
  };
}

const PINO_LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
