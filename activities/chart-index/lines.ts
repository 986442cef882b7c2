import { createHash } from 'node:crypto';
import { compareForChoice, parseVersion } from '../semver/version.ts';
import { type IndexedChart, type IndexEntry, type IndexSink, toEntry } from './entry.ts';

/** A chart's line in the file of lines. */
export interface ChartLine {
  readonly name: string;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

export interface ReadLines {
  readonly charts: readonly ChartLine[];
  readonly versions: number;
  /** Entries that are left out: null, without version or address, twice there, or beyond a limit. */
  readonly skipped: number;
  /** Of charts, versions, digests and addresses; what does not change what can be installed does not change it. */
  readonly digest: string;
}

export interface LineWriter extends IndexSink {
  end(): ReadLines;
}

/** A chart of more is left out; it would have to be held in memory as a whole. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const MAX_NAME = 256;

interface Open {
  readonly name: string;
  readonly entries: string[];
  bytes: number;
  description: string | null;
}

/** Writes the charts of an index as lines of JSON; a chart of which nothing can be installed is left out. */
export function createLineWriter(write: (line: Buffer) => void): LineWriter {
  const charts = new Map<string, ChartLine>();
  const hash = createHash('sha256');
  let open: Open | null = null;
  let [offset, versions, skipped] = [0, 0, 0];

  const finish = (): void => {
    if (open !== null && open.bytes > MAX_LINE_BYTES) skipped += open.entries.length;
    else if (open !== null && open.entries.length > 0) add(open);
    open = null;
  };
  const add = ({ name, entries, description }: Open): void => {
    const head = JSON.stringify({ name, description }).slice(0, -1);
    const line = Buffer.from(`${head},"versions":[${entries.join(',')}]}\n`);
    charts.set(name, { name, offset, length: line.length });
    offset += line.length;
    versions += entries.length;
    write(line);
  };
  return {
    chart(name) {
      finish();
      // The second one of a name is left out with its entries.
      const usable = name !== '' && name.length <= MAX_NAME && !charts.has(name);
      open = usable ? { name, entries: [], bytes: 0, description: null } : null;
    },
    entry(value) {
      const entry = toEntry(value);
      if (open === null || entry === null) {
        skipped += 1;
        return;
      }
      const { description, ...kept } = entry;
      const text = JSON.stringify(kept);
      open.description ??= description;
      open.bytes += text.length;
      if (open.bytes <= MAX_LINE_BYTES) open.entries.push(text);
      else skipped += 1;
      hash.update(JSON.stringify([open.name, kept.version, kept.digest, kept.url]));
    },
    end() {
      finish();
      return { charts: [...charts.values()], versions, skipped, digest: `sha256:${hash.digest('hex')}` };
    },
  };
}

/** Newest first; what is no version comes last. */
export function newestFirst(versions: readonly IndexEntry[]): readonly IndexEntry[] {
  return versions
    .map((entry) => ({ entry, version: parseVersion(entry.version) }))
    .toSorted((a, b) => {
      if (a.version === null || b.version === null) return Number(a.version === null) - Number(b.version === null);
      return compareForChoice(b.version, a.version);
    })
    .map(({ entry }) => entry);
}

/** A line as it was written. */
export function parseLine(line: Buffer): IndexedChart {
  return JSON.parse(line.toString('utf8')) as IndexedChart; // written by `createLineWriter`
}
