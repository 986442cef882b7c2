/** Histories of real runs replay on the workflow code as it is now; else running releases would stop. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type InjectedSinks } from '@temporalio/worker';
import { WORKFLOW_TYPES } from '../../workflows/contract.ts';
import type { AttemptSinks } from '../../workflows/sinks.ts';
import { readRecorded, record, type Recorded } from './recorded.ts';

const recorded = readRecorded();
let code: string;

before(async () => {
  const logger = new DefaultLogger('ERROR');
  // The refusals below are meant.
  Runtime.install({ logger, telemetryOptions: { logging: { filter: 'OFF' } } });
  const workflowsPath = new URL('../../workflows/index.ts', import.meta.url).pathname;
  ({ code } = await bundleWorkflowCode({ workflowsPath, logger }));
});

/** Told of every attempt that comes to its end while its history is replayed; nobody counts those. */
const sinks: InjectedSinks<AttemptSinks> = { attempts: { ended: { fn: () => undefined } } };

function replay({ history, workflowId }: Recorded): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle: { code }, sinks }, history, workflowId);
}

describe('recorded histories', () => {
  for (const [name, one] of recorded) {
    it(`replay: ${name}`, () => replay(one));
  }

  it('cover every kind of workflow', () => {
    const types = new Set([...recorded.values()].map(({ type }) => type));
    assert.deepEqual(types, new Set(Object.values(WORKFLOW_TYPES)));
  });

  for (const type of Object.values(WORKFLOW_TYPES)) {
    it(`that do not belong to the code are refused: ${type}`, async () => {
      const edited = [...recorded.values()].filter((each) => each.type === type).map(withOtherSteps);
      const other = edited.find(({ history }) => JSON.stringify(history).includes('{"name":"other"}'));
      assert.ok(other !== undefined);
      await assert.rejects(replay(other), { name: 'DeterminismViolationError' });
    });
  }
});

/** As if another version of the code had made other commands at the same places. */
function withOtherSteps(one: Recorded): Recorded {
  const events = one.history.events.map((event) => {
    // The one place that looks into an event: two kinds of it name what was to be run.
    const { activityTaskScheduledEventAttributes: step, startChildWorkflowExecutionInitiatedEventAttributes: child } =
      event as Record<string, object | undefined>;
    if (step !== undefined)
      return { ...event, activityTaskScheduledEventAttributes: { ...step, activityType: { name: 'other' } } };
    if (child === undefined) return event;
    return {
      ...event,
      startChildWorkflowExecutionInitiatedEventAttributes: { ...child, workflowType: { name: 'other' } },
    };
  });
  return { ...one, history: { events } };
}

describe('recording', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-histories-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('adds, and never rewrites', () => {
    const run = { workflowId: 'local/watch', runId: 'r', type: 'clusterWatch', history: { events: [] } };
    record('once', run, folder);
    assert.throws(() => {
      record('once', run, folder);
    }, /EEXIST/);
    assert.equal(readRecorded(folder).get('once.json')?.workflowId, 'local/watch');
  });
});
