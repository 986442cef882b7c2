import { createKube, type KubeClient } from '../../../activities/kube/client.ts';
import type { Kube, KubeRequest, Manifest } from '../../../activities/ports.ts';
import { sharedStack, type SharedStack, uniqueName } from '../../support/harness.ts';

/** The shared control plane through our own client, and a namespace for one test file. */
export interface TestCluster {
  readonly stack: SharedStack;
  readonly kubeconfig: string;
  readonly kube: KubeClient;
  readonly namespace: string;
  /** Creates or replaces an object with server-side apply. */
  apply<T extends Manifest = Manifest>(manifest: Manifest): Promise<T>;
  /** Another namespace, removed with the first. */
  addNamespace(): Promise<string>;
  release(): Promise<void>;
}

export async function useCluster(): Promise<TestCluster> {
  const stack = await sharedStack('kubernetes');
  const kube = createKube({ kubeconfig: stack.kubeconfig, context: null });
  const namespaces: string[] = [];
  const addNamespace = async (): Promise<string> => {
    const name = uniqueName('kube');
    await kube.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
    namespaces.push(name);
    return name;
  };
  return {
    stack,
    kubeconfig: stack.kubeconfig,
    kube,
    namespace: await addNamespace(),
    addNamespace,
    async apply<T extends Manifest>(manifest: Manifest): Promise<T> {
      const resource = await kube.resource(manifest.apiVersion, manifest.kind);
      if (resource === null) throw new Error(`no resource for ${manifest.kind}`);
      return kube.request<T>({
        method: 'PATCH',
        path: resource.path(manifest.metadata),
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'test', force: true, fieldValidation: 'Strict' },
        body: manifest,
      });
    },
    async release() {
      for (const name of namespaces) await kube.request({ method: 'DELETE', path: `/api/v1/namespaces/${name}` });
      await kube.close();
    },
  };
}

/** The same API server, and what was asked of it. */
export function counted(kube: Kube): { readonly kube: Kube; readonly asked: KubeRequest[] } {
  const asked: KubeRequest[] = [];
  const request = <T>(one: KubeRequest): Promise<T> => {
    asked.push(one);
    return kube.request<T>(one);
  };
  return { kube: { ...kube, request }, asked };
}
