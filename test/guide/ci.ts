/** The commands of the two examples for CI, as their systems would run them. */
import { z } from 'zod';

export interface Script {
  readonly name: string;
  /** Of bash. */
  readonly flags: readonly string[];
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
}

const Texts = z.record(z.string(), z.string());
const Workflow = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      steps: z.array(
        z.object({
          name: z.string().optional(),
          uses: z.string().optional(),
          run: z.string().optional(),
          env: Texts.optional(),
        }),
      ),
    }),
  ),
});

/** The `run:` steps of a workflow, its expressions filled in; and what it uses, which is not run. */
export function stepsOfGithub(
  workflow: unknown,
  expressions: Readonly<Record<string, string>>,
): { readonly scripts: readonly Script[]; readonly used: readonly string[] } {
  const steps = Object.values(Workflow.parse(workflow).jobs).flatMap((job) => job.steps);
  const fill = (text: string): string =>
    text.replaceAll(/\$\{\{\s*(.+?)\s*\}\}/g, (_, expression: string) => {
      const value = expressions[expression];
      if (value === undefined) throw new Error(`nothing is known of the expression ${expression}`);
      return value;
    });
  const scripts = steps.flatMap(({ name = '', run, env = {} }) =>
    run === undefined
      ? []
      : [
          {
            name,
            // https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
            flags: ['-e'],
            text: fill(run),
            env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, fill(value)])),
          },
        ],
  );
  return { scripts, used: steps.flatMap(({ uses }) => uses ?? []) };
}

const Pipeline = z.record(z.string(), z.object({ script: z.array(z.string()) }));

/** The `script:` of each job, its lines in one shell, as the runner does it. */
export function scriptsOfGitlab(pipeline: unknown): readonly Script[] {
  return Object.entries(Pipeline.parse(pipeline)).map(([name, { script }]) => ({
    name,
    flags: ['-eo', 'pipefail'],
    text: script.join('\n'),
    env: {},
  }));
}
