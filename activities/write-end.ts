import type { FailureCode } from '../workflows/core/failures.ts';
import type { Written } from '../workflows/core/model.ts';
import { codeOf, failure } from './failures.ts';
import { lastWords, lostCluster, toHelmFailure } from './helm/errors.ts';
import type { Redact } from './helm/redact.ts';
import type { RecordLabels } from './helm/storage.ts';
import type { Ended } from './process/run.ts';
import { interruption } from './run-helm.ts';
import type { WriteResult } from './types.ts';

/** A helm that was to write a revision, and has ended. */
export interface WriteEnd {
  /** Helm's command, such as `upgrade`. */
  readonly command: string;
  readonly ended: Ended;
  readonly redact: Redact;
  readonly waitedByHelm: boolean;
  /** What it means when the revision is there and helm says that it failed. */
  readonly failed: FailureCode;
}

interface Made<R> {
  /** The record that this helm wrote; null: it wrote none. */
  readonly find: () => Promise<R | null>;
  readonly take: (record: R) => Written | Promise<Written>;
}

/** What helm's end means is read from its storage. */
export async function readWriteEnd<R extends Pick<RecordLabels, 'revision' | 'status'>>(
  { command, ended, redact, waitedByHelm, failed }: WriteEnd,
  { find, take }: Made<R>,
): Promise<WriteResult> {
  const made = await findMade(command, find);
  const succeeded = ended.code === 0;
  const interrupted = succeeded ? null : interruption(ended, `helm ${command}`);
  if (interrupted !== null) throw interrupted;
  if (made === null) throw toHelmFailure(ended.stderr, redact);
  if (made.status.startsWith('pending-')) {
    throw failure('Interrupted', `helm ${command} ended and left revision ${made.revision} ${made.status}`);
  }
  const written = await take(made);
  if (succeeded) return { kind: 'written', written, waitedByHelm };
  const said = lastWords(ended.stderr, redact);
  if (lostCluster(ended.stderr)) throw failure('Interrupted', `helm ${command} lost the API server: ${said}`);
  return { kind: 'releaseFailed', written, failure: { code: failed, message: said } };
}

/** An API server that is away now tells nothing about what was written: the next look finds out. */
export async function findMade<R>(command: string, find: () => Promise<R | null>): Promise<R | null> {
  try {
    return await find();
  } catch (error) {
    if (codeOf(error) !== 'ClusterUnreachable') throw error;
    throw failure('Interrupted', `helm ${command} ended, and the API server is away: its record is unknown`, error);
  }
}
