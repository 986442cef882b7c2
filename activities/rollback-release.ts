import { failure } from './failures.ts';
import { rollbackArgs, type RollbackCommand } from './helm/command.ts';
import { createRedact } from './helm/redact.ts';
import { readShared } from './helm/shared-record.ts';
import { createStorage, type ReleaseRecord } from './helm/storage.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import { hadFailed } from './mend-release.ts';
import type { Call, Toolbox } from './operation.ts';
import { ownerHash, RECORD_LABELS } from './owner.ts';
import { limitOf, runHelm } from './run-helm.ts';
import { checkRecord, inTurn, knownNames, tellStart, type Turn, writtenAs } from './step.ts';
import type { RollbackInput, WriteResult } from './types.ts';
import { readWriteEnd } from './write-end.ts';

/** Run helm rollback; answers what Helm's storage holds of it afterwards. */
export async function rollbackRelease(tools: Toolbox, input: RollbackInput, call: Call): Promise<WriteResult> {
  return inTurn(tools, { input, call }, (turn) => rollBack(tools, turn));
}

type Rolling = Turn<RollbackInput>;

async function rollBack(tools: Toolbox, rolling: Rolling): Promise<WriteResult> {
  const { input, spec, account, folder, call, found } = rolling;
  const { rollback, upgrade } = spec;
  const target = await readTarget(tools, rolling);
  await checkRecord(tools.kube, input, spec.release);
  const helmWaits = waitOf(spec, target);
  const args = rollbackArgs({
    ...rollback,
    release: spec.release,
    access: { ...tools.kubeconfig, as: account },
    toRevision: input.toRevision,
    maxHistory: upgrade.maxHistory,
    serverSideApply: upgrade.serverSideApply,
    helmWaits,
  });
  const what = `revision ${input.expectRevision ?? 0} back to ${input.toRevision}, version ${target.version}`;
  await tellStart(tools.kube, input, { action: 'rollback', release: spec.release, what });
  const ended = await runHelm(tools, call, { args, folder, limitMs: limitOf(rollback.timeoutMs), found });
  const redact = createRedact({
    yaml: [...spec.hidden.yaml, target.values],
    plain: spec.hidden.plain,
    known: knownNames(input, rolling),
  });
  return readWriteEnd(
    { command: 'rollback', ended, redact, waitedByHelm: helmWaits !== false, failed: 'RollbackFailed' },
    {
      find: () => readMade(tools, rolling),
      take: async ({ revision }) => {
        await claim(tools, rolling, revision);
        return writtenAs({ ...target, revision });
      },
    },
  );
}

/** Hooks after the action run when the objects are ready, and only helm can run them: then it waits, not we. */
function waitOf(
  { rollback, waitStrategy }: HelmReleaseSpec,
  { hookEvents }: ReleaseRecord,
): RollbackCommand['helmWaits'] {
  if (!rollback.wait) return false;
  if (waitStrategy === 'legacy') return 'legacy';
  return !rollback.disableHooks && hookEvents.includes('post-rollback') && 'watcher';
}

/** What the release goes back to: it must be there, and have been good unless a person has named it. */
async function readTarget({ kube }: Toolbox, { input, spec }: Rolling): Promise<ReleaseRecord> {
  const { toRevision } = input;
  const { release, rollback } = spec;
  const target = await createStorage(kube, release).read(toRevision);
  const name = `revision ${toRevision} of release ${release.namespace}/${release.name}`;
  if (target === null) {
    const wayOut = input.asked === true ? 'ask for another one, or resume the release' : 'set spec.rollback.toRevision';
    throw failure('MissingRollbackTarget', `${name} does not exist; ${wayOut}`);
  }
  if (input.asked !== true && rollback.toRevision === 0 && hadFailed(target)) {
    throw failure('MissingRollbackTarget', `${name} had failed, and there is no other; set spec.rollback.toRevision`);
  }
  return target;
}

/** The revision after the one that was there is ours. */
function readMade(tools: Toolbox, { input, spec }: Rolling): Promise<ReleaseRecord | null> {
  const revision = (input.expectRevision ?? 0) + 1;
  return readShared(tools, { ...spec.release, revision }, { since: Date.now() });
}

/** Helm copies the labels of the target, which another hand may have installed, or another attempt of ours. */
async function claim({ kube }: Toolbox, { input, spec }: Rolling, revision: number): Promise<void> {
  await createStorage(kube, spec.release).setLabels(revision, {
    [RECORD_LABELS.owner]: ownerHash(input.cluster, input.ref),
    [RECORD_LABELS.attempt]: input.attempt,
  });
}
