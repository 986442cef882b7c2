import { z } from 'zod';
import type { ReleaseObject, Suspension } from '../../workflows/core/model.ts';
import { abandonmentOf } from './abandonment.ts';
import { type CompiledSpec, intervalOf } from './compile-spec.ts';
import { ANNOTATIONS, FINALIZERS, LABELS } from './kinds.ts';
import { type AnyObject, HelmReleaseFields } from './schema.ts';

/** Of a spec that may lack anything. A schema costs a hundred times what its use costs, so it is made once. */
const PresentFields = HelmReleaseFields.partial();

/** What `holdfast.dev/suspended` holds when the API wrote it; a person may write any text. */
const SuspendedNote = z.object({ by: z.string(), reason: z.string().catch('') });

/** The HelmRelease as workflows see it: names, digests and options, no values. */
export function toReleaseObject({ metadata, spec }: AnyObject, compiled: CompiledSpec): ReleaseObject {
  const fields = PresentFields.safeParse(spec);
  return {
    uid: metadata.uid,
    generation: metadata.generation,
    deleting: metadata.deletionTimestamp !== undefined,
    held: metadata.finalizers?.includes(FINALIZERS.HelmRelease) === true,
    ...goingOf(metadata),
    suspension: suspensionOf(metadata.annotations, fields.success && fields.data.suspend === true),
    intervalMs: intervalOf(fields.success ? fields.data.interval : null),
    requestedAt: requestedAt(metadata.annotations),
    ...askedOf(metadata.annotations),
    source: sourceOf(metadata),
    spec:
      compiled.kind === 'valid'
        ? { kind: 'valid', desired: compiled.desired }
        : {
            kind: 'invalid',
            failure: compiled.failure,
            release: compiled.release,
            uninstall: { timeoutMs: compiled.uninstall.timeoutMs, keepHistory: compiled.uninstall.keepHistory },
          },
  };
}

/** What only matters while the object is being deleted. */
function goingOf(metadata: AnyObject['metadata']): Pick<ReleaseObject, 'abandoned' | 'otherFinalizers'> {
  if (metadata.deletionTimestamp === undefined) return {};
  const abandoned = abandonmentOf(metadata);
  const otherFinalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZERS.HelmRelease);
  return { ...(abandoned === null ? {} : { abandoned }), ...(otherFinalizers.length === 0 ? {} : { otherFinalizers }) };
}

type Annotations = Readonly<Record<string, string>> | undefined;

/** The token of the newest request by annotation, ours and Flux's together, so that a change of either shows. */
export function requestedAt(annotations: Annotations): string | null {
  const tokens = [annotations?.[ANNOTATIONS.requestedAt], annotations?.[ANNOTATIONS.fluxRequestedAt]];
  return tokens.filter((token) => token !== undefined && token !== '').join(' ') || null;
}

/** As in Flux: what a sync is to do besides counts for the request that has the same token. */
function askedOf(annotations: Annotations): Pick<ReleaseObject, 'reset' | 'force' | 'rollbackTo'> {
  const { requestedAt: ours, fluxRequestedAt: flux, resetAt, fluxResetAt, forceAt, fluxForceAt } = ANNOTATIONS;
  const says = (...pairs: readonly (readonly [string, string])[]): boolean =>
    pairs.some(([asked, also]) => given(annotations?.[asked]) && annotations?.[asked] === annotations?.[also]);
  const force = says([ours, forceAt], [flux, fluxForceAt]);
  return { reset: says([ours, resetAt], [flux, fluxResetAt]), ...(force ? { force } : {}), ...rollbackOf(annotations) };
}

/** `3@TOKEN`: with the token of the request, so that a later request does not ask for it again. */
function rollbackOf(annotations: Annotations): Pick<ReleaseObject, 'rollbackTo'> {
  const [, revision, token] = /^(\d{1,9})@(.+)$/.exec(annotations?.[ANNOTATIONS.rollbackTo] ?? '') ?? [];
  return token !== undefined && token === annotations?.[ANNOTATIONS.requestedAt]
    ? { rollbackTo: Number(revision) }
    : {};
}

function given(token: string | undefined): boolean {
  return token !== undefined && token !== '';
}

function suspensionOf(annotations: Annotations, inSpec: boolean): Suspension | null {
  if (inSpec) return { by: 'spec.suspend', reason: '', inSpec };
  const note = annotations?.[ANNOTATIONS.suspended];
  if (note === undefined || note === '' || note === 'false') return null;
  const parsed = SuspendedNote.safeParse(parseJson(note));
  return parsed.success
    ? { ...parsed.data, inSpec }
    : { by: `annotation ${ANNOTATIONS.suspended}`, reason: note === 'true' ? '' : note, inSpec };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function sourceOf({ labels, annotations }: AnyObject['metadata']): ReleaseObject['source'] {
  const namespace = labels?.[LABELS.sourceNamespace];
  const name = labels?.[LABELS.sourceName];
  const revision = annotations?.[ANNOTATIONS.sourceRevision];
  if (namespace === undefined || name === undefined || revision === undefined) return null;
  return { repository: { namespace, name }, revision };
}
