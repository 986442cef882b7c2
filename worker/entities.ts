import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, WorkflowNotFoundError, type SearchAttributePair } from '@temporalio/common';
import type { Entities } from '../activities/ports.ts';
import {
  changed,
  entityId,
  taskQueue,
  WORKFLOW_TYPES,
  type Changed,
  type EntityInput,
  type EntityKind,
  type ObjectRef,
} from '../workflows/contract.ts';

const TYPE: Readonly<Record<EntityKind, string>> = {
  HelmRelease: WORKFLOW_TYPES.helmRelease,
  HelmRepository: WORKFLOW_TYPES.helmRepository,
  GitRepository: WORKFLOW_TYPES.gitRepository,
};

export interface EntitiesOptions {
  readonly cluster: string;
  /** False where the server refuses our search attributes. */
  readonly searchAttributes: boolean;
}

/** The running entities, over the Temporal client. */
export function createEntities(client: Client, { cluster, searchAttributes }: EntitiesOptions): Entities {
  return {
    async wake(kind, ref, change) {
      const input: EntityInput<never> = { cluster, ref, history: null, searchAttributes };
      await client.workflow.signalWithStart(TYPE[kind], {
        workflowId: entityId(cluster, kind, ref),
        taskQueue: taskQueue(cluster),
        args: [input],
        signal: changed,
        signalArgs: [change],
        staticSummary: `${kind} ${ref.namespace}/${ref.name}`,
        ...(searchAttributes ? { typedSearchAttributes: identity(cluster, kind, ref) } : {}),
      });
    },
    async tell(kind, ref, change) {
      try {
        await client.workflow.getHandle(entityId(cluster, kind, ref)).signal<[Changed]>(changed, change);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    running: () => listRunning(client, cluster),
  };
}

/** So that a list by namespace is right before the entity has run for the first time. */
function identity(cluster: string, kind: EntityKind, { namespace, name }: ObjectRef): SearchAttributePair[] {
  return [
    { key: defineSearchAttributeKey('HelmCluster', 'KEYWORD'), value: cluster },
    { key: defineSearchAttributeKey('HelmNamespace', 'KEYWORD'), value: namespace },
    ...(kind === 'HelmRelease'
      ? [{ key: defineSearchAttributeKey('HelmRelease', 'KEYWORD'), value: name.slice(0, 250) }]
      : []),
  ];
}

async function* listRunning(client: Client, cluster: string): AsyncGenerator<string, void, undefined> {
  const types = Object.values(TYPE).map((type) => `'${type}'`);
  // The cluster's name cannot contain a quote. STARTS_WITH needs no search attribute of ours.
  const query = `WorkflowId STARTS_WITH '${cluster}/' AND WorkflowType IN (${types.join(', ')}) AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query, pageSize: 500 })) yield workflowId;
}
