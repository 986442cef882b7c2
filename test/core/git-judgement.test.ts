import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Failure } from '../../workflows/core/failures.ts';
import { judgeGitPass, type GitJudgement, type PassFacts } from '../../workflows/core/git-judgement.ts';

const pass = (overrides: Partial<PassFacts> = {}): PassFacts => ({
  suspended: false,
  deleting: false,
  revision: 'main@abc',
  inventory: 5,
  problems: [],
  problemCount: 0,
  pruneHeldBack: null,
  ...overrides,
});
const bad = { where: 'a.yaml:3', code: 'ManifestInvalid', message: 'is not YAML' } as const;
const taken = { where: 'b.yaml:1', code: 'OwnedByAnother', message: 'belongs to apps/other' } as const;
const failed = (code: Failure['code']): Failure => ({ code, message: 'it failed' });

const ROWS: readonly (readonly [name: string, PassFacts | null, Failure | null, GitJudgement])[] = [
  [
    'before the first pass',
    null,
    null,
    { ready: 'Unknown', reason: 'Pending', message: 'not fetched yet', stalled: false },
  ],
  [
    'all applied',
    pass(),
    null,
    { ready: 'True', reason: 'Succeeded', message: 'applied main@abc: 5 objects', stalled: false },
  ],
  [
    'a hiccup says nothing about the state',
    pass(),
    failed('GitUnreachable'),
    { ready: 'Unknown', reason: 'GitUnreachable', message: 'it failed', stalled: false },
  ],
  [
    'what may heal is not stalled',
    null,
    failed('GitAuthRejected'),
    { ready: 'False', reason: 'GitAuthRejected', message: 'it failed', stalled: false },
  ],
  [
    'what cannot heal by itself is stalled',
    null,
    failed('GitUrlInvalid'),
    { ready: 'False', reason: 'GitUrlInvalid', message: 'it failed', stalled: true },
  ],
  [
    'one bad document is named',
    pass({ problems: [bad], problemCount: 1 }),
    null,
    {
      ready: 'False',
      reason: 'ManifestInvalid',
      message: 'main@abc has 1 problem, all else is applied: a.yaml:3: is not YAML',
      stalled: false,
    },
  ],
  [
    'different problems, and what they hold back',
    pass({ problems: [bad, taken], problemCount: 7, pruneHeldBack: 'two objects stay' }),
    null,
    {
      ready: 'False',
      reason: 'ApplyFailed',
      message:
        'main@abc has 7 problems, all else is applied: a.yaml:3: is not YAML; b.yaml:1: belongs to apps/other; and 5 more; two objects stay',
      stalled: false,
    },
  ],
  [
    'a prune that waits for a word',
    pass({ pruneHeldBack: 'would delete 3 of 4' }),
    null,
    { ready: 'False', reason: 'PruneConfirmationRequired', message: 'would delete 3 of 4', stalled: true },
  ],
  [
    'suspended after a pass',
    pass({ suspended: true }),
    null,
    { ready: 'True', reason: 'Suspended', message: 'suspended; main@abc was applied last', stalled: false },
  ],
  [
    'suspended from the start',
    pass({ suspended: true, revision: null }),
    null,
    { ready: 'False', reason: 'Suspended', message: 'suspended; nothing was applied yet', stalled: false },
  ],
  [
    'on its way out',
    pass({ deleting: true }),
    null,
    { ready: 'False', reason: 'Deleting', message: 'is being deleted', stalled: false },
  ],
];

describe('the state of a GitRepository', () => {
  for (const [name, given, failure, expected] of ROWS) {
    it(name, () => {
      assert.deepEqual(judgeGitPass(given, failure), expected);
    });
  }
});
