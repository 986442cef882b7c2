import type { z } from 'zod';
import type { Kube } from '../ports.ts';
import { METADATA_LIST } from './kinds.ts';
import { type AnyObject, type Metadata, MetadataList, ObjectList } from './schema.ts';

interface ListQuery {
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly signal?: AbortSignal;
}

const PAGE = 500;

/** All objects of ours at a path, page by page. */
export function listAll(kube: Kube, query: ListQuery): Promise<readonly AnyObject[]> {
  return listEach(kube, query, (object) => object);
}

/** The same, of each only what `pick` takes, so that there is never more than one page of whole objects in memory. */
export async function listEach<T>(kube: Kube, query: ListQuery, pick: (object: AnyObject) => T): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const page of pages(kube, query, 'application/json')) {
    items.push(...ObjectList.parse(page).items.map(pick));
  }
  return items;
}

/** Names, labels and annotations of all objects at a path, page by page. */
export async function listMetadata(kube: Kube, query: ListQuery): Promise<readonly z.infer<typeof Metadata>[]> {
  const items: z.infer<typeof Metadata>[] = [];
  for await (const page of pages(kube, query, METADATA_LIST)) {
    items.push(...(MetadataList.parse(page).items ?? []).map(({ metadata }) => metadata));
  }
  return items;
}

async function* pages(
  kube: Kube,
  { path, signal, ...selectors }: ListQuery,
  accept: string,
): AsyncGenerator<unknown, void, undefined> {
  let next: string | undefined;
  do {
    const query = { ...selectors, limit: PAGE, ...(next === undefined ? {} : { continue: next }) };
    const page = await kube.request<{ metadata?: { continue?: string } }>({
      method: 'GET',
      path,
      query,
      accept,
      ...(signal === undefined ? {} : { signal }),
    });
    yield page;
    next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
  } while (next !== undefined);
}
