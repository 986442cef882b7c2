/** An instant, in milliseconds since the epoch, as Kubernetes writes it: to the second, in UTC. */
export function kubeTime(at: number = Date.now()): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
