/** What is decided about objects that are not as Helm sent them. */
import type { CorrectedField, Drift, DriftMemory } from '../../workflows/core/model.ts';
import { desired, history, look, NOW, object, stored } from './builders.ts';
import type { Row } from './decide-rows.ts';

export const DRIFT: Drift = {
  objects: [
    {
      object: 'Deployment default/app',
      fields: ['/spec/replicas'],
      fieldCount: 1,
      missing: false,
      managers: ['kubectl-edit'],
    },
  ],
  count: 1,
  failed: [],
};
const SAME: Drift = { objects: [], count: 0, failed: [] };

export const NOT_CORRECTED = {
  failure: { code: 'DriftNotCorrected', message: 'drift could not be corrected: Deployment default/app: forbidden' },
  count: 1,
  retryAt: NOW + 300_000,
} as const;

export function driftMemory(change: Partial<DriftMemory> = {}): DriftMemory {
  return { revision: 3, seen: DRIFT, corrected: [], failed: null, ...change };
}

export function comesBack(times: number): CorrectedField {
  return { field: 'Deployment default/app /spec/replicas', times, at: NOW - 1000 };
}

const asked = (drift: 'warn' | 'enabled') => object({ spec: { kind: 'valid', desired: desired({ drift }) } });
const BECAUSE = 'Deployment default/app /spec/replicas (by kubectl-edit)';

export const DRIFT_ROWS: readonly Row[] = [
  {
    name: 'an object differs, and is to be corrected: correct it',
    look: look({ object: asked('enabled'), stored: stored({ drift: DRIFT }) }),
    then: { kind: 'correct', revision: 3, because: BECAUSE },
  },
  {
    name: 'an object differs, and only a warning is wanted: nothing',
    look: look({ object: asked('warn'), stored: stored({ drift: DRIFT }) }),
    then: { kind: 'none' },
  },
  {
    name: 'no object differs: nothing',
    look: look({ object: asked('enabled'), stored: stored({ drift: SAME }) }),
    then: { kind: 'none' },
  },
  {
    name: 'an object differs, and another state is desired by now: upgrade, which sends all objects anyway',
    look: look({ object: asked('enabled'), stored: stored({ digest: 'd0', drift: DRIFT }) }),
    then: { kind: 'upgrade', because: 'chart, version or values changed' },
  },
  {
    name: 'corrected four times in a row: once more',
    look: look({ object: asked('enabled'), stored: stored({ drift: DRIFT }) }),
    history: history({ drift: driftMemory({ corrected: [comesBack(4)] }) }),
    then: { kind: 'correct', revision: 3, because: BECAUSE },
  },
  {
    name: 'corrected five times in a row: leave it, and say whose it is',
    look: look({ object: asked('enabled'), stored: stored({ drift: DRIFT }) }),
    history: history({ drift: driftMemory({ corrected: [comesBack(5)] }) }),
    then: {
      kind: 'stall',
      failure: {
        code: 'DriftContested',
        message:
          'corrected 5 times in a row, and changed again by another hand: Deployment default/app /spec/replicas (kubectl-edit); stop the other hand or add the field to spec.driftDetection.ignore, then ask for a sync with reset',
      },
    },
  },
  {
    name: 'what came back to another revision does not count',
    look: look({ object: asked('enabled'), stored: stored({ drift: DRIFT }) }),
    history: history({ drift: driftMemory({ revision: 2, corrected: [comesBack(5)] }) }),
    then: { kind: 'correct', revision: 3, because: BECAUSE },
  },
  {
    name: 'a correction was refused a moment ago: hold',
    look: look({ object: asked('enabled'), stored: stored({ drift: DRIFT }) }),
    history: history({ drift: driftMemory({ failed: NOT_CORRECTED }) }),
    then: { kind: 'hold', until: NOW + 300_000, failure: NOT_CORRECTED.failure },
  },
  {
    name: 'a correction was refused, and its back-off is over: correct',
    look: look({ object: asked('enabled'), stored: stored({ drift: DRIFT }) }),
    history: history({ drift: driftMemory({ failed: { ...NOT_CORRECTED, retryAt: NOW } }) }),
    then: { kind: 'correct', revision: 3, because: BECAUSE },
  },
];
