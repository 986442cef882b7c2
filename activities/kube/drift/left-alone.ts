import { isAppliedByHelm } from './managers.ts';
import { type Json, type Path, valueAt, withValue } from './pointer.ts';

/**
 * What is sent so that ignored fields stay as they are, and with them who manages them: a field that Helm manages would
 * go if it were left out, so it is sent as it is by now; another one would be taken over if it were sent.
 */
export function leaveAlone(sent: Json, live: Json, ignored: readonly Path[]): Json {
  // The last items of a list first: what is taken out moves those behind it.
  const ordered = ignored.toSorted((a, b) => b.join('/').localeCompare(a.join('/'), 'en', { numeric: true }));
  const kept = ordered.reduce<unknown>(
    (document, path) => withValue(document, path, isAppliedByHelm(live, path) ? valueAt(live, path) : undefined),
    withoutStringData(sent, ignored),
  );
  return kept as Json; // the root is never ignored here
}

/** What a Secret says as text goes into its `data`. */
function withoutStringData(sent: Json, ignored: readonly Path[]): Json {
  if (sent['apiVersion'] !== 'v1' || sent['kind'] !== 'Secret') return sent;
  const texts = ignored.filter(([field]) => field === 'data').map(([, ...rest]) => ['stringData', ...rest]);
  return texts.reduce<unknown>((document, path) => withValue(document, path, undefined), sent) as Json;
}
