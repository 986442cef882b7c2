import { type IndexCutter, type IndexSink, MAX_ENTRY_BYTES, OddLayout } from './entry.ts';
import { indentOf, isDash, isEmpty, readYamlEntry, splitKey } from './yaml-entry.ts';
import { decodeScalar } from './yaml-scalar.ts';

/** No generator writes longer ones: values of annotations are folded, or parts of an entry that is too long anyway. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/**
 * Cuts an index in YAML at its charts and their entries, by indentation alone: one entry is in memory at a time, and of
 * it only what counts is decoded. Whatever Go's, Ruby's, Python's and JavaScript's writers lay out as blocks is such an
 * index. Throws `OddLayout` for the rest, which one has to parse as a whole.
 */
export function createYamlCutter(sink: IndexSink): IndexCutter & { readonly seen: () => boolean } {
  const lines = createLines(sink);
  let carried: readonly Buffer[] = [];
  return {
    push(portion) {
      const end = portion.lastIndexOf(10) + 1;
      if (end > 0) {
        const text = Buffer.concat([...carried, portion.subarray(0, end)]).toString('utf8');
        for (const line of text.slice(0, -1).split('\n')) lines.take(line.endsWith('\r') ? line.slice(0, -1) : line);
        carried = [];
      }
      // A copy: the portion is written over by the next one.
      carried = [...carried, Buffer.from(portion.subarray(end))];
      if (carried.reduce((sum, { length }) => sum + length, 0) > MAX_LINE_BYTES) throw new OddLayout();
    },
    end() {
      lines.take(Buffer.concat(carried).toString('utf8').trimEnd());
      lines.end();
    },
    seen: lines.seen,
  };
}

/** Where we are, and the columns at which things stand there. */
interface State {
  place: 'top' | 'entries';
  /** `entries` was there. */
  seen: boolean;
  /** Column of the charts' names. */
  charts: number | null;
  /** What follows a chart's name: nothing yet, a list whose dashes stand at `dash`, or something that is no list. */
  chart: 'none' | 'open' | 'list' | 'broken';
  dash: number;
  entry: string[] | null;
  entryBytes: number;
}

interface Lines {
  take(line: string): void;
  end(): void;
  readonly seen: () => boolean;
}

function createLines(sink: IndexSink): Lines {
  const state: State = {
    place: 'top',
    seen: false,
    charts: null,
    chart: 'none',
    dash: 0,
    entry: null,
    entryBytes: 0,
  };
  return {
    take(line) {
      if (state.place === 'top') takeTop(state, line.startsWith('\uFEFF') ? line.slice(1) : line);
      else takeEntries(state, sink, line);
    },
    end() {
      finish(state, sink);
    },
    seen: () => state.seen,
  };
}

/** Everything but `entries` is passed over; what is indented belongs to it. */
function takeTop(state: State, line: string): void {
  if (isEmpty(line) || line.startsWith(' ') || line.startsWith('%')) return;
  if (isDash(line, 0) || (/^---\s*$/.test(line) && !state.seen)) return;
  const split = splitKey(line);
  if (split === null) throw new OddLayout();
  if (split.key !== 'entries') return;
  if (state.seen) throw new OddLayout();
  state.seen = true;
  if (/^\{\s*\}/.test(split.rest)) return;
  if (decodeScalar(split.rest) !== null) throw new OddLayout();
  state.place = 'entries';
}

function takeEntries(state: State, sink: IndexSink, line: string): void {
  if (isEmpty(line)) {
    addToEntry(state, line);
    return;
  }
  const indent = indentOf(line);
  if (indent === 0) {
    finish(state, sink);
    state.place = 'top';
    if (isDash(line, 0)) throw new OddLayout();
    takeTop(state, line);
    return;
  }
  state.charts ??= indent;
  if (indent < state.charts) throw new OddLayout();
  if (indent === state.charts && !isDash(line, indent)) beginChart(state, sink, line.slice(indent));
  else takeInChart(state, sink, { line, indent });
}

function takeInChart(
  state: State,
  sink: IndexSink,
  { line, indent }: { readonly line: string; readonly indent: number },
): void {
  const dashed = isDash(line, indent);
  if (state.chart === 'none') throw new OddLayout();
  if (state.chart === 'open') {
    state.chart = dashed ? 'list' : 'broken';
    state.dash = indent;
    if (!dashed) sink.entry(null);
  }
  if (state.chart === 'broken') return;
  if (indent < state.dash || (indent === state.dash && !dashed)) throw new OddLayout();
  if (indent === state.dash) {
    finish(state, sink);
    state.entry = [];
  }
  addToEntry(state, line);
}

function beginChart(state: State, sink: IndexSink, text: string): void {
  finish(state, sink);
  const split = splitKey(text);
  if (split === null) throw new OddLayout();
  sink.chart(split.key);
  const { rest } = split;
  if (decodeScalar(rest) === null) {
    // Nothing, which may still be followed by a list, or a null that is written out.
    state.chart = 'open';
  } else if (/^\[\s*\]\s*(?:\s#.*)?$/.test(rest)) {
    state.chart = 'none';
  } else {
    throw new OddLayout();
  }
}

function addToEntry(state: State, line: string): void {
  if (state.entry === null) return;
  state.entryBytes += line.length;
  if (state.entryBytes <= MAX_ENTRY_BYTES) state.entry.push(line);
}

/** Hand on the entry that is complete by now. */
function finish(state: State, sink: IndexSink): void {
  const { entry, entryBytes } = state;
  if (entry !== null) sink.entry(entryBytes > MAX_ENTRY_BYTES ? null : (readYamlEntry(entry, state.dash) ?? null));
  state.entry = null;
  state.entryBytes = 0;
}
