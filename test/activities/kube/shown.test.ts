import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readShown, type Shown } from '../../../activities/kube/shown.ts';

interface Parts {
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly annotations?: Record<string, string>;
}

function shown({ spec = {}, status = {}, annotations = {} }: Parts): Shown {
  const metadata = { name: 'app', namespace: 'default', uid: 'u', generation: 1, annotations };
  return readShown({ metadata, spec, status });
}

const ready = (status: string, reason: string): object => ({ type: 'Ready', status, reason, message: '' });

describe('what an object says of itself', () => {
  it('is nothing before anybody has looked, and where it cannot be read', () => {
    const nothing = {
      ready: false,
      reason: 'Pending',
      stalled: false,
      suspended: false,
      chartFails: false,
      release: null,
      charts: null,
      syncedAt: null,
      expiresAt: null,
      expiring: false,
    };
    assert.deepEqual(shown({}), nothing);
    assert.deepEqual(shown({ spec: 'x', status: 'x' }), nothing);
    assert.deepEqual(shown({ status: { conditions: 1, stats: 'x', lastSyncTime: 'x', credentials: 7 } }), nothing);
  });

  it('is suspended by its spec or by an annotation', () => {
    assert.equal(shown({ spec: { suspend: true } }).suspended, true);
    assert.equal(shown({ annotations: { 'holdfast.dev/suspended': 'by me' } }).suspended, true);
  });

  it('is what a release holds, by the name of its chart', () => {
    const status = { helmRelease: { chart: 'my-app-1.0.0-rc.1', status: 'deployed' } };
    const release = { chart: 'my-app', version: '1.0.0-rc.1', status: 'deployed' };
    assert.deepEqual(shown({ spec: { chart: { name: 'my-app' } }, status }).release, release);
    const another = { chart: 'my-app-1.0.0-rc.1', version: '', status: 'deployed' };
    assert.deepEqual(shown({ spec: { chart: { name: 'web' } }, status }).release, another);
  });

  const failing: readonly (readonly [string, object, boolean])[] = [
    ['a chart that is not there', { conditions: [ready('False', 'ChartNotFound')] }, true],
    ['a registry that is away', { conditions: [ready('False', 'RegistryUnreachable')] }, true],
    ['values that are wrong', { conditions: [ready('False', 'ValuesInvalid')] }, false],
    [
      'the next try after a chart that is not there',
      { conditions: [ready('Unknown', 'Progressing')], failures: [{ reason: 'ChartNotFound' }] },
      true,
    ],
    [
      'a success after a chart that was not there',
      { conditions: [ready('True', 'UpgradeSucceeded')], failures: [{ reason: 'ChartNotFound' }] },
      false,
    ],
    [
      'a range for which no version can be had, of a release that runs',
      { conditions: [ready('True', 'UpgradeSucceeded')], resolved: { range: '^1.0.0', reason: 'AuthRejected' } },
      true,
    ],
  ];
  for (const [name, status, expected] of failing) {
    it(`${expected ? 'has no chart' : 'has its chart'}: ${name}`, () => {
      assert.equal(shown({ status }).chartFails, expected);
    });
  }
});
