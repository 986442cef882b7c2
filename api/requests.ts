import { setTimeout as sleep } from 'node:timers/promises';
import type { Ask, ObjectRef } from '../workflows/contract.ts';
import type { RequestOutcome } from '../workflows/core/model.ts';
import type { Entities, Kind } from './entities.ts';
import { Problem, toProblem } from './problems.ts';

/** How a request fares: its own outcome, and that of the source that is synced before it. */
export interface Progress {
  readonly outcome: RequestOutcome;
  readonly source: { readonly repository: ObjectRef; readonly outcome: RequestOutcome } | null;
}

/** Queries cost the worker a task each, so they become rarer. */
const POLL_MS = { first: 150, factor: 1.5, cap: 2_000 } as const;
/** A source that takes longer than this is not waited for: its changes wake the release by themselves. */
const SOURCE_MS = 120_000;

/** A sync of a release whose source is not done yet. */
interface Waiting {
  readonly repository: ObjectRef;
  readonly done: Promise<void>;
}

/** The part of a request's life that outlasts one call to Temporal. */
export class Requests {
  readonly #entities: Entities;
  readonly #onError: (err: unknown, ref: ObjectRef) => void;
  readonly #stopping = new AbortController();
  readonly #waiting = new Map<string, Waiting>();

  /** `onError` hears of what fails after the caller was answered. */
  constructor(entities: Entities, onError: (err: unknown, ref: ObjectRef) => void) {
    this.#entities = entities;
    this.#onError = onError;
  }

  /**
   * Sync the GitRepository that a release came from and, when that is done, the release. The source has accepted when
   * this returns; the rest goes on without the caller. Should this process die meanwhile, the release still gets what
   * the source changes, from the watcher.
   */
  async syncWithSource(ref: ObjectRef, ask: Ask): Promise<void> {
    const key = keyOf(ref, ask.id);
    if (this.#waiting.has(key)) return;
    const { source } = await this.#entities.releaseStatus(ref);
    if (source === null || !(await this.#tellSource(source.repository, ask))) {
      await this.#entities.tell('HelmRelease', ref, { kind: 'sync', ask });
      return;
    }
    const { repository } = source;
    const done = this.#syncAfter(ref, repository, ask)
      .catch((err: unknown) => {
        this.#onError(err, ref);
      })
      .finally(() => this.#waiting.delete(key));
    this.#waiting.set(key, { repository, done });
  }

  /** What is known now. */
  async read(kind: Kind, ref: ObjectRef, request: string): Promise<Progress> {
    const source = kind === 'HelmRelease' ? await this.#readSource(ref, request) : null;
    const outcome: RequestOutcome = this.#waiting.has(keyOf(ref, request))
      ? { kind: 'pending' }
      : await this.#entities.outcome(kind, ref, request);
    return { outcome, source };
  }

  /**
   * What is known when the request is settled or `timeoutMs` are over. A worker that is away for a while does not end
   * the waiting: the request has been accepted.
   */
  async follow(
    kind: Kind,
    ref: ObjectRef,
    { request, timeoutMs }: { request: string; timeoutMs: number },
  ): Promise<Progress> {
    const deadline = Date.now() + timeoutMs;
    const waiting = this.#waiting.get(keyOf(ref, request));
    if (waiting !== undefined) await Promise.race([waiting.done, this.#pause(timeoutMs)]);
    if (!this.#waiting.has(keyOf(ref, request))) await this.#settle({ kind, ref, request }, deadline);
    return patiently(() => this.read(kind, ref, request), { outcome: { kind: 'pending' }, source: null });
  }

  /** Hand over at once what still waits for a source, and end all waiting. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#waiting.values()].map(({ done }) => done));
  }

  async #syncAfter(ref: ObjectRef, repository: ObjectRef, ask: Ask): Promise<void> {
    await this.#settle({ kind: 'GitRepository', ref: repository, request: ask.id }, Date.now() + SOURCE_MS).catch(
      (err: unknown) => {
        this.#onError(err, repository); // the release is synced all the same, to what the cluster holds
      },
    );
    await this.#entities.tell('HelmRelease', ref, { kind: 'sync', ask });
  }

  /** False when the source is gone: its releases stay, and are synced alone. */
  async #tellSource(repository: ObjectRef, ask: Ask): Promise<boolean> {
    try {
      await this.#entities.tell('GitRepository', repository, { kind: 'sync', ask });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #readSource(ref: ObjectRef, request: string): Promise<Progress['source']> {
    const waiting = this.#waiting.get(keyOf(ref, request));
    const repository = waiting?.repository ?? (await this.#entities.releaseStatus(ref)).source?.repository;
    if (repository === undefined) return null;
    try {
      const outcome = await this.#entities.outcome('GitRepository', repository, request);
      return outcome.kind === 'unknown' ? null : { repository, outcome };
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async #settle(subject: { kind: Kind; ref: ObjectRef; request: string }, deadline: number): Promise<void> {
    const { kind, ref, request } = subject;
    const pending: RequestOutcome = { kind: 'pending' };
    let pauseMs: number = POLL_MS.first;
    while (Date.now() < deadline && !this.#stopping.signal.aborted) {
      const { kind: state } = await patiently(() => this.#entities.outcome(kind, ref, request), pending);
      if (state !== 'pending') return;
      await this.#pause(Math.min(pauseMs, deadline - Date.now()));
      pauseMs = Math.min(POLL_MS.cap, pauseMs * POLL_MS.factor);
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await sleep(Math.max(0, ms), undefined, { signal: this.#stopping.signal });
    } catch {
      // stopping: whoever waits looks at the signal, or answers with what is known
    }
  }
}

function keyOf({ namespace, name }: ObjectRef, request: string): string {
  return `${namespace}/${name}/${request}`;
}

/** The object that was asked about is not there, or not any more. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Problem && error.kind === 'object-not-found';
}

/** Temporal or the worker being away, which passes, reads as `instead`. */
async function patiently<T>(read: () => Promise<T>, instead: T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (toProblem(error).status !== 503) throw error;
    return instead;
  }
}
