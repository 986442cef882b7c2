import type { Client } from '@temporalio/client';
import { SettingsError } from '../runtime/environment.ts';
import { taskQueue, watchId, WORKFLOW_TYPES } from '../workflows/contract.ts';

/**
 * Start the watcher of this cluster unless it runs. Its memo keeps the identity of the cluster that the name stands
 * for: another cluster under the same name, also one that was created anew, is refused before anything is done to it.
 */
export async function startWatch(client: Client, cluster: string, clusterUid: string): Promise<void> {
  const handle = await client.workflow.start(WORKFLOW_TYPES.clusterWatch, {
    workflowId: watchId(cluster),
    taskQueue: taskQueue(cluster),
    args: [{ cluster, clusterUid }],
    memo: { clusterUid },
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `watch cluster ${cluster}`,
  });
  const { memo } = await handle.describe();
  const known: unknown = memo?.['clusterUid'];
  if (known === clusterUid) return;
  throw new SettingsError(
    `HOLDFAST_CLUSTER is "${cluster}": under this name Temporal remembers another cluster (uid of kube-system ` +
      `${String(known)}, here ${clusterUid}). Choose another name, or, if that cluster is gone, forget it with: ` +
      `temporal workflow terminate --query "WorkflowId STARTS_WITH '${cluster}/'"`,
  );
}
