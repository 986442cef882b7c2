/** What a Temporal server keeps of the workflows of a cluster. */
import type { Client } from '@temporalio/client';

/** `temporal.api.history.v1.History`, as the client fetches it. */
export type WorkflowHistory = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;
export type HistoryEvent = NonNullable<WorkflowHistory['events']>[number];

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  readonly history: WorkflowHistory;
}

/** Every run of every workflow of a cluster, oldest first. */
export async function runsOf(client: Client, cluster: string): Promise<readonly Run[]> {
  const runs: (Run & { readonly startedAt: number })[] = [];
  for await (const { workflowId, runId, type, startTime } of client.workflow.list({
    query: `WorkflowId STARTS_WITH '${cluster}/'`,
  })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    runs.push({ workflowId, runId, type, history, startedAt: startTime.getTime() });
  }
  return runs.sort((a, b) => a.startedAt - b.startedAt);
}
