/** A Helm hook that lasts as long as a test wants: helm is in the middle of its write meanwhile. */
import { until } from './harness.ts';
import type { Objects } from './holdfast.ts';

/** Template of a Job before install and upgrade, which lasts until the label is taken from its pod. */
export const SLOW_HOOK = `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  template:
    metadata:
      labels: { job: {{ .Release.Name }}-hook, holdfast.dev/test-ready: never }
    spec:
      restartPolicy: Never
      containers: [{ name: hook, image: registry.example.com/hook:1 }]
`;

/** Let the hook of a release succeed, as soon as its pod is there. */
export async function endHook(objects: Objects, namespace: string, release: string): Promise<void> {
  const pods = ['get', 'pods', '-n', namespace, '-l', `job=${release}-hook`, '-o', 'name'];
  const names = await until(
    () => objects.kubectl(pods),
    (text) => text.trim() !== '',
    'the pod of the hook',
  );
  for (const name of names.trim().split('\n')) {
    await objects.kubectl(['label', '-n', namespace, name, 'holdfast.dev/test-ready-']);
  }
}
