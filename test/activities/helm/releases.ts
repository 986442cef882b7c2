import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createStorage, type RecordLabels, type ReleaseStorage } from '../../../activities/helm/storage.ts';
import { createKube, type KubeClient } from '../../../activities/kube/client.ts';
import { readHelmRelease } from '../../../activities/kube/helm-release.ts';
import { createToolbox, type Call, type Toolbox } from '../../../activities/operation.ts';
import type { Manifest } from '../../../activities/ports.ts';
import type { UninstallInput, WriteResult } from '../../../activities/types.ts';
import { uninstallRelease } from '../../../activities/uninstall-release.ts';
import { writeRelease } from '../../../activities/write-release.ts';
import type { ObjectRef } from '../../../workflows/core/ids.ts';
import type { HelmProcess } from '../../../workflows/core/model.ts';
import { sharedStack, temporaryFolder, uniqueName, until, type SharedStack } from '../../support/harness.ts';

/** Call an activity without Temporal. */
export function callOf(signal: AbortSignal = new AbortController().signal): Call & { seen: (HelmProcess | null)[] } {
  const seen: (HelmProcess | null)[] = [];
  return {
    signal,
    seen,
    attempt: 1,
    since: Date.now(),
    heartbeat: (details) => void seen.push(details as HelmProcess | null),
  };
}

/** The shared cluster and registry through the activities of one worker. */
export interface Releases {
  readonly stack: SharedStack;
  readonly kube: KubeClient;
  readonly tools: Toolbox;
  readonly cluster: string;
  addNamespace(prefix?: string): Promise<string>;
  apply(manifest: Manifest): Promise<Manifest>;
  get(apiVersion: string, kind: string, ref: ObjectRef): Promise<Manifest | null>;
  events(ref: ObjectRef): Promise<readonly { reason: string; message: string; count: number }[]>;
  storage(release: ObjectRef): ReleaseStorage;
  records(release: ObjectRef): Promise<readonly Pick<RecordLabels, 'revision' | 'status'>[]>;
  /** A HelmRelease of this spec, and a HelmRepository with credentials for its chart in the same namespace. */
  declare(ref: ObjectRef, spec: object): Promise<Manifest>;
  /** Decide as the workflow would, and write. */
  write(
    ref: ObjectRef,
    action?: 'install' | 'upgrade',
    more?: { attempt?: string; call?: Call; replace?: boolean },
  ): Promise<WriteResult>;
  /** Delete the object (a finalizer of the test holds it) and uninstall. */
  uninstall(ref: ObjectRef, call?: Call): Promise<UninstallInput>;
  release(): Promise<void>;
}

const OURS = 'helm-operator.ketches.cn/v1alpha1';

/** HelmRepositories may name files below `tlsFiles`. */
export async function useReleases(tlsFiles: string | null = null): Promise<Releases> {
  const stack = await sharedStack('kubernetes', 'registry');
  const kube = createKube({ kubeconfig: stack.kubeconfig, context: null });
  const cluster = uniqueName('cluster');
  const namespaces: string[] = [];
  const tools = createToolbox({
    kube,
    folders: foldersIn(temporaryFolder()),
    executables: { helm: join(stack.bin, 'helm'), oras: join(stack.bin, 'oras'), git: '/usr/bin/git' },
    kubeconfig: { file: stack.kubeconfig, context: null },
    settings: { plainHttp: [], noCrossNamespace: false, defaultServiceAccount: null, cluster, tlsFiles },
  });
  const pathOf = async (apiVersion: string, kind: string, ref: ObjectRef): Promise<string> => {
    const resource = await kube.resource(apiVersion, kind);
    if (resource === null) throw new Error(`no resource for ${kind}`);
    return resource.path(ref);
  };
  const self: Releases = {
    stack,
    kube,
    tools,
    cluster,
    async addNamespace(prefix = 'helm') {
      const name = uniqueName(prefix);
      await kube.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
      namespaces.push(name);
      return name;
    },
    async apply(manifest) {
      return kube.request<Manifest>({
        method: 'PATCH',
        path: await pathOf(manifest.apiVersion, manifest.kind, manifest.metadata as ObjectRef),
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'test', force: true, fieldValidation: 'Strict' },
        body: manifest,
      });
    },
    async get(apiVersion, kind, ref) {
      const path = await pathOf(apiVersion, kind, ref);
      return kube.request<Manifest>({ method: 'GET', path }).catch(() => null);
    },
    async events({ namespace, name }) {
      const { items } = await kube.request<{ items: { reason: string; message: string; count: number }[] }>({
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/events`,
        query: { fieldSelector: `involvedObject.name=${name}` },
      });
      return items;
    },
    storage: (release) => createStorage(kube, release),
    async records(release) {
      const records = await createStorage(kube, release).list();
      return records.map(({ revision, status }) => ({ revision, status }));
    },
    async declare(ref, spec) {
      const { user: username, password } = stack.registryLogin;
      const { namespace } = ref;
      const secret = { name: 'registry-auth', namespace };
      await self.apply({ apiVersion: 'v1', kind: 'Secret', metadata: secret, stringData: { username, password } });
      await self.apply({
        apiVersion: OURS,
        kind: 'HelmRepository',
        metadata: { name: 'registry', namespace },
        spec: { url: `oci://${stack.registry}`, type: 'oci', auth: { basic: { secretRef: secret } } },
      });
      const metadata = { ...ref, finalizers: ['holdfast.dev/test'] };
      return self.apply({ apiVersion: OURS, kind: 'HelmRelease', metadata, spec });
    },
    async write(ref, action = 'install', { attempt = uniqueName('a'), call = callOf(), replace = false } = {}) {
      const read = await readHelmRelease(kube, ref);
      if (read?.spec == null) throw new Error(`cannot write ${ref.name}: ${JSON.stringify(read?.object.spec)}`);
      const { uid, generation } = read.object;
      const expectRevision = (await self.records(read.spec.release)).at(-1)?.revision ?? null;
      const input = {
        cluster,
        ref,
        uid,
        generation,
        action,
        replace,
        digest: read.spec.digest,
        attempt,
        expectRevision,
      };
      return writeRelease(tools, { ...input, because: 'a test asks for it' }, call);
    },
    async uninstall(ref, call = callOf()) {
      await kube.request({ method: 'DELETE', path: await pathOf(OURS, 'HelmRelease', ref) });
      const read = await readHelmRelease(kube, ref);
      if (read?.spec == null) throw new Error(`cannot uninstall ${ref.name}`);
      const { release, uninstall } = read.spec;
      const input = { cluster, ref, uid: read.object.uid, release, ...uninstall, attempt: uniqueName('a') };
      await uninstallRelease(tools, input, call);
      return input;
    },
    async release() {
      for (const name of namespaces) {
        await dropFinalizers(kube, name);
        await kube.request({ method: 'DELETE', path: `/api/v1/namespaces/${name}` });
      }
      await kube.close();
    },
  };
  return self;
}

function foldersIn(folder: string): { charts: string; git: string; tmp: string } {
  const made = (name: string): string => {
    mkdirSync(join(folder, name), { mode: 0o700 });
    return join(folder, name);
  };
  return { charts: made('charts'), git: made('git'), tmp: made('tmp') };
}

async function dropFinalizers(kube: KubeClient, namespace: string): Promise<void> {
  const collection = `/apis/${OURS}/namespaces/${namespace}/helmreleases`;
  // An API server that has just been started refuses for a moment: "storage is (re)initializing".
  const { items } = await until(
    () => kube.request<{ items: Manifest[] }>({ method: 'GET', path: collection }),
    () => true,
    collection,
  );
  for (const { metadata } of items) {
    await kube.request({
      method: 'PATCH',
      path: `${collection}/${metadata.name}`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { finalizers: null } },
    });
  }
}
