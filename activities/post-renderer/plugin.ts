import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommonMetadata } from './common-metadata.ts';

const NAME = 'common-metadata';

/** Helm expands the variable, and splits a command, but no arguments, at blanks. */
const PLUGIN = {
  apiVersion: 'v1',
  type: 'postrenderer/v1',
  name: NAME,
  version: '1.0.0',
  runtime: 'subprocess',
  runtimeConfig: {
    platformCommand: [
      {
        command: '${HELM_PLUGIN_DIR}/node',
        args: ['${HELM_PLUGIN_DIR}/render.ts', '${HELM_PLUGIN_DIR}/metadata.json'],
      },
    ],
  },
};

/**
 * Make a plugin of helm in the folder of an operation, where its environment has it look for plugins. Helm 4 changes
 * what it has rendered by nothing else. Answers its name.
 */
export async function writePostRenderer(folder: string, common: CommonMetadata): Promise<string> {
  const plugin = join(folder, 'plugins', NAME);
  await mkdir(plugin, { recursive: true, mode: 0o700 });
  await symlink(process.execPath, join(plugin, 'node'));
  await symlink(fileURLToPath(new URL('render.ts', import.meta.url)), join(plugin, 'render.ts'));
  await writeFile(join(plugin, 'metadata.json'), JSON.stringify(common), { mode: 0o600 });
  await writeFile(join(plugin, 'plugin.yaml'), JSON.stringify(PLUGIN), { mode: 0o600 });
  return NAME;
}
