import { goDurations } from '../go-duration.ts';

const SHORTEST_MS = 1_000;
/** A server that asks for more is asked again after this, and may then say it again. */
const LONGEST_MS = 15 * 60_000;

const readDuration = goDurations({
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
});

/**
 * How long a server wants to be left alone, from `Retry-After`: seconds, the date of the end, or, as GHCR writes it, a
 * duration of Go. Null: it says nothing that can be read.
 */
export function parseRetryAfter(text: string | null, now: number): number | null {
  const wanted = wantedMs((text ?? '').trim(), now);
  return wanted === null ? null : Math.round(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, wanted)));
}

function wantedMs(text: string, now: number): number | null {
  if (/^[0-9]+$/.test(text)) return Number(text) * 1_000;
  const duration = readDuration(text);
  if (duration !== null) return duration;
  // Only the forms of HTTP, which all begin with the name of a day; `Date.parse` takes a bare number for a year.
  const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : date - now;
}

/** The same, from the sentence of an answer: `toomanyrequests: retry-after: 880.092µs, allowed: 44000/minute`. */
export function retryAfterIn(body: string): string | null {
  return /retry-after:\s*([0-9.]+[a-zµμ]*)/i.exec(body)?.[1] ?? null;
}
