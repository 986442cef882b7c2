import { join } from 'node:path';
import type { ApiserverAccess } from './kube-apiserver.ts';
import { bareEnvironment, type Service, type ServiceFolders } from './service.ts';

export interface ControllerManagerOptions extends Omit<ServiceFolders, 'data'> {
  readonly kubeconfig: string;
  readonly access: ApiserverAccess;
}

export function kubeControllerManager({ bin, logs, home, kubeconfig, access }: ControllerManagerOptions): Service {
  return {
    process: {
      name: 'kube-controller-manager',
      command: join(bin, 'kube-controller-manager'),
      args: [
        `--kubeconfig=${kubeconfig}`,
        '--leader-elect=false',
        '--secure-port=0',
        `--root-ca-file=${access.caFile}`,
        `--service-account-private-key-file=${access.serviceAccountKey}`,
        // The node has no machine that could be lost: nobody need send heartbeats, and nothing is evicted after a pause.
        '--controllers=*,-node-lifecycle-controller,-taint-eviction-controller,-node-ipam-controller',
        // With the default of 20 a second, this process and nothing else decides how long 100 releases take.
        '--kube-api-qps=1000',
        '--kube-api-burst=2000',
        '--concurrent-deployment-syncs=20',
        '--concurrent-replicaset-syncs=20',
        '--v=1',
      ],
      env: bareEnvironment(home),
      log: join(logs, 'kube-controller-manager.log'),
    },
    isReady: () => Promise.resolve(true),
  };
}
