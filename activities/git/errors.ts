import type { FailureCode } from '../../workflows/core/failures.ts';
import { failure, type HoldfastError } from '../failures.ts';

interface Pattern {
  readonly pattern: RegExp;
  readonly code: FailureCode;
  /** What to say; `$1` is the first group of the pattern. */
  readonly say: string;
}

/** Git tells its errors apart only by text (`LC_ALL=C`). First match wins; each row has a recorded sample in the tests. */
export const GIT_ERRORS: readonly Pattern[] = [
  {
    pattern: /returned error: 30[12378]/,
    code: 'GitRedirected',
    say: 'answers with a redirect, which is not followed with credentials; write the address that it leads to into spec.url',
  },
  {
    pattern: /could not read (?:Username|Password) for|returned error: 401|Authentication failed for/,
    code: 'GitAuthRejected',
    say: 'wants other credentials',
  },
  {
    pattern: /returned error: 403/,
    code: 'GitAuthRejected',
    say: 'refuses access (403)',
  },
  {
    pattern: /returned error: 404|repository '.*' not found|not valid: is this a git repository/,
    code: 'GitNotFound',
    say: 'is not a Git repository, or not one that may be seen with these credentials; check spec.url',
  },
  {
    pattern: /dumb http transport does not support/,
    code: 'GitNotFound',
    say: "is served as plain files; Git's smart HTTP protocol is needed",
  },
  {
    pattern: /(?:couldn't find remote ref|upload-pack: not our ref) (\S+)/,
    code: 'GitRefNotFound',
    say: 'has no $1',
  },
  {
    pattern:
      /SSL certificate problem|server certificate verification failed|certificate subject name|certificate has expired|gnutls_handshake/,
    code: 'GitTlsRejected',
    say: 'has a certificate that is not trusted here',
  },
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: 'DiskFull',
    say: 'does not fit: the disk of the worker is full',
  },
  {
    pattern: /Could not resolve host|Couldn't resolve host/,
    code: 'GitUnreachable',
    say: 'cannot be reached: its host name is not known',
  },
  {
    pattern: /Connection refused|Failed to connect to|Couldn't connect to server/,
    code: 'GitUnreachable',
    say: 'cannot be reached: connection refused or no answer',
  },
  {
    pattern:
      /Operation too slow|Operation timed out|Connection timed out|Empty reply from server|Connection reset|early EOF|unexpected disconnect|Recv failure|transfer closed|RPC failed/,
    code: 'GitUnreachable',
    say: 'broke off or fell silent',
  },
  { pattern: /returned error: (429|5\d\d)/, code: 'GitUnreachable', say: 'answers with error $1' },
  {
    pattern:
      /fsck error|object .* contains|hasDotdot|hasDotgit|bad pack|mismatched algorithms|fetch-pack: invalid index-pack output/,
    code: 'GitContentInvalid',
    say: "sends objects that git's own check refuses",
  },
  {
    pattern: /transport '\w+' not allowed|is not a git command/,
    code: 'GitUrlInvalid',
    say: 'is not an http or https address',
  },
];

/** The error of a git that ended. Its text is not passed on: a server may write anything into it. */
export function toGitFailure(stderr: string, url: string | null): HoldfastError {
  const subject = url ?? 'the mirror of the repository';
  for (const { pattern, code, say } of GIT_ERRORS) {
    const match = pattern.exec(stderr);
    if (match !== null) return failure(code, `${subject} ${say.replace('$1', printable(match[1] ?? ''))}`);
  }
  return failure('GitUnreachable', `${subject} could not be read: ${firstFatal(stderr)}`);
}

/** The line of git itself, not those of the server (`remote: …`). */
function firstFatal(stderr: string): string {
  const line = stderr.split('\n').find((text) => /^(fatal|error): /.test(text));
  return line === undefined ? 'git failed without a reason' : printable(line.replace(/^\w+: /, ''));
}

function printable(text: string): string {
  return text
    .replace(/\/\/[^/@\s]*@/g, '//')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 200);
}
