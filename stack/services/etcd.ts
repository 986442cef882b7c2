import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answers, bareEnvironment, type Service, type ServiceFolders } from './service.ts';

export interface EtcdOptions extends ServiceFolders {
  readonly port: number;
  readonly peerPort: number;
  /** Without fsync a lost machine loses data; a killed process does not. */
  readonly fsync: 'yes' | 'no';
}

export function etcd({ bin, data, logs, home, port, peerPort, fsync }: EtcdOptions): Service {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return {
    process: {
      name: 'etcd',
      command: join(bin, 'etcd'),
      args: [
        '--name=default',
        `--data-dir=${data}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=default=${peer}`,
        '--auto-compaction-mode=periodic',
        '--auto-compaction-retention=5m',
        '--log-level=warn',
        ...(fsync === 'no' ? ['--unsafe-no-fsync'] : []),
      ],
      env: bareEnvironment(home),
      log: join(logs, 'etcd.log'),
    },
    isReady: () => answers(`${client}/health`),
  };
}
