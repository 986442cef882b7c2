import { runInNewContext } from 'node:vm';
import { failure } from '../../failures.ts';

/** A pattern and the text that it has to fit as a whole. */
export type Question = readonly [pattern: string, text: string];

export function isPattern(text: string): boolean {
  try {
    return new RegExp(text).source !== '';
  } catch {
    return false;
  }
}

const LIMIT_MS = 1_000;
const PROGRAM = 'JSON.stringify(JSON.parse(json).map(([p, t]) => new RegExp("^(?:" + p + ")$").test(t)))';

/**
 * Whether texts fit regular expressions that users wrote. Those of Go, which Flux has, cannot run away; these can, so
 * they run where they are stopped.
 */
export function fitPatterns(questions: readonly Question[]): readonly boolean[] {
  if (questions.length === 0) return [];
  try {
    const answer: unknown = runInNewContext(PROGRAM, { json: JSON.stringify(questions) }, { timeout: LIMIT_MS });
    return JSON.parse(String(answer)) as boolean[]; // by the program above
  } catch (error) {
    throw failure('SpecInvalid', 'a pattern of spec.driftDetection.ignore takes too long; make it simpler', error);
  }
}
