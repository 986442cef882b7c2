import { continueAsNew, proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { WatchActivities } from '../activities/types.ts';
import { readFailure } from './failures.ts';

export interface ClusterWatchInput {
  readonly cluster: string;
  /** uid of namespace `kube-system`, by which a cluster is known; null until it was first reached. */
  readonly clusterUid: string | null;
}

/** Restarts of the watching activity in one run: each leaves a few events in the history. */
const MAX_RESTARTS = 50;

/**
 * Watches one cluster for ever, by one long activity. If its worker dies, Temporal starts it on another: that is all
 * the leader election there is. A cluster of another identity under the same name is never acted upon.
 */
export async function clusterWatch({ cluster, clusterUid }: ClusterWatchInput): Promise<void> {
  const { identifyCluster } = proxyActivities<WatchActivities>({
    startToCloseTimeout: '15 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '15 seconds' },
  });
  const { watchCluster } = proxyActivities<WatchActivities>({
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 1.5, maximumInterval: '15 seconds' },
  });
  setCurrentDetails(`### cluster ${cluster}\n\nlooking for the API server`);
  const uid = clusterUid ?? (await identifyCluster.executeWithOptions({ summary: 'identify the cluster' }, [])).uid;
  setCurrentDetails(`### cluster ${cluster}\n\nwatching, uid of kube-system ${uid}`);
  for (let restarts = 0; restarts < MAX_RESTARTS; restarts += 1) {
    try {
      await watchCluster.executeWithOptions({ summary: `watch cluster ${cluster}` }, [{ cluster, clusterUid: uid }]);
    } catch (error) {
      const step = readFailure(error);
      const message = step.kind === 'failed' ? step.failure.message : step.reason;
      setCurrentDetails(`### cluster ${cluster}\n\n**not watching**: ${message}`);
      await sleep('15 seconds', { summary: 'watch again' });
    }
  }
  await continueAsNew<typeof clusterWatch>({ cluster, clusterUid: uid });
}
