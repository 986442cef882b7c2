import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from '../process/run.ts';

/**
 * The environment of a helm: everything that it would read from or write to a user's home is in `folder` instead. Only
 * what it has learnt about the API server, `discovery`, is shared and kept.
 */
export async function helmEnvironment(
  folder: string,
  { discovery, kubeconfig }: { readonly discovery: string; readonly kubeconfig: string | null },
): Promise<Readonly<Record<string, string>>> {
  const inFolder = (name: string): string => join(folder, name);
  const plugin = kubeconfig !== null && (await namesPlugin(kubeconfig));
  return childEnvironment(folder, {
    ...(plugin ? pluginEnvironment() : {}),
    HELM_CACHE_HOME: inFolder('cache'),
    HELM_CONFIG_HOME: inFolder('config'),
    HELM_DATA_HOME: inFolder('data'),
    HELM_CONTENT_CACHE: inFolder('content'),
    HELM_PLUGINS: inFolder('plugins'),
    HELM_NO_PLUGINS: '1',
    HELM_REGISTRY_CONFIG: inFolder('registry.json'),
    HELM_REPOSITORY_CONFIG: inFolder('repositories.yaml'),
    HELM_REPOSITORY_CACHE: inFolder('repository'),
    HELM_DRIVER: 'secret',
    HELM_COLOR: 'never',
    KUBECACHEDIR: discovery,
    // Short-lived: collecting garbage costs it half of its CPU. The limit is for charts that are not.
    GOGC: 'off',
    GOMEMLIMIT: '512MiB',
  });
}

/** A kubeconfig may name a program that makes its credentials, as those of the large clouds do. */
async function namesPlugin(kubeconfig: string): Promise<boolean> {
  return /^[\s-]*"?exec"?:/m.test(await readFile(kubeconfig, 'utf8'));
}

const NOT_FOR_PLUGINS = /^(?:HOLDFAST|TEMPORAL|HELM|DOCKER|KUBE)[A-Z_]*$|^(?:GOGC|GOMEMLIMIT|LC_ALL)$/;

/** Such a program finds its own login by home and environment: it gets those of the worker. */
function pluginEnvironment(): Readonly<Record<string, string>> {
  const entries = Object.entries(process.env).filter(([name]) => !NOT_FOR_PLUGINS.test(name));
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
