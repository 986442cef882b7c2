import { createCloudTokens } from '../../../activities/cloud/tokens.ts';
import { HoldfastError } from '../../../activities/failures.ts';
import { PLAIN_TRANSPORT, type Login } from '../../../activities/http/transport.ts';

/** What a worker with fresh memory gets for a registry: a login, or the failure. */
export async function loginAt(provider: string, host: string, proxy: string | null = null): Promise<unknown> {
  const transport = { ...PLAIN_TRANSPORT, proxy };
  const { signal } = new AbortController();
  const asked = createCloudTokens().loginAt({ provider, host, repository: 'apps/charts', transport, signal });
  return asked.then(shown, (error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
    // What is logged beside the message would be its cause.
    return [error.code, error.message, ...(error.cause === undefined ? [] : ['a cause'])];
  });
}

const shown = ({ username, password }: Login): unknown => [username, password];

/** Variables of this process, which is the worker here; undefined removes one. */
export function setVariables(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
}
