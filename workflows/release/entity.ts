import { condition } from '@temporalio/workflow';
import type { ReportedEvent } from '../../activities/types.ts';
import type { EntityInput } from '../contract.ts';
import type { Failure } from '../core/failures.ts';
import { EMPTY_HISTORY } from '../core/history.ts';
import { entityId, jitterOf, type Instant } from '../core/ids.ts';
import type { Action, AttemptRecord, History, Look } from '../core/model.ts';

/** What a `helmRelease` workflow holds in memory between two commands. Only `history` survives its run. */
export interface Entity {
  readonly input: EntityInput<History>;
  readonly id: string;
  history: History;
  look: Look;
  action: Action;
  running: AttemptRecord | null;
  /** Label of the attempt that said last that it waits for its objects. */
  waitBegan: string | null;
  /** Set by every message; cleared when a look begins. */
  woken: boolean;
  /** Look again at this moment, whatever happens. */
  nextLookAt: Instant | null;
  /** Looks or reports that failed in a row: the API server is away. */
  trouble: { readonly failure: Failure; readonly count: number } | null;
  /** Not yet written Events. */
  events: ReportedEvent[];
  /** The report that was last written, to write only what changed. */
  reported: string | null;
  /** Failure for which an Event was written. */
  announced: string | null;
  /** Attributes last upserted, as text. */
  attributes: string | null;
}

/** A fresh memory, or the one that the previous run carried over. */
export function createEntity(input: EntityInput<History>): Entity {
  return {
    input,
    id: entityId(input.cluster, 'HelmRelease', input.ref),
    history: input.history ?? EMPTY_HISTORY,
    look: { object: null, stored: null },
    action: { kind: 'none' },
    running: null,
    waitBegan: null,
    woken: false,
    nextLookAt: null,
    trouble: null,
    events: [],
    reported: null,
    announced: input.history?.lastFailure?.message ?? null,
    attributes: null,
  };
}

/** Wait for a message until a moment; the summary is what people read beside the timer in the Temporal UI. */
export async function sleepUntil(entity: Entity, until: Instant, summary: string): Promise<void> {
  entity.nextLookAt = until;
  if (!entity.woken) await condition(() => entity.woken, Math.max(1, until - Date.now()), { summary });
  entity.nextLookAt = null;
}

/** The next look of an idle release: its interval, spread by up to a tenth so that many do not wake together. */
export function nextInterval(entity: Entity): Instant {
  const intervalMs = entity.look.object?.intervalMs ?? 60_000;
  return Date.now() + Math.round(intervalMs * (0.95 + 0.1 * jitterOf(entity.id)));
}
