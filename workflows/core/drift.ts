import { AFTER_WRITE, delayAfter } from './backoff.ts';
import type { Failure } from './failures.ts';
import type { Instant } from './ids.ts';
import type { Action, CorrectedField, Desired, Drift, DriftedObject, DriftMemory, History } from './model.ts';

/** So often in a row a field is corrected before it is left to whoever changes it again and again. */
const MOST_TIMES = 5;
/** What is remembered is bounded, and so is what is told of one comparison: the same comes first each time. */
const MAX_REMEMBERED = 50;
const MAX_SHOWN = 3;

/** What is done about a revision that differs in the cluster from what Helm sent. */
export function correct(
  { revision, drift }: { readonly revision: number; readonly drift: Drift },
  desired: Desired,
  { history, now }: { readonly history: History; readonly now: Instant },
): Action {
  if (desired.drift !== 'enabled') return { kind: 'none' };
  const memory = memoryOf(revision, history);
  const contest = memory === null ? null : contested(drift, memory);
  if (contest !== null) return { kind: 'stall', failure: contest };
  const failed = memory?.failed ?? null;
  if (failed !== null && failed.retryAt > now) {
    return { kind: 'hold', until: failed.retryAt, failure: failed.failure };
  }
  return { kind: 'correct', revision, because: driftText(drift) };
}

/** What is remembered of a revision; another revision begins anew. */
export function memoryOf(revision: number, { drift }: History): DriftMemory | null {
  return drift?.revision === revision ? drift : null;
}

/**
 * Note how a revision was seen. What was corrected and has not come back for half an interval is no contest: looks that
 * follow a correction at once tell nothing.
 */
export function noteDrift(
  history: History,
  { revision, drift }: { readonly revision: number; readonly drift: Drift },
  { at, intervalMs }: { readonly at: Instant; readonly intervalMs: number },
): History {
  const before = memoryOf(revision, history);
  const drifted = new Set(drift.objects.flatMap(fieldsOf));
  const corrected = (before?.corrected ?? []).filter((one) => drifted.has(one.field) || at - one.at < intervalMs / 2);
  const failed = drift.count === 0 ? null : (before?.failed ?? null);
  return { ...history, drift: { revision, seen: drift, corrected, failed } };
}

/** Note what a correction has corrected, and what it could not. */
export function noteCorrection(
  history: History,
  { revision, drift }: { readonly revision: number; readonly drift: Drift },
  at: Instant,
): History {
  const before = memoryOf(revision, history);
  const known = new Map((before?.corrected ?? []).map((one) => [one.field, one]));
  for (const field of drift.objects.flatMap(fieldsOf)) {
    const times = (known.get(field)?.times ?? 0) + 1;
    // Newest last: the oldest are forgotten first.
    known.delete(field);
    known.set(field, { field, times, at });
  }
  const corrected: readonly CorrectedField[] = [...known.values()].slice(-MAX_REMEMBERED);
  return {
    ...history,
    drift: { revision, seen: before?.seen ?? drift, corrected, failed: failedOf(drift, before, at) },
  };
}

function failedOf({ failed }: Drift, before: DriftMemory | null, at: Instant): DriftMemory['failed'] {
  const [first] = failed;
  if (first === undefined) return null;
  const count = (before?.failed?.count ?? 0) + 1;
  const failure: Failure = {
    code: 'DriftNotCorrected',
    message: `drift could not be corrected: ${failedText(failed)}`,
  };
  return { failure, count, retryAt: at + delayAfter(count, AFTER_WRITE) };
}

function contested({ objects }: Drift, { corrected }: DriftMemory): Failure | null {
  const times = new Map(corrected.map((one) => [one.field, one.times]));
  const fields = objects.flatMap((one) =>
    fieldsOf(one)
      .filter((field) => (times.get(field) ?? 0) >= MOST_TIMES)
      .map((field) => (one.managers.length === 0 ? field : `${field} (${one.managers.join(', ')})`)),
  );
  if (fields.length === 0) return null;
  const message = `corrected ${MOST_TIMES} times in a row, and changed again by another hand: ${few(fields)}; stop the other hand or add the field to spec.driftDetection.ignore, then ask for a sync with reset`;
  return { code: 'DriftContested', message };
}

/** What is told apart when something comes back: fields, or objects that are missing. */
function fieldsOf({ object, fields, missing }: DriftedObject): readonly string[] {
  return missing ? [object] : fields.map((field) => `${object} ${field}`);
}

/** What differs, for people: objects, fields, and who changed them. */
export function driftText({ objects, count }: Drift): string {
  const shown = objects.slice(0, MAX_SHOWN).map(objectText);
  return shown.join('; ') + (count > shown.length ? `; and ${count - shown.length} more objects` : '');
}

function objectText({ object, fields, fieldCount, missing, managers }: DriftedObject): string {
  if (missing) return `${object} is missing`;
  const shown = fields.slice(0, MAX_SHOWN);
  const more = fieldCount > shown.length ? ` and ${fieldCount - shown.length} more fields` : '';
  const by = managers.length === 0 ? '' : ` (by ${managers.join(', ')})`;
  return `${object} ${shown.join(', ')}${more}${by}`;
}

/** What could not be compared or corrected, for people. */
export function failedText(failed: Drift['failed']): string {
  return few(failed.map(({ object, reason }) => `${object}: ${reason}`));
}

function few(texts: readonly string[]): string {
  const shown = texts.slice(0, MAX_SHOWN);
  return shown.join('; ') + (texts.length > shown.length ? `; and ${texts.length - shown.length} more` : '');
}

interface Found {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** The state of the condition `Drifted`, as Flux names it. */
export function driftFound(drift: Drift): Found {
  const { count, failed } = drift;
  if (count > 0) return { status: 'True', reason: 'DriftDetected', message: driftText(drift) };
  if (failed.length === 0) {
    return { status: 'False', reason: 'NoDriftDetected', message: 'every object is as Helm sent it' };
  }
  return { status: 'Unknown', reason: 'NotCompared', message: `not compared: ${failedText(failed)}` };
}
