import type { FailureCode } from '../../workflows/core/failures.ts';
import { failure, type HoldfastError } from '../failures.ts';
import type { Redact } from './redact.ts';

interface Row {
  readonly pattern: RegExp;
  readonly code: FailureCode;
  /** Put before helm's own words; what a person can do about it. */
  readonly hint?: string;
}

/** What helm says when it has written nothing, most special first. What could be provoked has a recorded sample in the tests. */
const ROWS: readonly Row[] = [
  { pattern: /no space left on device/, code: 'DiskFull', hint: 'no space left on the worker' },
  {
    pattern:
      /kubernetes cluster unreachable|connection refused|no such host|i\/o timeout|TLS handshake timeout|the server is currently unable|etcdserver: |: EOF$/m,
    code: 'ClusterUnreachable',
  },
  {
    pattern: /namespaces "[^"]*" not found/,
    code: 'NamespaceNotFound',
    hint: 'create the namespace of the release, or let spec.release.createNamespace do it',
  },
  {
    pattern: /\bis forbidden: |\bforbidden: User /,
    code: 'Forbidden',
    hint: 'the account that helm acts as lacks a right; grant it, or name another one in spec.serviceAccountName',
  },
  {
    pattern: /values don't meet the specifications of the schema/,
    code: 'ValuesInvalid',
    hint: 'the values do not fit the schema of the chart',
  },
  {
    pattern: /^Error: failed to parse .*(?:yaml|YAML)/m,
    code: 'ValuesInvalid',
    hint: 'the values are not YAML that helm can read',
  },
  {
    pattern: /exists and cannot be imported into the current release/,
    code: 'OwnedByAnother',
    hint: 'an object of the chart exists already and is not of this release; rename or delete one of the two',
  },
  {
    pattern:
      /another operation \(install\/upgrade\/rollback\) is in progress|cannot re-?use a name that is still in use/,
    code: 'Conflict',
  },
  { pattern: /has no deployed releases|release: not found|release: already exists/, code: 'Conflict' },
  { pattern: /release name check failed|invalid release name/, code: 'SpecInvalid' },
  {
    pattern: /no matches for kind/,
    code: 'RenderFailed',
    hint: 'the chart needs a kind that the cluster does not know; install its CRD first',
  },
  {
    pattern:
      /execution error at|executing ".*" at <|nil pointer evaluating|parse error at|YAML parse error|template: |error calling/,
    code: 'RenderFailed',
    hint: 'the chart cannot be rendered with these values',
  },
  { pattern: /chart requires kubeVersion/, code: 'RenderFailed' },
  {
    pattern: /found in Chart\.yaml, but missing in charts|chart metadata is missing|validation: chart\./,
    code: 'ChartInvalid',
  },
];

/** The failure of a helm that left no record. */
export function toHelmFailure(stderr: string, redact: Redact): HoldfastError {
  const row = ROWS.find(({ pattern }) => pattern.test(stderr));
  const said = lastWords(stderr, redact);
  if (row === undefined) return failure('HelmFailed', said);
  return failure(row.code, row.hint === undefined ? said : `${row.hint}: ${said}`);
}

/** No answer came to a request of helm's own; that of a webhook is the API server's, and a deadline is helm's. */
const NO_ANSWER = /\b(?:Get|Post|Put|Patch|Delete) "https?:\/\/[^"]*": (?!context |net\/http: request canceled)/;

/** Whether helm failed because the API server was lost to it in the middle: nothing is wrong with what it wrote. */
export function lostCluster(stderr: string): boolean {
  return NO_ANSWER.test(stderr) && !stderr.includes('failed calling webhook');
}

const MAX_WORDS = 600;

/** Helm's error as people need it: without its log lines, without secrets, not longer than a condition may be. */
export function lastWords(stderr: string, redact: Redact): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/^(?:level=|WARNING: |time=)/.test(line));
  const from = lines.findLastIndex((line) => line.startsWith('Error: '));
  const text = (from === -1 ? lines.slice(-5) : lines.slice(from))
    .join('\n')
    .replace(/^Error: (?:(?:INSTALLATION|UPGRADE) FAILED: )?/, '')
    .replace(/^values don't meet the specifications of the schema\(s\) in the following chart\(s\):\n/, '')
    .replace(/:\s*\n\s*(?:- )?/g, ': ')
    .replace(/\s*\n\s*(?:- )?/g, '; ')
    .trim();
  return shorten(redact(text === '' ? 'helm said nothing' : text));
}

export function shorten(text: string): string {
  return text.length <= MAX_WORDS ? text : `${text.slice(0, MAX_WORDS / 2)} … ${text.slice(-MAX_WORDS / 2)}`;
}
