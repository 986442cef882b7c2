import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { bareEnvironment, type Service, type ServiceFolders } from './service.ts';

export interface RegistryOptions extends ServiceFolders {
  /** Also the name of its process; a second registry needs another one. */
  readonly name?: string;
  readonly port: number;
  /** Null: open to everyone. */
  readonly login: Login | null;
}

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** The password is random and 192 bits long; a higher cost would only make every request slower. */
const BCRYPT_COST = 4;

export function registry({ name = 'registry', bin, data, logs, home, port, login }: RegistryOptions): Service {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const passwords = join(data, 'htpasswd');
  if (login !== null) {
    writeFileSync(passwords, `${login.user}:${hashSync(login.password, BCRYPT_COST)}\n`, { mode: 0o600 });
  }
  const config = join(data, 'config.json');
  const settings = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(data, 'storage') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
    ...(login === null ? {} : { auth: { htpasswd: { realm: 'holdfast', path: passwords } } }),
  };
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  return {
    process: {
      name,
      command: join(bin, 'registry'),
      args: ['serve', config],
      env: { ...bareEnvironment(home), OTEL_TRACES_EXPORTER: 'none' },
      log: join(logs, `${name}.log`),
    },
    isReady: () => serves(port),
  };
}

async function serves(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/v2/`, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.status === 200 || response.status === 401;
}

/** A login kept in a 0600 file as `user:password`; made at first use. */
export function keptLogin(file: string, user: string): Login {
  if (!existsSync(file)) {
    writeFileSync(file, `${user}:${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  }
  const [kept = user, password = ''] = readFileSync(file, 'utf8').trim().split(':');
  return { user: kept, password };
}
