import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { failure } from '../failures.ts';
import { type Kube, KubeError } from '../ports.ts';

/** What to watch: a collection, and what of each object is worth keeping. */
export interface Watched<T> {
  readonly path: string;
  readonly fieldSelector?: string;
  readonly accept?: string;
  /** Null: not of interest, or not of a shape that can be read. */
  parse(object: unknown): T | null;
}

/** Told in the order in which things happened; a list replaces all that was known of the collection. */
export interface Watcher<T> {
  listed(objects: readonly T[]): void;
  changed(object: T): void;
  deleted(object: T): void;
  /** Something was heard, if only a bookmark; or the API server could not be heard. */
  alive(heard: boolean): void;
}

const PAGE = 500;
/** The API server ends a watch after this, so that a lost connection cannot go unnoticed for long. */
const WATCH_S = 300;
const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 15_000;

const ListMeta = z.object({ resourceVersion: z.string(), continue: z.string().optional() });
/** An empty list of metadata comes as null. */
const Page = z.object({ metadata: ListMeta, items: z.array(z.unknown()).nullable() });
const Event = z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']), object: z.unknown() });
const Versioned = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const ErrorStatus = z.object({ code: z.number().catch(0) });

/**
 * List a collection, then follow it until `signal` fires: through ended watches, expired versions (410: list again)
 * and an API server that is away. Returns when `signal` fires; throws only what trying again cannot mend.
 */
export async function watch<T>(
  kube: Kube,
  watched: Watched<T>,
  { watcher, signal }: { watcher: Watcher<T>; signal: AbortSignal },
): Promise<void> {
  let version: string | null = null;
  let delay = FIRST_DELAY_MS;
  while (!signal.aborted) {
    try {
      version ??= await list(kube, watched, { watcher, signal });
      version = await follow(kube, watched, { watcher, signal, from: version });
      delay = FIRST_DELAY_MS;
    } catch (error) {
      if (isAborted(signal)) return;
      if (error instanceof KubeError && error.status === 403) {
        throw failure(
          'Forbidden',
          `the worker may not list and watch ${watched.path}; grant it the verbs list and watch`,
          error,
        );
      }
      watcher.alive(false);
      // Expired: list again at once. Anything else: what was seen so far still counts, so go on from there.
      if (error instanceof KubeError && error.status === 410) version = null;
      else await pause(delay, signal);
      delay = Math.min(delay * 2, LAST_DELAY_MS);
    }
  }
}

/** Read anew: it changes behind every await. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

async function list<T>(
  kube: Kube,
  watched: Watched<T>,
  { watcher, signal }: { watcher: Watcher<T>; signal: AbortSignal },
): Promise<string> {
  const objects: T[] = [];
  let next: string | undefined;
  let version: string;
  do {
    const page = Page.parse(
      await kube.request({
        method: 'GET',
        path: watched.path,
        query: { ...selectorOf(watched), limit: PAGE, ...(next === undefined ? {} : { continue: next }) },
        ...acceptOf(watched, 'List'),
        signal,
      }),
    );
    for (const item of page.items ?? []) {
      const object = watched.parse(item);
      if (object !== null) objects.push(object);
    }
    version = page.metadata.resourceVersion;
    next = page.metadata.continue === '' ? undefined : page.metadata.continue;
  } while (next !== undefined);
  watcher.listed(objects);
  watcher.alive(true);
  return version;
}

/** Follow one watch to its end; answers the version from which the next one goes on. */
async function follow<T>(
  kube: Kube,
  watched: Watched<T>,
  { watcher, signal, from }: { watcher: Watcher<T>; signal: AbortSignal; from: string },
): Promise<string> {
  let version = from;
  const events = kube.stream({
    method: 'GET',
    path: watched.path,
    query: {
      ...selectorOf(watched),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: from,
      timeoutSeconds: WATCH_S,
    },
    ...acceptOf(watched, ''),
    signal,
  });
  for await (const line of events) {
    const { type, object } = Event.parse(line);
    if (type === 'ERROR') throw new KubeError(ErrorStatus.parse(object).code, 'WatchFailed', 'the watch was ended');
    version = Versioned.parse(object).metadata.resourceVersion;
    watcher.alive(true);
    const parsed = type === 'BOOKMARK' ? null : watched.parse(object);
    if (parsed === null) continue;
    if (type === 'DELETED') watcher.deleted(parsed);
    else watcher.changed(parsed);
  }
  return version;
}

function selectorOf({ fieldSelector }: Watched<unknown>): Record<string, string> {
  return fieldSelector === undefined ? {} : { fieldSelector };
}

function acceptOf({ accept }: Watched<unknown>, suffix: 'List' | ''): { accept?: string } {
  return accept === undefined
    ? {}
    : { accept: accept.replace('PartialObjectMetadata', `PartialObjectMetadata${suffix}`) };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Spread, so that the watches of all kinds do not come back in one instant.
  const spread = ms * (0.75 + Math.random() / 2);
  await sleep(spread, undefined, { signal }).catch(() => undefined);
}
