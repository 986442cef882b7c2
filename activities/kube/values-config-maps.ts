import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Kube, KubeError } from '../ports.ts';
import type { Repository } from './credentials.ts';
import { KINDS, MANAGERS, PATCH } from './kinds.ts';
import { readOrNull } from './read.ts';

/** The default values of a version of a chart. */
export interface ChartValues {
  readonly chart: string;
  readonly version: string;
  /** The text of its `values.yaml`. */
  readonly text: string;
}

/** A ConfigMap with them. */
export interface KeptValues extends Omit<ChartValues, 'text'> {
  readonly name: string;
  readonly uid: string;
  /** When it was last of use, in milliseconds since the epoch. */
  readonly renewedAt: number;
}

const LABELS = {
  repository: 'helm-operator.ketches.cn/repository',
  chart: 'helm-operator.ketches.cn/chart',
  version: 'helm-operator.ketches.cn/version',
} as const;
const ANNOTATIONS = {
  repository: 'helm-operator.ketches.cn/repository',
  chart: 'helm-operator.ketches.cn/chart-name',
  version: 'helm-operator.ketches.cn/chart-version',
  renewedAt: 'holdfast.dev/renewedAt',
} as const;

/** The API server takes 1 MiB, with everything around it. */
const MAX_BYTES = 1_000_000;
const MAX_NAME = 253;
const MAX_LABEL = 63;

const ConfigMap = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
    ownerReferences: z.array(z.object({ uid: z.string() })).default([]),
  }),
  data: z.record(z.string(), z.string()).nullish(),
});
type ConfigMap = z.infer<typeof ConfigMap>;
const ConfigMapList = z.object({ items: z.array(ConfigMap) });

/** Write the ConfigMap of a version, or renew it. False: another hand has one of that name, which is left alone. */
export async function writeValues(kube: Kube, repository: Repository, values: ChartValues): Promise<boolean> {
  const { namespace, uid } = repository;
  const name = nameOf(repository.name, values);
  const path = pathOf(namespace, name);
  const found = ConfigMap.nullable().parse(await readOrNull(kube, path));
  if (found !== null && !isOf(found, repository, values)) return false;
  const { apiVersion } = KINDS.HelmRepository;
  await kube.request({
    ...PATCH.apply,
    path,
    query: { fieldManager: MANAGERS.meta, force: true },
    body: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name,
        namespace,
        labels: labelsOf(repository.name, values),
        annotations: {
          [ANNOTATIONS.repository]: repository.name,
          [ANNOTATIONS.chart]: values.chart,
          [ANNOTATIONS.version]: values.version,
          [ANNOTATIONS.renewedAt]: new Date().toISOString(),
        },
        // With the HelmRepository they go.
        ownerReferences: [{ apiVersion, kind: 'HelmRepository', name: repository.name, uid }],
      },
      data: { 'values.yaml': fitting(values.text) },
    },
  });
  return true;
}

/** Every ConfigMap that was written for a HelmRepository. */
export async function listValues(kube: Kube, repository: Repository): Promise<readonly KeptValues[]> {
  const { items } = ConfigMapList.parse(
    await kube.request({
      method: 'GET',
      path: pathOf(repository.namespace),
      query: { labelSelector: `${LABELS.repository}=${toLabel(repository.name)},${COMPONENT}=chart-values` },
    }),
  );
  return items
    .filter(({ metadata }) => metadata.ownerReferences.some(({ uid }) => uid === repository.uid))
    .map(({ metadata: { name, uid, annotations } }) => ({
      name,
      uid,
      chart: annotations[ANNOTATIONS.chart] ?? '',
      version: annotations[ANNOTATIONS.version] ?? '',
      renewedAt: Date.parse(annotations[ANNOTATIONS.renewedAt] ?? '') || 0,
    }));
}

/** Say that a ConfigMap is of use still. */
export async function renewValues(kube: Kube, { namespace }: Repository, { name, uid }: KeptValues): Promise<void> {
  const annotations = { [ANNOTATIONS.renewedAt]: new Date().toISOString() };
  await unlessGone(() =>
    kube.request({
      ...PATCH.merge,
      path: pathOf(namespace, name),
      query: { fieldManager: MANAGERS.meta },
      body: { metadata: { uid, annotations } },
    }),
  );
}

export async function deleteValues(kube: Kube, { namespace }: Repository, { name, uid }: KeptValues): Promise<void> {
  const path = pathOf(namespace, name);
  await unlessGone(() => kube.request({ method: 'DELETE', path, body: { preconditions: { uid } } }));
}

/** One that is gone, or another by now, is nobody's business any more. */
async function unlessGone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof KubeError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

const COMPONENT = 'app.kubernetes.io/component';

function labelsOf(repository: string, { chart, version }: ChartValues): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/managed-by': 'holdfast',
    [COMPONENT]: 'chart-values',
    [LABELS.repository]: toLabel(repository),
    [LABELS.chart]: toLabel(chart),
    [LABELS.version]: toLabel(version),
  };
}

/** Two names may become one, `a-b` with `c` and `a` with `b-c`: the annotations tell them apart. */
function isOf({ metadata }: ConfigMap, repository: Repository, { chart, version }: ChartValues): boolean {
  const { annotations, ownerReferences } = metadata;
  const same = annotations[ANNOTATIONS.chart] === chart && annotations[ANNOTATIONS.version] === version;
  return same && ownerReferences.some(({ uid }) => uid === repository.uid);
}

function nameOf(repository: string, { chart, version }: Omit<ChartValues, 'text'>): string {
  const name = toName(`helm-values-${repository}-${chart}-${version}`);
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${name.slice(0, MAX_NAME - 17)}-${hash}`;
}

const toName = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
const toLabel = (text: string): string => toName(text).slice(0, MAX_LABEL).replace(/-$/, '');

function fitting(text: string): string {
  const bytes = Buffer.byteLength(text);
  return bytes <= MAX_BYTES
    ? text
    : `# The values.yaml of this chart has ${bytes} bytes, more than a ConfigMap holds.\n`;
}

function pathOf(namespace: string, name?: string): string {
  const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
  return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`;
}
