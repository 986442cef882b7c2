import { createHash } from 'node:crypto';
import { describeObject, type ObjectId } from '../../workflows/core/git-plan.ts';
import { failure, type HoldfastError } from '../failures.ts';
import { KubeError } from '../ports.ts';
import {
  type Applier,
  asAccount,
  findOtherOwner,
  GIT_MANAGER,
  isOurs,
  type Live,
  pathIn,
  readLive,
  SOURCE_DIGEST,
  sourceLabels,
} from './inventory.ts';
import { ANNOTATIONS, METADATA, PATCH } from './kinds.ts';
import { redactSecrets } from './redact-manifest.ts';

/** A document from Git, resolved to one object. */
export interface Document {
  readonly id: ObjectId;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Apply one document with server-side apply; Git wins every conflict. Throws a failure that describes the problem
 * with this document; an unreachable API server is no such problem.
 */
export async function applyDocument(
  applier: Applier,
  document: Document,
  revision: string,
): Promise<'applied' | 'unchanged'> {
  const { id } = document;
  const resource = await applier.kube.resource(id.apiVersion, id.kind);
  if (resource === null) {
    throw failure('ApplyFailed', `the cluster knows no kind ${id.kind} in ${id.apiVersion}; is its CRD missing?`);
  }
  const path = pathIn(resource, id);
  const manifest = cleanManifest(document);
  try {
    const live = await readLive(applier, path);
    if (live !== null) await checkOwner(applier, id, live);
    if (live !== null && !isApplied(live)) await takeOverFields(applier, path, live);
    const after = await patch(applier, path, labelled(manifest, { live, revision, owner: applier.owner }));
    return live !== null && after === live.resourceVersion ? 'unchanged' : 'applied';
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    throw toProblem(error, applier, { id, manifest });
  }
}

type Manifest = Readonly<Record<string, unknown>> & { readonly metadata: Readonly<Record<string, unknown>> };

const SERVER_FIELDS = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'managedFields',
  'selfLink',
]);

/** What people copy out of a cluster into Git is cleaned of what only the API server writes. */
function cleanManifest({ id, value }: Document): Manifest {
  const fields = Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'status' && key !== 'metadata'));
  const kept = Object.entries(toRecord(value['metadata'])).filter(([key]) => !SERVER_FIELDS.has(key));
  const place = id.namespace === null ? { name: id.name } : { name: id.name, namespace: id.namespace };
  const isSecret = id.apiVersion === 'v1' && id.kind === 'Secret';
  return {
    ...(isSecret ? withEncodedData(fields) : fields),
    metadata: { ...Object.fromEntries(kept), ...place },
  };
}

/** The server turns `stringData` into `data` and forgets whose it was; a key removed in Git would stay for ever. */
function withEncodedData({
  stringData,
  ...secret
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (stringData === undefined) return secret;
  const encoded = Object.entries(toRecord(stringData)).map(([key, text]) => [
    key,
    typeof text === 'string' ? Buffer.from(text, 'utf8').toString('base64') : text,
  ]);
  return { ...secret, data: { ...toRecord(secret['data']), ...Object.fromEntries(encoded) } };
}

function labelled(
  manifest: Manifest,
  {
    live,
    revision,
    owner,
  }: { readonly live: Live | null; readonly revision: string; readonly owner: Applier['owner'] },
): Manifest {
  const digest = createHash('sha256').update(canonical(manifest)).digest('hex').slice(0, 40);
  const unchanged = live !== null && isOurs(live, owner) && live.annotations[SOURCE_DIGEST] === digest;
  const changedIn = unchanged ? (live.annotations[ANNOTATIONS.sourceRevision] ?? revision) : revision;
  const { metadata } = manifest;
  return {
    ...manifest,
    metadata: {
      ...metadata,
      labels: { ...toRecord(metadata['labels']), ...sourceLabels(owner) },
      annotations: {
        ...toRecord(metadata['annotations']),
        [ANNOTATIONS.sourceRevision]: changedIn,
        [SOURCE_DIGEST]: digest,
      },
    },
  };
}

/** JSON with sorted keys: another order in Git is no change. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

async function checkOwner(applier: Applier, id: ObjectId, live: Live): Promise<void> {
  const other = await findOtherOwner(applier, live);
  if (other !== null) {
    throw failure(
      'OwnedByAnother',
      `${describeObject(id)} belongs to GitRepository ${other}; remove it from one of the two`,
    );
  }
  if (live.deletionTimestamp !== undefined) {
    throw failure('Conflict', `${describeObject(id)} is being deleted; it is applied again once it is gone`);
  }
}

function isApplied({ managedFields }: Live): boolean {
  return managedFields.some(({ manager, operation }) => manager === GIT_MANAGER && operation === 'Apply');
}

const FORMER_MANAGERS = /^(?:kubectl(?:-client-side-apply|-create|-replace|-edit)?|before-first-apply|helm)$/;

/**
 * Make fields that kubectl or helm wrote ours, once, before the first apply. Server-side apply removes only what its
 * own manager had set: without this, a key that is removed in Git would stay.
 */
async function takeOverFields(applier: Applier, path: string, live: Live): Promise<void> {
  const isFormer = (entry: Live['managedFields'][number]): boolean =>
    entry.subresource === undefined && FORMER_MANAGERS.test(entry.manager ?? '');
  const former = live.managedFields.filter(isFormer);
  const [first] = former;
  if (first === undefined) return;
  const ours = {
    manager: GIT_MANAGER,
    operation: 'Apply',
    apiVersion: first.apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1: former.map(({ fieldsV1 }) => fieldsV1 ?? {}).reduce(mergeFields, {}),
  };
  const rest = live.managedFields.filter((entry) => !isFormer(entry));
  await applier.kube.request({
    ...PATCH.json,
    path,
    signal: applier.signal,
    ...asAccount(applier.as),
    body: [
      // Not a test but a replacement: the API server compares it and answers 409 when someone was faster.
      { op: 'replace', path: '/metadata/resourceVersion', value: live.resourceVersion },
      { op: 'replace', path: '/metadata/managedFields', value: [...rest, ours] },
    ],
  });
}

function mergeFields(
  one: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const merged = { ...one };
  for (const [key, value] of Object.entries(other)) merged[key] = mergeFields(toRecord(merged[key]), toRecord(value));
  return merged;
}

/** Answers the resourceVersion after the patch, which stays when nothing changed. */
async function patch({ kube, as, signal }: Applier, path: string, body: Manifest): Promise<string> {
  const answer = await kube.request<{ metadata: { resourceVersion: string } }>({
    ...PATCH.apply,
    path,
    query: { fieldManager: GIT_MANAGER, force: true, fieldValidation: 'Strict' },
    accept: METADATA,
    body,
    signal,
    ...asAccount(as),
  });
  return answer.metadata.resourceVersion;
}

function toProblem(
  error: KubeError,
  { as }: Applier,
  { id, manifest }: { readonly id: ObjectId; readonly manifest: Manifest },
): HoldfastError {
  const name = describeObject(id);
  const refused = /failed to create typed patch object \([^)]*\): (.*)/s.exec(error.message)?.[1];
  const detail = redactSecrets(refused ?? error.message, manifest);
  // An unknown field; the API server calls it an error of its own (500).
  if (refused !== undefined) return failure('ManifestInvalid', `${name} is refused: ${detail}`, error);
  if (error.status === 401 || error.status === 403) {
    const account = as === null ? '' : ` for ServiceAccount ${as.namespace}/${as.name}`;
    return failure('Forbidden', `${name} is forbidden${account}: ${detail}`, error);
  }
  if (error.status === 404 && id.namespace !== null) {
    return failure(
      'NamespaceNotFound',
      `${name} has no namespace to go to: ${detail}; add the Namespace to the repository`,
      error,
    );
  }
  if (error.status === 409) return failure('Conflict', `${name} changed while it was applied`, error);
  if (error.status === 400 || error.status === 422)
    return failure('ManifestInvalid', `${name} is refused: ${detail}`, error);
  return failure(
    'ApplyFailed',
    `${name} could not be applied (${String(error.status)} ${error.reason}): ${detail}`,
    error,
  );
}
