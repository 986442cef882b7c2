import type { History } from '../../workflows/core/model.ts';
import { attempt, history, look, NOW, object, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

const from = { namespace: 'default', name: 'old' };
const move = { from, takenBy: null };
const BECAUSE = 'spec.release was changed from default/old to default/app';
const BROKEN = { code: 'UninstallFailed', message: 'the delete hook failed' } as const;
const db = { namespace: 'shop', name: 'db' };
const waits = { ref: db, state: 'notReady', generation: 2 } as const;
const uninstall = { kind: 'uninstall', because: BECAUSE } as const;

function elsewhere(change: Partial<History> = {}): History {
  return history({ target: from, ...change });
}

const uninstalling = (outcome: 'failedBeforeWrite' | 'lost' | 'succeeded') =>
  attempt({ action: 'uninstall', because: BECAUSE, outcome });

/** A release that is installed in one place and wanted in another. */
export const MOVE_ROWS: readonly Row[] = [
  {
    name: 'another release name in the spec: what is installed is uninstalled first',
    look: look({ move }),
    history: elsewhere(),
    then: uninstall,
  },
  {
    name: 'moved, and its upgrade had failed: its back-off keeps nothing',
    look: look({ move, stored: stored({ status: 'failed' }) }),
    history: elsewhere({ retryAt: NOW + 60_000, failuresAfterWrite: 1, lastFailure: BROKEN }),
    then: uninstall,
  },
  {
    name: 'moved to a place that another HelmRelease has: nothing is uninstalled',
    look: look({ move: { from, takenBy: db } }),
    history: elsewhere(),
    then: {
      kind: 'stall',
      failure: {
        code: 'ReleaseNameTaken',
        message:
          'release default/app belongs to HelmRelease shop/db; choose another spec.release.name, or delete that one',
      },
    },
  },
  {
    name: 'moved while a dependency is not Ready: what could not be installed again is not taken away',
    look: look({ move, dependencies: [waits] }),
    history: elsewhere(),
    then: {
      kind: 'defer',
      until: null,
      failure: {
        code: 'DependencyNotReady',
        message: 'waits for HelmRelease shop/db to become Ready in generation 2',
      },
    },
  },
  {
    name: 'a move whose uninstall has begun goes on, whatever its dependencies do',
    look: look({ move, dependencies: [waits], stored: stored({ status: 'uninstalling' }) }),
    history: elsewhere({ recent: [uninstalling('lost')] }),
    then: uninstall,
  },
  {
    name: 'moved in the middle of a write: unlock first',
    look: look({ move, stored: stored({ status: 'pending-upgrade', attempt: 'a2' }) }),
    history: elsewhere({ lost: { attempt: 'a2', process: null, deadAt: NOW + 1000 } }),
    then: { kind: 'unlock', revision: 3, leaseOver: false },
  },
  {
    name: 'moved, and the uninstall failed: again after the back-off',
    look: look({ move }),
    history: elsewhere({
      recent: [uninstalling('failedBeforeWrite')],
      retryAt: NOW + 10_000,
      lastFailure: BROKEN,
    }),
    then: { kind: 'hold', until: NOW + 10_000, failure: BROKEN },
  },
  {
    name: 'moved, uninstalled, but what became of its objects is not known: ask again',
    look: look({ move, stored: stored({ status: 'uninstalled' }) }),
    history: elsewhere({ recent: [uninstalling('lost')] }),
    then: uninstall,
  },
  {
    name: 'moved while suspended: nothing',
    look: look({ move, object: object({ suspension: { by: 'ops', reason: 'freeze', inSpec: false } }) }),
    history: elsewhere(),
    then: { kind: 'none' },
  },
  {
    name: 'a look of a version that moved nothing is answered as it was then',
    history: elsewhere(),
    then: {
      kind: 'stall',
      failure: { code: 'FieldNotSupported', message: `${BECAUSE}, which the next look carries out` },
    },
  },
];
