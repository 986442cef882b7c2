/** What a person, and a shell, needs to know about a running stack. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { kubeTarget, type Plan } from './plan.ts';
import { sampleCloneUrl } from './sample.ts';
import { keptLogin } from './services/registry.ts';
import type { State } from './state.ts';

/** Writes `export` lines; 0600 because the sample's URL holds its password. */
export function writeEnvFile(state: State, plan: Plan): void {
  const { ports } = plan;
  const embedded = plan.foreignCluster === null;
  const variables: Record<string, string> = {
    KUBECONFIG: kubeTarget(state, plan).kubeconfig,
    HOLDFAST_API: `http://127.0.0.1:${ports.api}`,
    HOLDFAST_TOKEN_FILE: state.apiToken,
    HOLDFAST_BIN: state.bin,
    ...temporalVariables(plan),
    ...(embedded
      ? {
          HOLDFAST_REGISTRY: `127.0.0.1:${ports.registry}`,
          HOLDFAST_REGISTRY_AUTH: state.registryAuth,
          HOLDFAST_SAMPLE_GIT: sampleCloneUrl(ports, keptLogin(state.gitAuth, 'git')),
        }
      : {}),
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`);
  writeFileSync(state.env, `${[...lines, `export PATH=${quote(state.bin)}:"$PATH"`].join('\n')}\n`, { mode: 0o600 });
}

function temporalVariables({ foreignTemporal, ports }: Plan): Record<string, string> {
  if (foreignTemporal !== null) {
    return foreignTemporal.address === null ? {} : { TEMPORAL_ADDRESS: foreignTemporal.address };
  }
  return {
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    TEMPORAL_UI: `http://127.0.0.1:${ports.temporalUi}`,
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function describeStack(state: State, plan: Plan): readonly string[] {
  const { ports, foreignCluster, foreignTemporal } = plan;
  const api = `http://127.0.0.1:${ports.api}`;
  return [
    '',
    foreignTemporal === null
      ? `  Temporal UI   http://127.0.0.1:${ports.temporalUi}`
      : `  Temporal      ${foreignTemporal.address ?? 'as HOLDFAST_TEMPORAL_* say'}`,
    `  API           ${api}   (token in ${short(state.apiToken)}; OpenAPI at /openapi.json)`,
    foreignCluster === null
      ? `  kubeconfig    ${short(state.kubeconfig)}`
      : `  cluster       ${foreignCluster.host} (context ${foreignCluster.context} of ${foreignCluster.kubeconfig})`,
    `  logs          ${short(state.logs)}`,
    '',
    `  Use it in a shell:`,
    `    . ${short(state.env)}`,
    ...(foreignCluster === null ? describeSample() : []),
    '',
  ];
}

function describeSample(): readonly string[] {
  return [
    `    kubectl get helmreleases --all-namespaces`,
    '',
    '  Change the sample and push; it rolls out at once:',
    '    git clone "$HOLDFAST_SAMPLE_GIT" sample && cd sample',
    "    sed -i.bak 's/replicaCount: 2/replicaCount: 3/' releases/catalog.yaml",
    `    ${commitCommand()} -am 'Scale the catalog' && git push`,
    '',
    '  Ask for a sync yourself:',
    '    curl -X POST -H "Authorization: Bearer $(cat "$HOLDFAST_TOKEN_FILE")" \\',
    '      "$HOLDFAST_API/v1/helmreleases/sample/catalog/sync?wait=true"',
  ];
}

/** git refuses to commit for somebody whose name it neither knows nor can make up. */
function commitCommand(): string {
  const known = spawnSync('git', ['var', 'GIT_AUTHOR_IDENT'], { stdio: 'ignore' }).status === 0;
  return known ? 'git commit' : 'git -c user.name=me -c user.email=me@localhost commit';
}

/** Relative where that is shorter to read and to type. */
function short(path: string): string {
  const from = relative(process.cwd(), path);
  return from.startsWith('..') ? path : from;
}
