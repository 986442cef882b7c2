import { type IndexCutter, type IndexSink, MAX_ENTRY_BYTES, OddLayout } from './entry.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON = 58;
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];
/** Space, tab and the ends of lines. */
const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13);

const MAX_KEY_BYTES = 1_024;

/** Depths: 1 in the document, 2 in `entries`, 3 in the list of a chart, 4 in one of its entries. */
interface State {
  depth: number;
  inString: boolean;
  escaped: boolean;
  /** We are below the key `entries`. */
  inEntries: boolean;
  seen: boolean;
  /** The list of a chart, not another thing in its place. */
  inList: boolean;
  /** A value that is neither list nor object has begun in it. */
  scalar: boolean;
  /** The string that was read last where keys stand, and the key that it turned out to be. */
  text: string;
  key: string;
  capture: Capture | null;
}

/** Bytes that are kept: of a key, or of an entry. */
interface Capture {
  readonly of: 'key' | 'entry';
  parts: Buffer[];
  bytes: number;
  /** In the portion at hand. */
  start: number;
}

/** Cuts an index in JSON, indented or in one line, at its charts and their entries; one entry is in memory at a time. */
export function createJsonCutter(sink: IndexSink): IndexCutter & { readonly seen: () => boolean } {
  const state: State = {
    depth: 0,
    inString: false,
    escaped: false,
    inEntries: false,
    seen: false,
    inList: false,
    scalar: false,
    text: '',
    key: '',
    capture: null,
  };
  return {
    push(portion) {
      if (state.capture !== null) state.capture.start = 0;
      for (let at = 0; at < portion.length; at += 1) {
        const byte = portion[at] ?? 0;
        if (state.inString) takeInString(state, portion, { byte, at });
        else if (!isSpace(byte)) take(state, sink, { portion, byte, at });
      }
      if (state.capture !== null) keep(state.capture, portion, portion.length);
    },
    end() {
      if (state.depth !== 0 || state.inString) throw new OddLayout();
    },
    seen: () => state.seen,
  };
}

interface At {
  readonly byte: number;
  readonly at: number;
}

function takeInString(state: State, portion: Buffer, { byte, at }: At): void {
  if (state.escaped) {
    state.escaped = false;
  } else if (byte === BACKSLASH) {
    state.escaped = true;
  } else if (byte === QUOTE) {
    state.inString = false;
    if (state.capture?.of === 'key') state.text = textOf(release(state, portion, at + 1));
  }
}

function take(state: State, sink: IndexSink, { portion, byte, at }: At & { readonly portion: Buffer }): void {
  if (byte === QUOTE) {
    beginString(state, at);
    noteScalar(state, sink);
  } else if (byte === COLON) {
    if (state.depth === 1) state.key = state.text;
    else if (state.depth === 2 && state.inEntries) beginChart(state, sink);
  } else if (byte === COMMA) {
    state.scalar = false;
  } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
    open(state, sink, { byte, at });
  } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
    close(state, sink, { portion, at });
  } else {
    noteScalar(state, sink);
  }
}

function beginString(state: State, at: number): void {
  state.inString = true;
  if (state.depth <= 2 && state.capture === null) state.capture = { of: 'key', parts: [], bytes: 0, start: at };
}

function beginChart(state: State, sink: IndexSink): void {
  sink.chart(state.text);
  state.scalar = false;
}

/** A null or a word where an entry should be, or in the place of the list. */
function noteScalar(state: State, sink: IndexSink): void {
  const between = state.depth === 3 && state.inList;
  if (!between || state.scalar) return;
  state.scalar = true;
  sink.entry(null);
}

function open(state: State, sink: IndexSink, { byte, at }: At): void {
  if (state.depth === 1 && state.key === 'entries' && byte === OPEN_OBJECT) {
    state.inEntries = true;
    state.seen = true;
  }
  if (state.depth === 2) {
    state.inList = state.inEntries && byte === OPEN_LIST;
    if (state.inEntries && !state.inList) sink.entry(null);
  }
  if (state.depth === 3 && state.inList) {
    if (byte === OPEN_OBJECT) state.capture = { of: 'entry', parts: [], bytes: 0, start: at };
    else sink.entry(null);
  }
  state.depth += 1;
}

function close(
  state: State,
  sink: IndexSink,
  { portion, at }: { readonly portion: Buffer; readonly at: number },
): void {
  state.depth -= 1;
  state.scalar = false;
  if (state.depth < 0) throw new OddLayout();
  if (state.depth === 3 && state.capture?.of === 'entry') sink.entry(parsed(release(state, portion, at + 1)));
  if (state.depth === 2) state.inList = false;
  if (state.depth === 1) state.inEntries = false;
}

function keep(capture: Capture, portion: Buffer, end: number): void {
  const piece = portion.subarray(capture.start, end);
  capture.bytes += piece.length;
  const most = capture.of === 'key' ? MAX_KEY_BYTES : MAX_ENTRY_BYTES;
  // A copy: the portion is written over by the next one.
  if (capture.bytes <= most) capture.parts.push(Buffer.from(piece));
  else capture.parts = [];
}

function release(state: State, portion: Buffer, end: number): Buffer {
  const { capture } = state;
  if (capture === null) return Buffer.alloc(0);
  keep(capture, portion, end);
  state.capture = null;
  return Buffer.concat(capture.parts);
}

function textOf(json: Buffer): string {
  const text = parsed(json);
  return typeof text === 'string' ? text : '';
}

function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    return null;
  }
}
