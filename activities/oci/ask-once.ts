import { createHash } from 'node:crypto';
import type { Question, Sharing } from '../sharing.ts';
import type { ChartRequest, Oras } from './oras.ts';

type Verb = 'announce' | 'listTags';

interface Asking<V extends Verb> {
  readonly verb: V;
  /** Nobody's own: whoever gives up waiting for the answer does not end the question. */
  readonly request: Omit<ChartRequest, 'signal'>;
}

type Answer<V extends Verb> = Awaited<ReturnType<Oras[V]>>;

/** Ask a registry what many releases want to know at the same time, once for all of them. */
export function askOnce<V extends Verb>(
  { oras, sharing }: { readonly oras: Pick<Oras, Verb>; readonly sharing: Sharing },
  { verb, request }: Asking<V>,
  { since, signal }: Pick<Question<unknown>, 'since' | 'signal'>,
): Promise<Answer<V>> {
  // A digest: the request holds credentials, which are kept no longer than they are used.
  const key = createHash('sha256')
    .update(JSON.stringify([verb, request]))
    .digest('base64');
  const ask = oras[verb] as (asked: ChartRequest) => Promise<Answer<V>>; // TypeScript loses the tie between verb and answer
  return sharing({ key, since, signal, ask: () => ask(request) });
}
