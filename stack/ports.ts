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

const FIRST = 20_000;
const COUNT = 10_000;
/** As many as a test file takes, so that files that run at the same time do not choose the same ports. */
const PER_PROCESS = 40;

let next = process.pid * PER_PROCESS;

/** A port that was free a moment ago, below the range from which the system gives out ports for connections. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    const port = FIRST + (next % COUNT);
    next += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found between ${FIRST} and ${FIRST + COUNT} on 127.0.0.1`);
}

/** A set of ports of one's own, for tests. */
export async function freePorts(): Promise<Ports> {
  const ports: Record<PortName, number> = { ...DEFAULT_PORTS };
  for (const name of portNames()) ports[name] = await freePort();
  return ports;
}
