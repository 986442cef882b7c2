import { failure } from '../failures.ts';
import { parseDuration } from './duration.ts';
import { GitRepositoryFields } from './schema.ts';

/** What a GitRepository asks for, with the documented defaults. */
export interface GitSpec {
  readonly url: string;
  readonly ref: { readonly branch: string | null; readonly tag: string | null; readonly commit: string | null };
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly prune: boolean;
  readonly secretName: string | null;
  /** More rules in the format of .gitignore. */
  readonly ignore: string;
}

const DEFAULT_INTERVAL_MS = 60_000;
const MIN_INTERVAL_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 60_000;

/** Check a spec and fill in the documented defaults. Throws `SpecInvalid` or `FieldNotSupported`. */
export function compileGitSpec(spec: unknown): GitSpec {
  const parsed = GitRepositoryFields.safeParse(spec);
  if (!parsed.success) {
    const field = ['spec', ...(parsed.error.issues[0]?.path ?? [])].join('.');
    throw failure('SpecInvalid', `${field} of the GitRepository is not what its schema asks for`);
  }
  const fields = parsed.data;
  checkSupported(fields);
  return {
    url: fields.url,
    ref: refOf(fields),
    path: fields.path ?? '',
    intervalMs: Math.max(MIN_INTERVAL_MS, durationOf(fields.interval, 'interval') ?? DEFAULT_INTERVAL_MS),
    timeoutMs: durationOf(fields.timeout, 'timeout') ?? DEFAULT_TIMEOUT_MS,
    prune: fields.prune ?? true,
    secretName: fields.secretRef?.name ?? null,
    ignore: fields.ignore ?? '',
  };
}

/** A repository that sets a field on which nobody acts is not applied: it would not be what its author means. */
function checkSupported({ ref, verify }: GitRepositoryFields): void {
  if (ref?.semver != null) {
    throw failure('FieldNotSupported', 'spec.ref.semver is not supported yet; name a branch, a tag or a commit');
  }
  if (verify != null) {
    throw failure('FieldNotSupported', 'spec.verify is not supported yet, so nothing would be verified; remove it');
  }
}

function refOf({ ref }: GitRepositoryFields): GitSpec['ref'] {
  const orNull = (text: string | null | undefined): string | null => (text === '' ? null : (text ?? null));
  return { branch: orNull(ref?.branch), tag: orNull(ref?.tag), commit: orNull(ref?.commit) };
}

function durationOf(text: string | null | undefined, field: string): number | null {
  if (text == null) return null;
  const parsed = parseDuration(text);
  if (parsed === null || parsed === 0) {
    throw failure('SpecInvalid', `spec.${field} is "${text}"; write a duration such as 30s, 5m or 1h`);
  }
  return parsed;
}
