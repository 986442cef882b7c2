import { closeSync, openSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { OddLayout, type IndexedChart, type IndexCutter, type IndexSink } from './entry.ts';
import { createJsonCutter } from './json-cutter.ts';
import { createLineWriter, newestFirst, parseLine, type ChartLine, type ReadLines } from './lines.ts';
import { createYamlCutter } from './yaml-cutter.ts';
import { parseAsText } from './yaml-scalar.ts';

/** What an index holds, beside its lines. */
export interface IndexFacts extends ReadLines {
  /** The first charts by name, with their newest versions: for people to see. */
  readonly shown: readonly IndexedChart[];
}

export type ReadIndex =
  { readonly kind: 'read'; readonly facts: IndexFacts } | { readonly kind: 'invalid'; readonly why: string };

const PORTION_BYTES = 64 * 1024;
/** What is laid out in another way than generators do is parsed as a whole up to this size. */
export const MAX_ODD_BYTES = 2 * 1024 * 1024;
const MAX_SHOWN_CHARTS = 100;
const MAX_SHOWN_VERSIONS = 5;

/**
 * Read an index of a chart repository, YAML or JSON, and write its charts as lines of JSON. It blocks until it is done,
 * so it belongs into a thread of its own; memory does not grow with the index.
 */
export function readIndex(from: string, to: string): ReadIndex {
  try {
    return { kind: 'read', facts: readCut(from, to) };
  } catch (error) {
    if (!(error instanceof OddLayout)) throw error;
  }
  if (statSync(from).size > MAX_ODD_BYTES) {
    const why = `is laid out in a way that can be read up to ${MAX_ODD_BYTES} bytes only; make it with helm repo index`;
    return { kind: 'invalid', why };
  }
  const index = parseAsText(readFileSync(from, 'utf8'));
  const entries = typeof index === 'object' && index !== null && 'entries' in index ? index.entries : undefined;
  if (typeof entries !== 'object' || Array.isArray(entries))
    return { kind: 'invalid', why: 'is no index of a chart repository' };
  const facts = writing(to, (sink) => {
    handOn(entries ?? {}, sink);
  });
  return { kind: 'read', facts };
}

/** Throws `OddLayout`. */
function readCut(from: string, to: string): IndexFacts {
  return writing(to, (sink) => {
    const file = openSync(from, 'r');
    try {
      cut(file, sink);
    } finally {
      closeSync(file);
    }
  });
}

function cut(file: number, sink: IndexSink): void {
  const buffer = Buffer.alloc(PORTION_BYTES);
  let cutter: (IndexCutter & { readonly seen: () => boolean }) | null = null;
  for (;;) {
    const portion = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, null));
    if (portion.length === 0) break;
    cutter ??= /^\uFEFF?\s*\{/.test(portion.toString('utf8')) ? createJsonCutter(sink) : createYamlCutter(sink);
    cutter.push(portion);
  }
  cutter?.end();
  if (cutter?.seen() !== true) throw new OddLayout();
}

/** Run a reader, and put what it finds into the file of lines. */
function writing(to: string, read: (sink: IndexSink) => void): IndexFacts {
  const file = openSync(to, 'w+', 0o600);
  try {
    const output = createBuffered(file);
    const writer = createLineWriter(output.write);
    read(writer);
    const lines = writer.end();
    output.flush();
    return { ...lines, shown: shownOf(file, lines.charts) };
  } finally {
    closeSync(file);
  }
}

function createBuffered(file: number): { readonly write: (line: Buffer) => void; readonly flush: () => void } {
  let [lines, bytes]: [Buffer[], number] = [[], 0];
  const flush = (): void => {
    writeSync(file, Buffer.concat(lines));
    [lines, bytes] = [[], 0];
  };
  return {
    write(line) {
      lines.push(line);
      bytes += line.length;
      if (bytes >= PORTION_BYTES) flush();
    },
    flush,
  };
}

function shownOf(file: number, charts: readonly ChartLine[]): readonly IndexedChart[] {
  return charts
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, MAX_SHOWN_CHARTS)
    .map(({ offset, length }) => {
      const line = Buffer.alloc(length);
      readSync(file, line, 0, length, offset);
      const { name, description, versions } = parseLine(line);
      return { name, description, versions: newestFirst(versions).slice(0, MAX_SHOWN_VERSIONS) };
    });
}

/** An index that was parsed as a whole. */
function handOn(entries: object, sink: IndexSink): void {
  for (const [name, list] of Object.entries(entries)) {
    sink.chart(name);
    if (!Array.isArray(list)) sink.entry(null);
    else for (const entry of list as readonly unknown[]) sink.entry(entry);
  }
}
