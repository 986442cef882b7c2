import { request } from 'undici';
import { collect } from './collect.ts';
import { createDispatcher, type Transport } from './transport.ts';

/** An answer that is not what was hoped for. */
export class FormRefused extends Error {
  readonly status: number;
  constructor(status: number, said: string) {
    super(said);
    this.name = 'FormRefused';
    this.status = status;
  }
}

/** More than any token. */
const MAX_BYTES = 128 * 1024;

/**
 * Post a form and answer the JSON that comes. Redirects are not followed: what is posted is for this host alone. Throws
 * `FormRefused` for another status than 200, and what the connection says.
 */
export async function postForm(asked: {
  readonly url: URL;
  readonly form: Readonly<Record<string, string>>;
  readonly transport: Pick<Transport, 'tls' | 'proxy'>;
  readonly signal: AbortSignal;
}): Promise<unknown> {
  const { url, form, transport, signal } = asked;
  const dispatcher = createDispatcher(transport);
  try {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher,
      signal,
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'user-agent': 'holdfast' },
      body: new URLSearchParams(form).toString(),
    });
    const tooMany = (): Error => new FormRefused(statusCode, 'an answer of more bytes than are read');
    const text = (await collect(body, MAX_BYTES, tooMany)).toString('utf8');
    if (statusCode !== 200) throw new FormRefused(statusCode, text);
    return parseJson(text);
  } finally {
    await dispatcher.destroy();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // may be a token, and so may be what the parser says of it
  }
}
