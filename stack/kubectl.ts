import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { bareEnvironment } from './services/service.ts';

export interface KubectlTarget {
  readonly bin: string;
  readonly home: string;
  readonly kubeconfig: string;
  readonly context?: string | undefined;
  /** Variables that an exec plugin of a foreign kubeconfig may need. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The command line of a kubectl that uses nothing of the user's but the kubeconfig. */
export function kubectlCommand(
  { bin, home, kubeconfig, context, env }: KubectlTarget,
  args: readonly string[],
): { readonly command: string; readonly args: readonly string[]; readonly env: Record<string, string> } {
  return {
    command: join(bin, 'kubectl'),
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--cache-dir=${join(home, 'kube-cache')}`,
      ...(context === undefined ? [] : [`--context=${context}`]),
      ...args,
    ],
    env: { ...bareEnvironment(home), ...env },
  };
}

/** kubectl's own words about what went wrong. */
export class KubectlError extends Error {
  override readonly name = 'KubectlError';
}

/** Runs kubectl and answers its standard output; a failure says what kubectl said. */
export function runKubectl(target: KubectlTarget, args: readonly string[], stdin?: string): Promise<string> {
  const { command, args: all, env } = kubectlCommand(target, args);
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...all], { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new KubectlError(`kubectl ${args.slice(0, 2).join(' ')}: ${withoutLog(stderr) || error.message}`));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin ?? '');
  });
}

/** Without the lines that its libraries log about each try. */
function withoutLog(stderr: string): string {
  return stderr.replace(/^[EWI]\d{4} .*\n?/gm, '').trim();
}
