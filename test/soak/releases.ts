/** The releases of a soak: what is declared of them, and what Helm's records say. */
import { decodeBody } from '../../activities/helm/codec.ts';
import { createKube, type KubeClient } from '../../activities/kube/client.ts';
import { listPath, objectPath, PATCH } from '../../activities/kube/kinds.ts';
import { pushChart } from '../support/chart.ts';
import { until } from '../support/harness.ts';
import { conditionOf, helmRelease, isReady, registryObjects, type Holdfast, type Live } from '../support/holdfast.ts';

export const NAMESPACE = 'soak';
const VERSIONS = ['1.0.0', '1.1.0'] as const;

/** What was declared last. */
export interface Declared {
  readonly name: string;
  /** From 1; the release's values name it, so that each desired state is another one. */
  readonly change: number;
}

/** One record of Helm. */
export interface Revision {
  readonly release: string;
  readonly revision: number;
  readonly status: string;
  readonly description: string;
  /** The change that its values name. */
  readonly change: number;
}

export interface Releases {
  /** Comes back when the API server has taken it, however often that has to be asked. */
  declare(wanted: Declared): Promise<void>;
  /** Those that are not Ready for what was declared last, each with the reason. */
  notReady(): Promise<readonly string[]>;
  /** All records in the namespace. */
  revisions(): Promise<readonly Revision[]>;
  close(): Promise<void>;
}

export async function openReleases(holdfast: Holdfast): Promise<Releases> {
  const [url] = await Promise.all(VERSIONS.map((version) => pushChart(holdfast.stack, { name: 'app', version })));
  if (url === undefined) throw new Error('no chart was pushed');
  await holdfast.kubectl(['create', 'namespace', NAMESPACE]);
  await holdfast.apply(...registryObjects(holdfast.stack, NAMESPACE));
  const kube = createKube({ kubeconfig: holdfast.stack.kubeconfig, context: null });
  return {
    async declare({ name, change }) {
      const version = VERSIONS[change % VERSIONS.length] ?? VERSIONS[0];
      const spec = { values: `message: "${change}"\n`, maxHistory: 0 };
      const body = helmRelease([NAMESPACE, name], { name: 'app', version, url }, spec);
      const path = objectPath('HelmRelease', { namespace: NAMESPACE, name });
      const query = { fieldManager: 'soak', force: true };
      await until(
        () => kube.request({ ...PATCH.apply, path, query, body }),
        () => true,
        `the declaration of ${name}`,
      );
    },
    async notReady() {
      const { items } = await kube.request<{ readonly items: readonly Live[] }>({
        method: 'GET',
        path: listPath('HelmRelease'),
      });
      return items.filter((live) => !isReady(live)).map(describe);
    },
    revisions: () => readRevisions(kube),
    close: () => kube.close(),
  };
}

function describe(live: Live): string {
  const { status, reason, message } = conditionOf(live, 'Ready');
  return `${live.metadata.name}: Ready is ${status}, ${reason}: ${message}`;
}

interface Stored {
  readonly metadata: { readonly labels: { readonly name: string; readonly version: string; readonly status: string } };
  readonly data: { readonly release: string };
}

async function readRevisions(kube: KubeClient): Promise<readonly Revision[]> {
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets`;
  const query = { labelSelector: 'owner=helm' };
  const { items } = await kube.request<{ readonly items: readonly Stored[] }>({ method: 'GET', path, query });
  return Promise.all(items.map(toRevision));
}

async function toRevision({ metadata: { labels }, data }: Stored): Promise<Revision> {
  // As helm writes it.
  const { info, config } = JSON.parse(await decodeBody(data.release)) as {
    readonly info: { readonly description: string };
    readonly config: { readonly message: string };
  };
  return {
    release: labels.name,
    revision: Number(labels.version),
    status: labels.status,
    description: info.description,
    change: Number(config.message),
  };
}
