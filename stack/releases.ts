/** The HelmReleases of a cluster as they change, read through `kubectl get --watch`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { kubectlCommand, type KubectlTarget } from './kubectl.ts';

export interface Release {
  readonly namespace: string;
  readonly name: string;
  readonly chart: string;
  readonly version: string;
  /** Of the current generation; Unknown while nothing is said about it. */
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly stalled: boolean;
}

const Condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().default(''),
  message: z.string().default(''),
  observedGeneration: z.number().optional(),
});

const WatchEvent = z.object({
  type: z.string(),
  object: z.object({
    metadata: z.object({ namespace: z.string(), name: z.string(), generation: z.number() }),
    spec: z.object({
      chart: z.object({
        name: z.string().optional(),
        version: z.string().default(''),
        ociRepository: z.string().default(''),
      }),
    }),
    status: z.object({ conditions: z.array(Condition).default([]) }).default({ conditions: [] }),
  }),
});

export interface ReleaseWatch {
  readonly releases: ReadonlyMap<string, Release>;
  stop(): void;
}

const RETRY_MS = 1000;

/** Calls back after each change; goes on by itself when the API server was away. */
export function watchReleases(target: KubectlTarget, onChange: () => void): ReleaseWatch {
  const releases = new Map<string, Release>();
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | null = null;
  const take = (text: string): void => {
    const event = parseEvent(text);
    if (event === null) return;
    const key = `${event.release.namespace}/${event.release.name}`;
    if (event.deleted) releases.delete(key);
    else releases.set(key, event.release);
    onChange();
  };
  const run = (): void => {
    const { command, args, env } = kubectlCommand(target, [
      'get',
      'helmreleases.helm-operator.ketches.cn',
      '--all-namespaces',
      '--watch',
      '--output-watch-events',
      '--output=json',
    ]);
    const started = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    child = started;
    // kubectl writes watch events one to a line.
    createInterface({ input: started.stdout }).on('line', take);
    started.once('error', () => undefined);
    started.once('close', () => {
      if (child === started) timer = setTimeout(run, RETRY_MS);
    });
  };
  run();
  return {
    releases,
    stop() {
      const running = child;
      child = null;
      running?.kill('SIGTERM');
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function parseEvent(text: string): { readonly deleted: boolean; readonly release: Release } | null {
  const parsed = WatchEvent.safeParse(JSON.parse(text));
  if (!parsed.success) return null;
  const { metadata, spec, status } = parsed.data.object;
  const current = status.conditions.filter(
    ({ observedGeneration }) => observedGeneration === undefined || observedGeneration === metadata.generation,
  );
  const { status: ready, reason, message } = current.find(({ type }) => type === 'Ready') ?? NOTHING_SAID;
  const { name, ociRepository, version } = spec.chart;
  return {
    deleted: parsed.data.type === 'DELETED',
    release: {
      namespace: metadata.namespace,
      name: metadata.name,
      chart: name ?? ociRepository.split('/').at(-1) ?? '',
      version,
      ready,
      reason,
      message,
      stalled: current.some(({ type, status: value }) => type === 'Stalled' && value === 'True'),
    },
  };
}

const NOTHING_SAID = { status: 'Unknown', reason: '', message: '' } as const;
