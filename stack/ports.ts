import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Where the embedded stack listens, on 127.0.0.1, unless the port is taken. */
export const DEFAULT_PORTS = {
  temporal: 7233,
  temporalUi: 8233,
  api: 7400,
  worker: 7401,
  registry: 5500,
  git: 3400,
  kubernetes: 16443,
  etcd: 12379,
  etcdPeer: 12380,
} as const;

export type PortName = keyof typeof DEFAULT_PORTS;
export type Ports = Readonly<Record<PortName, number>>;

export interface ChosenPorts {
  readonly ports: Ports;
  /** The ports that were wanted and taken, for the message. */
  readonly moved: readonly { readonly name: PortName; readonly from: number; readonly to: number }[];
}

/** Takes the kept ports, else the defaults, and for each that is taken a free one; keeps what was chosen. */
export async function choosePorts(file: string): Promise<ChosenPorts> {
  const kept = readPorts(file);
  const ports: Record<PortName, number> = { ...DEFAULT_PORTS };
  const moved: { name: PortName; from: number; to: number }[] = [];
  for (const name of portNames()) {
    const wanted = kept?.[name] ?? DEFAULT_PORTS[name];
    const port = (await isFree(wanted)) ? wanted : await freePort();
    if (port !== wanted) moved.push({ name, from: wanted, to: port });
    ports[name] = port;
  }
  writeFileSync(file, `${JSON.stringify(ports, null, 2)}\n`, { mode: 0o600 });
  return { ports, moved };
}

/** The ports kept by an earlier start; null when there are none that can be read. */
export function readPorts(file: string): Partial<Ports> | null {
  if (!existsSync(file)) return null;
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const entries = Object.entries(value).filter(
      (entry): entry is [PortName, number] => entry[0] in DEFAULT_PORTS && isPort(entry[1]),
    );
    // The filter proves names and values.
    return Object.fromEntries(entries);
  } catch {
    return null;
  }
}

function portNames(): PortName[] {
  // Keys of a constant of our own.
  return Object.keys(DEFAULT_PORTS) as PortName[];
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => {
        resolve(false);
      })
      .listen({ port, host: '127.0.0.1', exclusive: true }, () => {
        server.close(() => {
          resolve(true);
        });
      });
  });
}

/** As many ports as a process takes. */
const PER_PROCESS = 40;
/** As many as a test file takes; a place of the test runner has one of them at a time. */
const PER_TEST_FILE = 500;

const range = rangeOf(process.env['NODE_TEST_WORKER_ID']);
let next = range.offset;

/**
 * Where ports are looked for. What was free a moment ago is still to be listened at, so test files that run at the same
 * time keep out of each other's way, and others out of theirs.
 */
function rangeOf(place: string | undefined): {
  readonly first: number;
  readonly count: number;
  readonly offset: number;
} {
  const count = 5_000;
  if (place === undefined) return { first: 25_000, count, offset: process.pid * PER_PROCESS };
  return { first: 20_000, count, offset: Number(place) * PER_TEST_FILE };
}

/** A port that was free a moment ago, below the range from which the system gives out ports for connections. */
export async function freePort(): Promise<number> {
  const { first, count } = range;
  for (let tries = 0; tries < count; tries += 1) {
    const port = first + (next % count);
    next += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found between ${first} and ${first + count} on 127.0.0.1`);
}

/** A set of ports of one's own, for tests. */
export async function freePorts(): Promise<Ports> {
  const ports: Record<PortName, number> = { ...DEFAULT_PORTS };
  for (const name of portNames()) ports[name] = await freePort();
  return ports;
}
