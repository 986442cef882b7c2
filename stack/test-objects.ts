/** Objects that point at the registry of a test stack. */
import type { SharedStack } from './test-access.ts';

/** Secret and HelmRepository for the stack's registry, in a namespace. */
export function registryObjects(stack: SharedStack, namespace: string, folder = 'charts'): readonly object[] {
  const { user: username, password } = stack.registryLogin;
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'registry-auth', namespace },
      stringData: { username, password },
    },
    {
      apiVersion: 'helm-operator.ketches.cn/v1alpha1',
      kind: 'HelmRepository',
      metadata: { name: 'charts', namespace },
      spec: {
        url: `oci://${stack.registry}/${folder}`,
        type: 'oci',
        auth: { basic: { secretRef: { name: 'registry-auth', namespace } } },
      },
    },
  ];
}
