/** What `oras --debug` has written to stderr, taken apart. */
export interface Trace {
  /** Why it failed, without the questions and answers before: those quote whole bodies. */
  readonly words: string;
  /** Of the last answer that came; null: none came. */
  readonly answer: { readonly status: number; readonly retryAfter: string | null } | null;
}

const ANSWER = /^< Response Status: "(\d{3})[^"\n]*"\n< Response headers:\n((?: {3}"[^\n]*\n)*)/gm;
const RETRY_AFTER = /^ {3}"Retry-After": "([^"]*)"$/m;

export function readTrace(stderr: string): Trace {
  const [, status, headers = ''] = [...stderr.matchAll(ANSWER)].at(-1) ?? [];
  const error = [...stderr.matchAll(/^Error/gm)].at(-1);
  return {
    words: error === undefined ? stderr : stderr.slice(error.index),
    answer:
      status === undefined ? null : { status: Number(status), retryAfter: RETRY_AFTER.exec(headers)?.[1] ?? null },
  };
}
