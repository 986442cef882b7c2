import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../workflows/core/failures.ts';
import type { TestHook } from '../workflows/core/test-model.ts';
import { MOST_TESTS } from '../workflows/core/tests.ts';
import { failure } from './failures.ts';
import { testArgs, type TestFilter } from './helm/command.ts';
import { lastWords, lostCluster, toHelmFailure } from './helm/errors.ts';
import { parseManifest } from './helm/manifest.ts';
import { deleteObject, findObject } from './helm/objects.ts';
import { createRedact } from './helm/redact.ts';
import { createStorage, type ReleaseRecord, type TestRecord } from './helm/storage.ts';
import { inTheNameOf } from './kube/account.ts';
import type { Call, Toolbox } from './operation.ts';
import type { Ended } from './process/run.ts';
import { interruption, runHelm } from './run-helm.ts';
import { checkRecord, inTurn, knownNames, tellStart, type Turn, writtenAs } from './step.ts';
import type { StepInput, TestResult } from './types.ts';
import { findMade } from './write-end.ts';

/** Run helm test for the newest revision; answers what Helm's record holds of it afterwards. */
export async function testRelease(tools: Toolbox, input: StepInput, call: Call): Promise<TestResult> {
  return inTurn(tools, { input, call }, (turn) => test(tools, turn));
}

type Testing = Turn<StepInput>;

async function test(tools: Toolbox, testing: Testing): Promise<TestResult> {
  const { input, spec, account, folder, call, found } = testing;
  const { release, test: wanted } = spec;
  const record = await readDeployed(tools, testing);
  const chosen = chosenTests(record, wanted.filters);
  const written = writtenAs(record);
  if (chosen.length === 0) return { written, tests: [], failure: null };
  await clearAway(tools, testing, chosen);
  const many = `${chosen.length} ${chosen.length === 1 ? 'test' : 'tests'}`;
  await tellStart(tools.kube, input, { action: 'test', release, what: `${many} of revision ${record.revision}` });
  const { timeoutMs, filters } = wanted;
  const args = testArgs({ release, access: { ...tools.kubeconfig, as: account }, timeoutMs, filters });
  const limitMs = Math.min(chosen.length + 1, MOST_TESTS) * timeoutMs + GRACE_MS;
  const ended = await runHelm(tools, call, { args, folder, limitMs, found });
  const after = await findMade('test', () => createStorage(tools.kube, release).read(record.revision));
  const tests = after === null ? [] : chosenTests(after, filters);
  return { written, tests: tests.map(shown), failure: failureOf(testing, ended, { record, tests }) };
}

/** Beyond the timeouts of the tests, to read the record and to write it. */
const GRACE_MS = 90_000;

async function readDeployed({ kube }: Toolbox, { input, spec }: Testing): Promise<ReleaseRecord> {
  const record = await checkRecord(kube, input, spec.release);
  if (record?.status === 'deployed') return record;
  const { namespace, name } = spec.release;
  throw failure('Conflict', `release ${namespace}/${name} is ${record?.status ?? 'not installed'} by now`);
}

/** As Helm chooses: those that are named, if any are, but for those that are left out. */
function chosenTests({ tests }: ReleaseRecord, filters: readonly TestFilter[]): readonly TestRecord[] {
  const names = (exclude: boolean) => filters.filter((one) => one.exclude === exclude).map(({ name }) => name);
  const [only, never] = [names(false), names(true)];
  return tests.filter(({ name }) => !never.includes(name) && (only.length === 0 || only.includes(name)));
}

function shown({ name, phase, startedAt, completedAt }: TestRecord): TestHook {
  return { name, phase, startedAt, completedAt };
}

/**
 * What a helm left that was killed while it tested: where the policy of the hook does not make helm delete it first,
 * it would be in the way.
 */
async function clearAway(
  { kube }: Toolbox,
  { spec, account, call }: Testing,
  chosen: readonly TestRecord[],
): Promise<void> {
  const left = chosen.filter(
    ({ phase, deletePolicies }) =>
      phase === 'Running' && deletePolicies.length > 0 && !deletePolicies.includes('before-hook-creation'),
  );
  const giveUp = Date.now() + spec.test.timeoutMs;
  for (const object of left.flatMap(({ manifest }) => parseManifest(manifest))) {
    for (;;) {
      const found = await findObject(kube, spec.release, object);
      // One that does not go in time is told of by helm.
      if (found === null || Date.now() > giveUp) break;
      if (found.live.metadata.deletionTimestamp === undefined) await deleteObject(inTheNameOf(kube, account), found);
      await sleep(GONE_MS, undefined, { signal: call.signal });
    }
  }
}

const GONE_MS = 500;

interface Results {
  /** As it was before them, with the values that the chart was rendered with. */
  readonly record: ReleaseRecord;
  readonly tests: readonly TestRecord[];
}

/** Null: helm is content. A test has failed when the record says so; else helm could not begin, or was cut off. */
function failureOf(testing: Testing, ended: Ended, { record, tests }: Results): Failure | null {
  if (ended.code === 0) return null;
  const interrupted = interruption(ended, 'helm test');
  if (interrupted !== null) throw interrupted;
  const { spec, input } = testing;
  const redact = createRedact({
    yaml: [...spec.hidden.yaml, record.values],
    plain: spec.hidden.plain,
    known: [...knownNames(input, testing), ...tests.map(({ name }) => name)],
  });
  const said = lastWords(ended.stderr, redact);
  if (lostCluster(ended.stderr)) throw failure('Interrupted', `helm test lost the API server: ${said}`);
  const before = new Map(record.tests.map(({ name, startedAt }) => [name, startedAt]));
  const failed = tests.find(({ name, phase, startedAt }) => phase === 'Failed' && startedAt !== before.get(name));
  if (failed === undefined) throw toHelmFailure(ended.stderr, redact);
  return { code: 'TestFailed', message: `test ${failed.name} of revision ${record.revision} failed: ${said}` };
}
