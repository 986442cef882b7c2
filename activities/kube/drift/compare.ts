import { fromKube } from '../../failures.ts';
import { type Kube, KubeError, type Manifest } from '../../ports.ts';
import { ANNOTATIONS, PATCH } from '../kinds.ts';
import { readOrNull } from '../read.ts';
import { differences } from './differences.ts';
import { leaveAlone } from './left-alone.ts';
import { HELM_MANAGER } from './managers.ts';
import { isObject, type Json, type Path } from './pointer.ts';

/** An object that was sent, and where it lies. */
export interface Subject {
  /** `Deployment shop/web`. */
  readonly label: string;
  readonly path: string;
  readonly sent: Json;
  readonly ignored: readonly Path[];
}

export type Compared =
  | { readonly kind: 'same' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'changed'; readonly live: Manifest; readonly fields: readonly Path[] }
  | { readonly kind: 'failed'; readonly reason: string };

/** An object that others write at the same time is compared again, so often. */
const TRIES = 5;

/**
 * Compare an object in the cluster with what it would be if it were sent again: a dry run of the same apply. So
 * defaults, webhooks and fields of other hands are on both sides, and are no difference.
 */
export async function compare(kube: Kube, subject: Subject): Promise<Compared> {
  if (subject.ignored.some((path) => path.length === 0) || isExcepted(subject.sent)) return { kind: 'same' };
  return orFailed<Compared>(async () => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const live = await readOrNull<Manifest>(kube, subject.path);
      if (live === null) return { kind: 'missing' };
      if (isExcepted(live)) return { kind: 'same' };
      if (live.metadata.deletionTimestamp !== undefined) return { kind: 'failed', reason: 'is being deleted' };
      const wanted = await send(kube, subject, { body: subject.sent, dryRun: true });
      // Of two moments, if this differs.
      if (wanted.metadata.resourceVersion !== live.metadata.resourceVersion) continue;
      const fields = differences(live, wanted, subject.ignored);
      return fields.length === 0 ? { kind: 'same' } : { kind: 'changed', live, fields };
    }
    return { kind: 'failed', reason: 'changed whenever it was compared' };
  });
}

/**
 * Send what differs. `isCurrent` is asked between the look at the object and the write, which only succeeds if nobody
 * wrote in between: so what a newer revision has written is never overwritten, however late this comes.
 */
export async function correct(kube: Kube, subject: Subject, isCurrent: () => Promise<void>): Promise<Compared> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const compared = await compare(kube, subject);
    if (compared.kind === 'same' || compared.kind === 'failed') return compared;
    await isCurrent();
    const written = await orFailed(() => write(kube, subject, compared));
    if (written !== null) return written;
  }
  return { kind: 'failed', reason: 'changed whenever it was to be corrected' };
}

/** Null: somebody was faster. */
async function write(kube: Kube, subject: Subject, compared: Compared): Promise<Compared | null> {
  try {
    await send(kube, subject, { body: bodyFor(subject, compared), dryRun: false });
    return compared;
  } catch (error) {
    if (error instanceof KubeError && error.status === 409) return null;
    throw error;
  }
}

function bodyFor({ sent, ignored }: Subject, compared: Compared): Json {
  if (compared.kind !== 'changed') return sent;
  const { live } = compared;
  const body = leaveAlone(sent, live, ignored);
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  return { ...body, metadata: { ...metadata, resourceVersion: live.metadata.resourceVersion } };
}

/** As Helm applies. */
function send(
  kube: Kube,
  { path }: Subject,
  { body, dryRun }: { readonly body: Json; readonly dryRun: boolean },
): Promise<Manifest> {
  const query = { fieldManager: HELM_MANAGER, force: true, ...(dryRun ? { dryRun: 'All' } : {}) };
  return kube.request<Manifest>({ ...PATCH.apply, path, query, body });
}

/** By annotation or label, as in Flux. */
function isExcepted({ metadata }: Json | Manifest): boolean {
  const { labels, annotations } = isObject(metadata) ? metadata : {};
  return [ANNOTATIONS.driftDetection, ANNOTATIONS.fluxDriftDetection].some((name) =>
    [labels, annotations].some((marks) => isObject(marks) && marks[name] === 'disabled'),
  );
}

/** What concerns this object alone is told of it; an API server that is away concerns all. */
async function orFailed<T>(work: () => Promise<T>): Promise<T | Extract<Compared, { kind: 'failed' }>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KubeError) || error.status === 429 || error.status === 503) throw error;
    return { kind: 'failed', reason: fromKube(error).message };
  }
}
