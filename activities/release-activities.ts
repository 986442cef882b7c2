import { keepChartValues } from './chart-values.ts';
import { checkHelmRepository } from './check-helm-repository.ts';
import { crossing } from './crossing.ts';
import { correctDrift, observeDrift } from './drift.ts';
import { cleanUpRevision, failRevision, succeedRevision, unlockRelease } from './mend-release.ts';
import type { Toolbox } from './operation.ts';
import { resolveVersion } from './resolve-version.ts';
import { rollbackRelease } from './rollback-release.ts';
import { testRelease } from './test-release.ts';
import type { Activities } from './types.ts';
import { uninstallRelease } from './uninstall-release.ts';
import { observe, waitGone, waitReady } from './wait-release.ts';
import { writeRelease } from './write-release.ts';

export type ReleaseWorkActivities = Pick<
  Activities,
  | 'resolveVersion'
  | 'writeRelease'
  | 'rollbackRelease'
  | 'testRelease'
  | 'uninstallRelease'
  | 'waitReady'
  | 'waitGone'
  | 'failRevision'
  | 'succeedRevision'
  | 'cleanUpRevision'
  | 'unlockRelease'
  | 'observeReadiness'
  | 'observeDrift'
  | 'correctDrift'
  | 'checkHelmRepository'
  | 'keepChartValues'
>;

/** The activities that run helm and oras and read Helm's storage. */
export function createReleaseActivities(tools: Toolbox): ReleaseWorkActivities {
  return {
    resolveVersion: crossing((input, call) => resolveVersion(tools, input, call)),
    writeRelease: crossing((input, call) => writeRelease(tools, input, call)),
    rollbackRelease: crossing((input, call) => rollbackRelease(tools, input, call)),
    testRelease: crossing((input, call) => testRelease(tools, input, call)),
    uninstallRelease: crossing((input, call) => uninstallRelease(tools, input, call)),
    waitReady: crossing((input, call) => waitReady(tools, input, call)),
    waitGone: crossing((input, call) => waitGone(tools, input, call)),
    failRevision: crossing((input) => failRevision(tools, input)),
    succeedRevision: crossing((input) => succeedRevision(tools, input)),
    cleanUpRevision: crossing((input) => cleanUpRevision(tools, input)),
    unlockRelease: crossing((input) => unlockRelease(tools, input)),
    observeReadiness: crossing(async (input, { signal }) => ({
      notReady: (await observe(tools, input, signal)).slice(0, 20),
    })),
    observeDrift: crossing((input, call) => observeDrift(tools, input, call)),
    correctDrift: crossing((input, call) => correctDrift(tools, input, call)),
    checkHelmRepository: crossing((input, call) => checkHelmRepository(tools, input, call)),
    keepChartValues: crossing((input, call) => keepChartValues(tools, input, call)),
  };
}
