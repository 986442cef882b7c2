import { goDurations } from '../go-duration.ts';

const read = goDurations({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000 });

/** Milliseconds of a duration as Go writes it (`1h30m`, `1.5h`, `500ms`), or null when it is none. */
export function parseDuration(text: string): number | null {
  const ms = read(text);
  return ms === null ? null : Math.round(ms);
}
