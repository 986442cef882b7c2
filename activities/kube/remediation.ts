import type { FailurePolicy, Remediation, Remedy } from '../../workflows/core/model.ts';
import { RETRY } from '../../workflows/core/remedy.ts';
import { failure } from '../failures.ts';
import type { HelmReleaseSpec } from './compile-spec.ts';
import { parseDuration } from './duration.ts';
import type { HelmReleaseFields } from './schema.ts';

type Rollback = HelmReleaseSpec['rollback'];

/** Absent unless the spec asks for it: then a failure is tried again, and nothing that runs is changed. */
export function compileRemediation({ install, upgrade, rollback }: HelmReleaseFields, options: Rollback): Remediation {
  const { timeoutMs, wait, waitForJobs, cleanupOnFail } = options;
  const once: FailurePolicy = { retries: 0, remedy: 'rollback', remediateLast: true };
  return {
    install: toPolicy('spec.install', { remedy: 'uninstall', unasked: RETRY }, install),
    upgrade: toPolicy(
      'spec.upgrade',
      { remedy: 'rollback', unasked: rollback?.enabled === true ? once : RETRY },
      upgrade,
    ),
    rollback: { timeoutMs, wait, waitForJobs, cleanupOnFail },
  };
}

interface Asked {
  readonly strategy?:
    | { readonly name: 'RemediateOnFailure' | 'RetryOnFailure'; readonly retryInterval?: string | null | undefined }
    | null
    | undefined;
  readonly remediation?:
    | {
        readonly retries?: number | null | undefined;
        readonly strategy?: Remedy | null | undefined;
        readonly remediateLastFailure?: boolean | null | undefined;
      }
    | null
    | undefined;
}

const DEFAULT_RETRY_INTERVAL = '5m';

/** `RetryOnFailure` remedies nothing: the same again at a fixed interval, as often as the retries allow, else for ever. */
function toPolicy(
  field: string,
  { remedy, unasked }: { readonly remedy: Remedy; readonly unasked: FailurePolicy },
  asked: Asked | null | undefined,
): FailurePolicy {
  const remediation = asked?.remediation;
  if (asked?.strategy?.name === 'RetryOnFailure') {
    const retryIntervalMs = intervalOf(`${field}.strategy.retryInterval`, asked.strategy.retryInterval);
    return { retries: retriesOf(remediation?.retries ?? -1), remedy: null, remediateLast: false, retryIntervalMs };
  }
  if (remediation == null) return unasked;
  const retries = remediation.retries ?? 0;
  return {
    retries: retriesOf(retries),
    remedy: remediation.strategy ?? remedy,
    remediateLast: remediation.remediateLastFailure ?? lastByDefault(remedy, retries, unasked),
  };
}

/** What the last install left is kept for people to look at, unless they ask otherwise; an upgrade goes back. */
function lastByDefault(remedy: Remedy, retries: number, { remediateLast }: FailurePolicy): boolean {
  return remedy === 'rollback' && (retries !== 0 || remediateLast);
}

function retriesOf(retries: number): number | null {
  return retries < 0 ? null : retries;
}

function intervalOf(field: string, text: string | null | undefined): number {
  const parsed = parseDuration(text == null || text === '' ? DEFAULT_RETRY_INTERVAL : text);
  if (parsed === null) throw failure('SpecInvalid', `${field} is not a duration such as 10m or 1h30m`);
  return Math.max(1000, parsed);
}
