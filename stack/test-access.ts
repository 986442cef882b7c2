/** Where the parts of a test stack are, as whoever talks to them needs it. */
import { readFileSync } from 'node:fs';
import type { Login } from './services/registry.ts';

export interface SharedStack {
  /** Folder of helm, oras, kubectl, temporal and the rest. */
  readonly bin: string;
  readonly kubeconfig: string;
  /** `host:port` of the Temporal server; namespace `default`, search attributes registered. */
  readonly temporalAddress: string;
  /** `host:port` of a registry that speaks plain HTTP and wants `registryLogin`. */
  readonly registry: string;
  readonly registryLogin: Login;
  /** File with `user:password`. */
  readonly registryAuthFile: string;
}

/** Read it from the variables of a `TestStack`. Fields of parts that were not started are empty. */
export function readAccess(env: Readonly<Record<string, string | undefined>>): SharedStack {
  const registryAuthFile = env['HOLDFAST_TEST_REGISTRY_AUTH'] ?? '';
  const [user = '', password = ''] =
    registryAuthFile === '' ? [] : readFileSync(registryAuthFile, 'utf8').trim().split(':');
  return {
    bin: env['HOLDFAST_TEST_BIN'] ?? '',
    kubeconfig: env['HOLDFAST_TEST_KUBECONFIG'] ?? '',
    temporalAddress: env['HOLDFAST_TEST_TEMPORAL_ADDRESS'] ?? '',
    registry: env['HOLDFAST_TEST_REGISTRY'] ?? '',
    registryLogin: { user, password },
    registryAuthFile,
  };
}
