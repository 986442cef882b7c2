import { type Kube, KubeError } from '../ports.ts';

/** The object at a path, or null when there is none. */
export async function readOrNull<T>(kube: Kube, path: string): Promise<T | null> {
  try {
    return await kube.request<T>({ method: 'GET', path });
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return null;
    throw error;
  }
}
