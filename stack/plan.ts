/** What one start decided, handed from the command line to the supervisor and read again by later commands. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Ports } from './ports.ts';
import type { State } from './state.ts';

export interface Plan {
  readonly cluster: string;
  readonly ports: Ports;
  /** Null: the embedded control plane. */
  readonly foreignCluster: ForeignCluster | null;
  /** Null: the embedded dev server. */
  readonly foreignTemporal: { readonly address: string | null } | null;
}

export interface ForeignCluster {
  readonly kubeconfig: string;
  readonly context: string;
  readonly host: string;
}

export function writePlan(state: State, plan: Plan): void {
  writeFileSync(state.plan, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600 });
}

/** The plan of the last start; null when there was none. */
export function readPlan(state: State): Plan | null {
  // Written by ourselves into a folder that nobody else may write.
  return existsSync(state.plan) ? (JSON.parse(readFileSync(state.plan, 'utf8')) as Plan) : null;
}

/** Kubeconfig and context that worker and commands use. */
export function kubeTarget(
  state: State,
  { foreignCluster }: Plan,
): { kubeconfig: string; context: string | undefined } {
  return foreignCluster ?? { kubeconfig: state.kubeconfig, context: undefined };
}
