/** A cluster that is not ours: what is asked of it, and of its owner, before anything is written. */
import { createInterface } from 'node:readline/promises';
import { z } from 'zod';
import { Refusal } from './commands/usage.ts';
import { runKubectl, type KubectlTarget } from './kubectl.ts';

export const CRDS = [
  'helmreleases.helm-operator.ketches.cn',
  'helmrepositories.helm-operator.ketches.cn',
  'gitrepositories.holdfast.dev',
] as const;
export const OWNER_LABEL = 'app.kubernetes.io/managed-by=holdfast';

const ConfigView = z.object({
  'current-context': z.string().default(''),
  contexts: z.array(z.object({ name: z.string() })).nullish(),
  clusters: z.array(z.object({ cluster: z.object({ server: z.string() }) })).nullish(),
});

/** Host and context that a kubeconfig names, once the API server there has answered. */
export async function describeTarget(
  target: KubectlTarget,
): Promise<{ readonly host: string; readonly context: string }> {
  const text = await runKubectl(target, ['config', 'view', '--minify', '--output=json']).catch((error: unknown) => {
    throw new Refusal(
      `${target.kubeconfig} cannot be used: ${error instanceof Error ? error.message : String(error)}; name another with --kubeconfig, or a context with --context`,
    );
  });
  const view = ConfigView.parse(JSON.parse(text));
  const host = view.clusters?.[0]?.cluster.server;
  if (host === undefined)
    throw new Refusal(`${target.kubeconfig} names no cluster for its current context: add --context NAME`);
  await reach(target, host);
  return { host, context: target.context ?? view['current-context'] };
}

async function reach(target: KubectlTarget, host: string): Promise<void> {
  await runKubectl(target, ['get', '--raw=/version', '--request-timeout=15s']).catch((error: unknown) => {
    throw new Refusal(
      `${host} does not answer: ${error instanceof Error ? error.message : String(error)}; is it running, and does the login of ${target.kubeconfig} still hold?`,
    );
  });
}

interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
}

/** What worker and start do everywhere; what a chart holds comes on top. */
const RIGHTS: readonly Right[] = [
  ...['create', 'patch', 'get'].map((verb) => ({
    verb,
    group: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
  })),
  ...['list', 'watch', 'patch'].flatMap((verb) => [
    { verb, group: 'helm-operator.ketches.cn', resource: 'helmreleases' },
    { verb, group: 'helm-operator.ketches.cn', resource: 'helmrepositories' },
    { verb, group: 'holdfast.dev', resource: 'gitrepositories' },
  ]),
  ...['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'].map((verb) => ({
    verb,
    group: '',
    resource: 'secrets',
  })),
  ...['get', 'list', 'watch'].map((verb) => ({ verb, group: '', resource: 'configmaps' })),
  ...['get', 'create'].map((verb) => ({ verb, group: '', resource: 'namespaces' })),
  ...['create', 'patch'].map((verb) => ({ verb, group: '', resource: 'events' })),
];

/** Rights that the kubeconfig's user lacks, as `verb resource`. */
export async function missingRights(target: KubectlTarget): Promise<readonly string[]> {
  const items = RIGHTS.map(({ verb, group, resource }) => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb, group, resource } },
  }));
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const output = '--output=jsonpath={.status.allowed}{"\\n"}';
  const text = await runKubectl(target, ['create', '--filename=-', output, '--request-timeout=20s'], list);
  const allowed = text.split('\n');
  return RIGHTS.filter((_, index) => allowed[index] !== 'true').map(
    ({ verb, group, resource }) => `${verb} ${group === '' ? resource : `${resource}.${group}`}`,
  );
}

/** Our CRDs that are there already, by whether they carry our label. */
export async function existingCrds(
  target: KubectlTarget,
): Promise<{ readonly ours: readonly string[]; readonly others: readonly string[] }> {
  const get = ['get', 'customresourcedefinitions', '--ignore-not-found', '--output=name', '--request-timeout=20s'];
  const names = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.slice(line.indexOf('/') + 1))
      .filter((name) => CRDS.some((known) => known === name));
  const present = names(await runKubectl(target, [...get, ...CRDS]));
  const ours = names(await runKubectl(target, [...get, `--selector=${OWNER_LABEL}`]));
  return { ours, others: present.filter((name) => !ours.includes(name)) };
}

/** `y` or `yes` on a terminal; elsewhere only `--yes` agrees. */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) {
    throw new Refusal('this needs your word, and there is no terminal to ask on: add --yes');
  }
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new Refusal('nothing was changed');
  } finally {
    lines.close();
  }
}
