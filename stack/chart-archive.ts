/** Packs charts and pushes them to a registry of ours, with the real helm. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolHomes } from './environment.ts';
import type { Login } from './services/registry.ts';
import { bareEnvironment } from './services/service.ts';

const run = promisify(execFile);

/** Which helm, and an existing private folder that stands in for its user's home. */
export interface HelmTools {
  readonly bin: string;
  readonly home: string;
}

/** Answers the archive, which lies in a folder of its own in `home`. */
export async function packChart(tools: HelmTools, source: string, version?: string): Promise<string> {
  const folder = mkdtempSync(join(tools.home, 'chart-'));
  const versions = version === undefined ? [] : ['--version', version, '--app-version', version];
  await runHelm(tools, ['package', source, '--destination', folder, ...versions]);
  const [file = ''] = readdirSync(folder);
  return join(folder, file);
}

/** Push an archive to `<registry>/<folder>`; answers that as a URL. */
export async function pushArchive(
  tools: HelmTools,
  archive: string,
  to: { readonly registry: string; readonly folder: string; readonly login: Login },
): Promise<string> {
  const { registry, folder, login } = to;
  const url = `oci://${registry}/${folder}`;
  const folderOfLogin = mkdtempSync(join(tools.home, 'login-'));
  const config = join(folderOfLogin, 'registry.json');
  const auth = Buffer.from(`${login.user}:${login.password}`).toString('base64');
  writeFileSync(config, JSON.stringify({ auths: { [registry]: { auth } } }), { mode: 0o600 });
  try {
    await runHelm(tools, ['push', archive, url, '--plain-http', '--registry-config', config]);
  } finally {
    rmSync(folderOfLogin, { recursive: true, force: true });
  }
  return url;
}

/** Run a helm that knows nothing of the user's, to a good end. */
export async function runHelm({ bin, home }: HelmTools, args: readonly string[]): Promise<void> {
  await run(join(bin, 'helm'), [...args], { env: { ...bareEnvironment(home), ...toolHomes(home) } });
}
