/** A way to the API server of a stack that leads through something in front of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, type SharedStack } from './harness.ts';

export interface Detour<T> {
  /** What stands in front. */
  readonly through: T;
  /** For `HOLDFAST_KUBECONFIG`; the tests' own kubectl goes past it. */
  readonly kubeconfig: string;
}

/** Opens it before the address that it is given, and writes a kubeconfig that names its own instead. */
export async function detourTo<T extends { readonly address: string }>(
  { kubeconfig }: Pick<SharedStack, 'kubeconfig'>,
  open: (address: string) => Promise<T>,
): Promise<Detour<T>> {
  const text = readFileSync(kubeconfig, 'utf8');
  const [address = ''] = /127\.0\.0\.1:\d+/.exec(text) ?? [];
  const through = await open(address);
  const file = join(temporaryFolder(), 'kubeconfig');
  writeFileSync(file, text.replaceAll(address, through.address), { mode: 0o600 });
  return { through, kubeconfig: file };
}
