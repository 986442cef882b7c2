import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type driftFound, driftText, noteCorrection, noteDrift } from '../../workflows/core/drift.ts';
import { retryNow, withoutFailures } from '../../workflows/core/history.ts';
import type { Drift } from '../../workflows/core/model.ts';
import { summarize } from '../../workflows/core/summarize.ts';
import { desired, history, look, NOW, object, stored } from './builders.ts';
import { comesBack, DRIFT, driftMemory, NOT_CORRECTED } from './drift-rows.ts';

const SAME: Drift = { objects: [], count: 0, failed: [] };
const FAILED: Drift = { ...SAME, failed: [{ object: 'Deployment default/app', reason: 'forbidden' }] };
const HOUR = 3_600_000;
const times = { at: NOW, intervalMs: HOUR };

describe('what is remembered of drift', () => {
  it('counts how often in a row a field was corrected', () => {
    const once = noteCorrection(history(), { revision: 3, drift: DRIFT }, NOW);
    const twice = noteCorrection(once, { revision: 3, drift: DRIFT }, NOW + 1);
    assert.deepEqual(twice.drift?.corrected, [{ ...comesBack(2), at: NOW + 1 }]);
  });

  it('counts an object that was missing by its name', () => {
    const [first] = DRIFT.objects;
    assert.ok(first);
    const gone: Drift = { ...DRIFT, objects: [{ ...first, fields: [], missing: true }] };
    const noted = noteCorrection(history(), { revision: 3, drift: gone }, NOW);
    assert.deepEqual(noted.drift?.corrected, [{ field: 'Deployment default/app', times: 1, at: NOW }]);
  });

  it('keeps the count through the look that follows the correction, and forgets it after half an interval', () => {
    const before = history({ drift: driftMemory({ corrected: [comesBack(2)] }) });
    const soon = noteDrift(before, { revision: 3, drift: SAME }, times);
    assert.deepEqual(soon.drift?.corrected, [comesBack(2)]);
    const later = noteDrift(before, { revision: 3, drift: SAME }, { ...times, at: NOW + HOUR / 2 });
    assert.deepEqual(later.drift?.corrected, []);
    const back = noteDrift(before, { revision: 3, drift: DRIFT }, { ...times, at: NOW + HOUR });
    assert.deepEqual(back.drift?.corrected, [comesBack(2)], 'it came back');
  });

  it('begins anew with another revision', () => {
    const before = history({ drift: driftMemory({ corrected: [comesBack(2)], failed: NOT_CORRECTED }) });
    const { drift } = noteDrift(before, { revision: 4, drift: SAME }, times);
    assert.deepEqual(drift, { revision: 4, seen: SAME, corrected: [], failed: null });
  });

  it('slows down corrections that are refused', () => {
    const once = noteCorrection(history(), { revision: 3, drift: FAILED }, NOW);
    const twice = noteCorrection(once, { revision: 3, drift: FAILED }, NOW);
    assert.deepEqual(once.drift?.failed, NOT_CORRECTED);
    assert.deepEqual(twice.drift?.failed, { ...NOT_CORRECTED, count: 2, retryAt: NOW + 600_000 });
    assert.equal(noteCorrection(twice, { revision: 3, drift: DRIFT }, NOW).drift?.failed, null, 'until one succeeds');
  });

  it('is bounded', () => {
    const [first] = DRIFT.objects;
    assert.ok(first);
    let noted = history();
    for (let n = 0; n < 20; n += 1) {
      const fields = ['/a', '/b', '/c', '/d', '/e'].map((field) => `${field}${n}`);
      noted = noteCorrection(noted, { revision: 3, drift: { ...DRIFT, objects: [{ ...first, fields }] } }, NOW);
    }
    assert.equal(noted.drift?.corrected.length, 50);
  });

  it('a person who asks ends the back-off, and one who resets forgets all', () => {
    const before = history({ drift: driftMemory({ corrected: [comesBack(5)], failed: NOT_CORRECTED }) });
    assert.deepEqual(retryNow(before, 'person').drift, driftMemory({ corrected: [comesBack(5)] }));
    assert.deepEqual(retryNow(before, 'cluster'), before);
    assert.equal(withoutFailures(before).drift, null);
  });
});

describe('what is told of drift', () => {
  it('names objects, fields and managers', () => {
    const many: Drift = {
      objects: [
        { object: 'ConfigMap a/b', fields: [], fieldCount: 0, missing: true, managers: [] },
        { object: 'Service a/b', fields: ['/1', '/2', '/3', '/4', '/5'], fieldCount: 7, missing: false, managers: [] },
        ...DRIFT.objects,
        { object: 'Secret a/b', fields: ['/data/x'], fieldCount: 1, missing: false, managers: [] },
      ],
      count: 12,
      failed: [],
    };
    assert.equal(
      driftText(many),
      'ConfigMap a/b is missing; Service a/b /1, /2, /3 and 4 more fields; Deployment default/app /spec/replicas (by kubectl-edit); and 9 more objects',
    );
  });

  const rows: readonly (readonly [string, Drift, ReturnType<typeof driftFound>])[] = [
    [
      'drift',
      DRIFT,
      {
        status: 'True',
        reason: 'DriftDetected',
        message: 'Deployment default/app /spec/replicas (by kubectl-edit)',
      },
    ],
    ['none', SAME, { status: 'False', reason: 'NoDriftDetected', message: 'every object is as Helm sent it' }],
    [
      'what could not be compared',
      FAILED,
      { status: 'Unknown', reason: 'NotCompared', message: 'not compared: Deployment default/app: forbidden' },
    ],
  ];
  for (const [what, seen, then] of rows) {
    it(`by the condition Drifted: ${what}`, () => {
      const asked = object({ spec: { kind: 'valid', desired: desired({ drift: 'warn' }) } });
      const { ready, conditions } = summarize({
        look: look({ object: asked, stored: stored({ drift: seen }) }),
        history: history({ drift: driftMemory({ seen }) }),
        action: { kind: 'none' },
        running: null,
      });
      assert.equal(ready, 'True', 'a warning leaves the release Ready');
      assert.deepEqual(
        conditions.find(({ type }) => type === 'Drifted'),
        { type: 'Drifted', ...then },
      );
    });
  }

  it('by no condition where nobody asked for it', () => {
    const moment = {
      look: look(),
      history: history({ drift: driftMemory() }),
      action: { kind: 'none' },
      running: null,
    };
    const { conditions } = summarize(moment as Parameters<typeof summarize>[0]);
    assert.ok(!conditions.some(({ type }) => type === 'Drifted'));
  });
});
