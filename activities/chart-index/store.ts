import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { diskFull, failure } from '../failures.ts';
import { get, type HttpAnswer } from '../http/get.ts';
import type { HostGates } from '../http/host-gates.ts';
import type { Transport } from '../http/transport.ts';
import type { Question, Sharing } from '../sharing.ts';
import type { IndexedChart } from './entry.ts';
import { parseLine, type ChartLine } from './lines.ts';
import { readInThread } from './read-in-thread.ts';
import type { IndexFacts } from './read-index.ts';
import { indexUrl, shownUrl } from './urls.ts';

/** A chart repository over HTTP, and how it is spoken to. */
export interface IndexSource {
  /** Of the repository: `/index.yaml` is added to it. */
  readonly url: string;
  readonly transport: Transport;
  /** The origin that the credentials are for. */
  readonly loginFor: string;
}

/** The index of a chart repository, read. */
export interface ChartIndex extends Omit<IndexFacts, 'charts'> {
  /** Size of what was fetched, unzipped. */
  readonly bytes: number;
  /** Of the charts of which something can be installed, in the order of the index. */
  readonly names: readonly string[];
  /** Null: there is no such chart. */
  chart(name: string): Promise<IndexedChart | null>;
}

/** Since when it is wanted, and for how long. */
export type Wish = Pick<Question<unknown>, 'since'> & { readonly signal: AbortSignal };

/** The indexes that this worker has read. */
export interface IndexStore {
  /** The index as it is now: the server is asked once for all who want to know, and sends only what is another one. */
  get(source: IndexSource, wish: Wish): Promise<ChartIndex>;
}

export interface StoreLimits {
  readonly maxIndexBytes: number;
  readonly maxKeptBytes: number;
  /** What was asked this shortly ago is not asked again where the server would have to send the whole of it again. */
  readonly freshWithoutConditionMs: number;
}

/** The largest known indexes have some 60 MB. */
const LIMITS: StoreLimits = {
  maxIndexBytes: 256 * 1024 * 1024,
  maxKeptBytes: 512 * 1024 * 1024,
  freshWithoutConditionMs: 30_000,
};
const TIMEOUT_MS = 2 * 60_000;
/** For those who read a line of what has been replaced meanwhile. */
const LINGER_MS = 60_000;

interface Kept {
  readonly key: string;
  readonly index: ChartIndex;
  readonly file: string;
  readonly fileBytes: number;
  /** Digest of what was fetched. */
  readonly digest: string;
  conditions: Readonly<Record<string, string>>;
  askedAt: number;
  usedAt: number;
}

export interface StoreSettings {
  /** This worker's own; it is made when it is needed. */
  readonly folder: string;
  readonly gates: HostGates;
  readonly sharing: Sharing;
}

interface Store extends StoreSettings {
  readonly limits: StoreLimits;
  readonly kept: Map<string, Kept>;
}

/**
 * Indexes in a folder that begins empty. Each is kept as a file with a line per chart, so that
 * its size costs disk and not memory; who may read a private one is told by the credentials, which are part of its key.
 */
export function createIndexStore(settings: StoreSettings, limits: Partial<StoreLimits> = {}): IndexStore {
  const store: Store = { ...settings, limits: { ...LIMITS, ...limits }, kept: new Map() };
  const salt = randomBytes(32);
  return {
    async get(source, wish) {
      const key = createHmac('sha256', salt).update(JSON.stringify(source)).digest('hex').slice(0, 32);
      const kept = await settings.sharing({ ...wish, key, ask: () => bringUpToDate(store, { key, source }) });
      kept.usedAt = Date.now();
      return kept.index;
    },
  };
}

interface Asking {
  readonly key: string;
  readonly source: IndexSource;
}

async function bringUpToDate(store: Store, asking: Asking): Promise<Kept> {
  const { key, source } = asking;
  const known = store.kept.get(key);
  const now = Date.now();
  if (known !== undefined && now - known.askedAt < freshFor(known, store.limits)) return known;
  await mkdir(store.folder, { recursive: true, mode: 0o700 });
  const raw = join(store.folder, `${key}-${randomBytes(6).toString('hex')}.raw`);
  const what = `the index of ${shownUrl(source.url)}`;
  try {
    const fetched = await fetchIndex(store, source, { raw, what, headers: known?.conditions ?? {} });
    if (fetched === null) return unchanged(known, { what, now });
    if (fetched.digest === known?.digest) return Object.assign(known, { conditions: fetched.conditions, askedAt: now });
    const kept = await take({ key, raw, what, fetched, now });
    replace(store, kept);
    return kept;
  } catch (error) {
    throw diskFull(error, 'for the indexes of chart repositories') ?? error;
  } finally {
    await rm(raw, { force: true });
  }
}

interface Fetching {
  readonly raw: string;
  readonly what: string;
  readonly headers: Kept['conditions'];
}

/** Null: it is the one that is known. */
function fetchIndex(store: Store, source: IndexSource, { raw, what, headers }: Fetching): Promise<Fetched | null> {
  const { transport, loginFor } = source;
  const url = indexUrl(source.url);
  const timeoutMs = transport.timeoutMs ?? TIMEOUT_MS;
  // Nobody's own: whoever gives up waiting for the answer does not end the question.
  const limits = { timeoutMs, signal: new AbortController().signal };
  const request = { url, transport, loginFor, headers, what, absent: 'IndexInvalid', ...limits } as const;
  return store.gates.pass({ host: url.host, account: transport.login?.username ?? '' }, () =>
    get(request, (answer) => download(answer, { raw, what, store })),
  );
}

function freshFor({ conditions }: Kept, { freshWithoutConditionMs }: StoreLimits): number {
  return Object.keys(conditions).length > 0 ? 0 : freshWithoutConditionMs;
}

function unchanged(known: Kept | undefined, { what, now }: { readonly what: string; readonly now: number }): Kept {
  if (known === undefined) throw failure('IndexInvalid', `the server says of ${what} that it is not modified, unasked`);
  return Object.assign(known, { askedAt: now });
}

interface Fetched {
  readonly digest: string;
  readonly bytes: number;
  readonly conditions: Readonly<Record<string, string>>;
}

/** Null: it is the one that is known. */
async function download(
  { status, body, header }: HttpAnswer,
  { raw, what, store }: { readonly raw: string; readonly what: string; readonly store: Store },
): Promise<Fetched | null> {
  if (status === 304) return null;
  const counter = createCounter(store.limits.maxIndexBytes, what);
  await pipeline(body, counter.through, createWriteStream(raw, { mode: 0o600 }));
  const [etag, modified] = [header('etag'), header('last-modified')];
  return {
    ...counter.result(),
    conditions: {
      ...(etag === null ? {} : { 'if-none-match': etag }),
      ...(modified === null ? {} : { 'if-modified-since': modified }),
    },
  };
}

function createCounter(
  most: number,
  what: string,
): { readonly through: Transform; readonly result: () => Pick<Fetched, 'digest' | 'bytes'> } {
  const hash = createHash('sha256');
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes > most) done(failure('IndexInvalid', `${what} is larger than the ${most} bytes that are allowed`));
      else done(null, chunk);
    },
  });
  return { through, result: () => ({ digest: hash.digest('hex'), bytes }) };
}

interface Taking {
  readonly key: string;
  readonly raw: string;
  readonly what: string;
  readonly fetched: Fetched;
  readonly now: number;
}

async function take({ key, raw, what, fetched, now }: Taking): Promise<Kept> {
  const file = `${raw.slice(0, -'.raw'.length)}.lines`;
  try {
    const read = await readInThread(raw, file);
    if (read.kind === 'invalid') throw failure('IndexInvalid', `${what} ${read.why}`);
    const { charts, ...facts } = read.facts;
    const lines = new Map(charts.map((line) => [line.name, line]));
    const index: ChartIndex = {
      ...facts,
      bytes: fetched.bytes,
      names: [...lines.keys()],
      async chart(name) {
        const line = lines.get(name);
        return line === undefined ? null : readLine(file, line);
      },
    };
    const last = charts.at(-1);
    const fileBytes = last === undefined ? 0 : last.offset + last.length;
    const { digest, conditions } = fetched;
    return { key, index, file, fileBytes, digest, conditions, askedAt: now, usedAt: now };
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

async function readLine(file: string, { offset, length }: ChartLine): Promise<IndexedChart> {
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return parseLine(buffer);
  } finally {
    await handle.close();
  }
}

/** Put an index into the place of the one before, and remove those that were not used for longest if it is too much. */
function replace({ kept, limits }: Store, one: Kept): void {
  const before = kept.get(one.key);
  kept.set(one.key, one);
  const gone = before === undefined ? [] : [before];
  let bytes = 0;
  for (const other of [...kept.values()].toSorted((a, b) => b.usedAt - a.usedAt)) {
    bytes += other.fileBytes;
    if (other === one || bytes <= limits.maxKeptBytes) continue;
    kept.delete(other.key);
    gone.push(other);
  }
  for (const { file } of gone) setTimeout(() => void rm(file, { force: true }), LINGER_MS).unref();
}
