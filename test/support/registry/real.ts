/** A registry of a test's own, whose logins change while it runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { freePort } from '../../../stack/ports.ts';
import { registry, type Login } from '../../../stack/services/registry.ts';
import { startService } from '../../../stack/services/service.ts';
import { temporaryFolder, type OwnStack } from '../harness.ts';

export interface OwnRegistry {
  /** `host:port`. */
  readonly address: string;
  /** From now on it lets in these, and nobody else. bcrypt looks at the first 72 bytes of a password. */
  letIn(...logins: readonly Login[]): void;
}

/** The real one, ended with the stack. */
export async function startRegistry(
  { bin, runDir }: Pick<OwnStack, 'bin' | 'runDir'>,
  name: string,
  login: Login,
): Promise<OwnRegistry> {
  const home = temporaryFolder();
  const data = join(home, 'data');
  const port = await freePort();
  await startService(registry({ name, bin, data, logs: home, home, port, login }), runDir);
  return {
    address: `127.0.0.1:${port}`,
    letIn(...logins) {
      const lines = logins.map(({ user, password }) => `${user}:${hashSync(password, 4)}\n`);
      writeFileSync(join(data, 'htpasswd'), lines.join(''), { mode: 0o600 });
    },
  };
}
