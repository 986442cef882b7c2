import { crossing } from './crossing.ts';
import { createGitActivities } from './git-activities.ts';
import { abandonObject } from './kube/abandonment.ts';
import { createLinkedList } from './kube/dependants.ts';
import { listRecords } from './kube/helm-records.ts';
import { createLastSeen } from './kube/last-seen.ts';
import { addFinalizer, annotateSuspension, removeFinalizer } from './kube/metadata.ts';
import { reportStatus } from './kube/release-status.ts';
import { lookRelease } from './look-release.ts';
import { measure, SILENT } from './meter.ts';
import { createToolbox, type ReleaseDeps } from './operation.ts';
import type { Entities } from './ports.ts';
import { createReleaseActivities } from './release-activities.ts';
import type { Activities } from './types.ts';
import { identifyCluster, watchCluster } from './watch/watch-cluster.ts';

export interface ActivitiesDeps extends ReleaseDeps {
  readonly entities: Entities;
  /** Fires when the worker begins to stop: what runs for ever ends at once, so that another worker takes over. */
  readonly stopping: AbortSignal;
}

/** What goes into history is bounded. */
const MAX_REVISIONS = 50;

/**
 * The one list of activities. Make one object per process: its toolbox holds the locks. Whatever they throw is an
 * `ApplicationFailure` with a code, or their cancellation.
 */
export function createActivities(deps: ActivitiesDeps): Activities {
  const { kube, entities, stopping, meter = SILENT } = deps;
  const tools = createToolbox(deps);
  const { crossNamespace } = tools;
  const listLinked = createLinkedList(kube);
  const seen = createLastSeen();
  const identify = crossing(() => identifyCluster(kube));
  return {
    ...createReleaseActivities(tools),
    ...createGitActivities(deps),
    lookRelease: crossing((input, call) => {
      const { signal } = call;
      const looking = { kube, records: tools.records, shared: tools.sharedReads(call), seen, listLinked };
      return measure(() => lookRelease(looking, { ...input, crossNamespace }, signal), {
        tell: meter.looked('HelmRelease'),
        signal,
      });
    }),
    reportRelease: crossing((report) => reportStatus(kube, report, seen)),
    holdRelease: crossing((held) => addFinalizer(kube, { kind: 'HelmRelease', ...held })),
    letGoRelease: crossing((held) => removeFinalizer(kube, { kind: 'HelmRelease', ...held })),
    listRevisions: crossing(async ({ release }) => ({
      revisions: (await listRecords(kube, release)).map(({ revision }) => revision).slice(-MAX_REVISIONS),
    })),
    setSuspension: crossing(({ ref, suspension }) => annotateSuspension(kube, ref, suspension)),
    abandonRelease: crossing(({ ref, uid, abandonment }) =>
      abandonObject(kube, { kind: 'HelmRelease', ref, uid }, abandonment),
    ),
    identifyCluster: () => identify(null),
    watchCluster: crossing(({ cluster, clusterUid }, { signal, heartbeat }) =>
      watchCluster({ kube, entities, cluster, meter }, clusterUid, {
        signal: AbortSignal.any([signal, stopping]),
        heartbeat,
      }),
    ),
  };
}
