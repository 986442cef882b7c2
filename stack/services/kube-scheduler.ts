import { join } from 'node:path';
import { bareEnvironment, type Service, type ServiceFolders } from './service.ts';

export interface SchedulerOptions extends Omit<ServiceFolders, 'data'> {
  readonly kubeconfig: string;
}

export function kubeScheduler({ bin, logs, home, kubeconfig }: SchedulerOptions): Service {
  return {
    process: {
      name: 'kube-scheduler',
      command: join(bin, 'kube-scheduler'),
      args: [
        `--kubeconfig=${kubeconfig}`,
        '--leader-elect=false',
        '--secure-port=0',
        '--kube-api-qps=500',
        '--kube-api-burst=1000',
        '--v=1',
      ],
      env: bareEnvironment(home),
      log: join(logs, 'kube-scheduler.log'),
    },
    isReady: () => Promise.resolve(true),
  };
}
