/** The API as a process of its own, with its tokens, on a free port. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addToken, type Role } from '../../api/tokens.ts';
import { temporaryFolder, until } from './harness.ts';

const MAIN = fileURLToPath(new URL('../../api/main.ts', import.meta.url));

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; the text itself where it is no JSON. */
  readonly body: Body;
}
/** What tests read of any body. */
export type Body = Readonly<Record<string, unknown>>;

export interface CallOptions {
  /** A role's token, a token of its own, or none. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RunningApi {
  readonly url: string;
  readonly tokensFile: string;
  readonly tokens: Readonly<Record<Role, string>>;
  /** Everything the process has written so far. */
  output(): string;
  /** `call('POST /v1/…')`; with the write token where no other is given. */
  call(request: string, options?: CallOptions): Promise<Reply>;
  /** Ends it as a service manager would; answers its exit code. */
  stop(): Promise<number | null>;
}

/** Wait with `after(() => api.stop())`. */
export async function startApi(env: Readonly<Record<string, string>>): Promise<RunningApi> {
  const tokensFile = join(temporaryFolder(), 'tokens.json');
  const tokens = { read: addToken(tokensFile, 'reader', 'read'), write: addToken(tokensFile, 'writer', 'write') };
  const child = spawn(process.execPath, [MAIN], {
    env: { HOLDFAST_TOKENS_FILE: tokensFile, HOLDFAST_API_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  process.once('exit', () => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const listening = await until(
    () => Promise.resolve(/"address":"([^"]+)"/.exec(output)?.[1] ?? (child.exitCode === null ? '' : 'ended')),
    (address) => address !== '',
    'the address of the API',
  );
  if (listening === 'ended') throw new Error(`the API ended: ${output}`);
  return {
    url: listening,
    tokensFile,
    tokens,
    output: () => output,
    call: (request, options) => call(listening, request, { token: tokens.write, ...options }),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
  };
}

async function call(url: string, request: string, { token, body, headers = {} }: CallOptions): Promise<Reply> {
  const [method = '', path = ''] = request.split(' ');
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token == null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, headers: response.headers, body: (json ? JSON.parse(text) : { text }) as Body };
}

/** An answer of RFC 9457 of this kind, without anything of our insides. */
export function assertProblem({ status, headers, body }: Reply, expected: number, kind: string): void {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.equal(body['type'], `urn:holdfast:problem:${kind}`);
  assert.equal(body['status'], expected);
  for (const field of ['title', 'detail', 'instance']) assert.ok(typeof body[field] === 'string' && body[field] !== '');
  assert.equal(/ at .*\.[jt]s:\d+/.test(JSON.stringify(body)), false, 'no stack in an answer');
}
