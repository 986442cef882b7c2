import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts';
import { bareEnvironment, type Service, type ServiceFolders } from './service.ts';

export interface TemporalOptions extends Omit<ServiceFolders, 'data'> {
  readonly database: string;
  readonly port: number;
  /** Null: without the UI. */
  readonly uiPort: number | null;
}

const TYPE_NAMES = { KEYWORD: 'Keyword', INT: 'Int', BOOL: 'Bool' } as const;

export function temporal({ bin, logs, home, database, port, uiPort }: TemporalOptions): Service {
  mkdirSync(dirname(database), { recursive: true, mode: 0o700 });
  return {
    process: {
      name: 'temporal',
      command: join(bin, 'temporal'),
      args: [
        'server',
        'start-dev',
        '--ip=127.0.0.1',
        `--port=${port}`,
        ...(uiPort === null ? ['--headless'] : [`--ui-port=${uiPort}`]),
        `--db-filename=${database}`,
        '--sqlite-pragma=journal_mode=WAL',
        '--sqlite-pragma=synchronous=NORMAL',
        '--log-level=warn',
        '--log-format=json',
        ...Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `--search-attribute=${name}=${TYPE_NAMES[type]}`),
        '--dynamic-config-value=system.enableActivityEagerExecution=true',
        '--dynamic-config-value=frontend.namespaceRPS.visibility=500',
        '--dynamic-config-value=frontend.namespaceRPS=20000',
        // More partitions are for many servers: here tasks and polls would only be forwarded among them.
        '--dynamic-config-value=matching.numTaskqueueReadPartitions=1',
        '--dynamic-config-value=matching.numTaskqueueWritePartitions=1',
        '--dynamic-config-value=history.hostLevelCacheMaxSize=65536',
      ],
      env: bareEnvironment(home),
      log: join(logs, 'temporal.log'),
    },
    isReady: () => accepts(port),
  };
}

/** The port opens last; whoever needs the namespace asks for it over gRPC. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2000 })
      .once('connect', () => {
        socket.destroy();
        resolve(true);
      })
      .once('error', () => {
        resolve(false);
      })
      .once('timeout', () => {
        socket.destroy();
        resolve(false);
      });
  });
}
