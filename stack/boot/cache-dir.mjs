import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where tools are kept, outside every checkout: `HOLDFAST_CACHE_DIR`, else the user's cache folder.
 * @param {Record<string, string | undefined>} env
 */
export function cacheDir(env) {
  if (env['HOLDFAST_CACHE_DIR']) return resolve(env['HOLDFAST_CACHE_DIR']);
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'holdfast');
}
