import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bareEnvironment, type Service, type ServiceFolders } from './service.ts';

export interface KwokOptions extends Omit<ServiceFolders, 'data'> {
  readonly kubeconfig: string;
}

const STAGES = fileURLToPath(new URL('kwok-stages.yaml', import.meta.url));

/** The one node of the embedded cluster: large, and without a machine behind it. */
export const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: 'kwok-0',
    annotations: { 'kwok.x-k8s.io/node': 'fake' },
    labels: {
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': 'kwok-0',
      'kubernetes.io/os': 'linux',
      'kubernetes.io/role': 'agent',
      type: 'kwok',
    },
  },
  status: {
    allocatable: { cpu: '4000', memory: '16Ti', 'ephemeral-storage': '16Ti', pods: '1000000' },
    capacity: { cpu: '4000', memory: '16Ti', 'ephemeral-storage': '16Ti', pods: '1000000' },
  },
} as const;

export function kwok({ bin, logs, home, kubeconfig }: KwokOptions): Service {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const stages = join(home, 'kwok-stages.yaml');
  copyFileSync(STAGES, stages);
  return {
    process: {
      name: 'kwok',
      command: join(bin, 'kwok'),
      args: [`--kubeconfig=${kubeconfig}`, '--manage-all-nodes=true', `--config=${stages}`, '--cidr=10.244.0.0/16'],
      env: bareEnvironment(home),
      log: join(logs, 'kwok.log'),
    },
    isReady: () => Promise.resolve(true),
  };
}
