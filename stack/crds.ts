import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runKubectl, type KubectlTarget } from './kubectl.ts';
import { CHECKOUT } from './state.ts';

const FOLDER = join(CHECKOUT, 'crds');

/** Applies `crds/` and waits until the API server serves them. */
export async function applyCrds(target: KubectlTarget): Promise<void> {
  const from = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => ['--filename', join(FOLDER, name)]);
  await runKubectl(target, ['apply', '--server-side', '--force-conflicts', '--field-manager=holdfast', ...from]);
  await runKubectl(target, ['wait', '--for=condition=Established', '--timeout=30s', ...from]);
}
