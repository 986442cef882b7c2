import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Written } from '../workflows/core/model.ts';
import { keepValuesOf } from './chart-values.ts';
import { installArgs, templateArgs, upgradeArgs, type InstallCommand, type UpgradeCommand } from './helm/command.ts';
import { hasPostHook } from './helm/manifest.ts';
import { createRedact } from './helm/redact.ts';
import { readShared } from './helm/shared-record.ts';
import { createStorage, type RecordLabels, type ReleaseRecord } from './helm/storage.ts';
import { inTheNameOf } from './kube/account.ts';
import type { Call, Toolbox } from './operation.ts';
import { ownerHash, RECORD_LABELS } from './owner.ts';
import { writePostRenderer } from './post-renderer/plugin.ts';
import { prepareChart, type PreparedChart } from './prepare-chart.ts';
import { restartWorkloads } from './restart-workloads.ts';
import { limitOf, runHelm } from './run-helm.ts';
import { checkRecord, inTurn, knownNames, tellStart, type Turn } from './step.ts';
import type { WriteInput, WriteResult } from './types.ts';
import { readWriteEnd } from './write-end.ts';

/** Pull, verify, and run helm install or upgrade; answers what Helm's storage holds of it afterwards. */
export async function writeRelease(tools: Toolbox, input: WriteInput, call: Call): Promise<WriteResult> {
  return inTurn(tools, { input, call }, async (turn) => {
    const chart = await prepareChart(tools, turn.spec, { namespace: input.ref.namespace, call });
    await keepValuesOf(tools, chart.repository, chart.about);
    return write(tools, { ...turn, chart });
  });
}

interface Writing extends Turn<WriteInput> {
  readonly chart: PreparedChart;
}

async function write(tools: Toolbox, writing: Writing): Promise<WriteResult> {
  const { input, spec, chart, folder, call, found } = writing;
  const command = await commandOf(tools, writing);
  const limitMs = limitOf(command.timeoutMs);
  const helmWaits = await waitOf(tools, writing, command);
  const args = argsOf({ ...command, helmWaits });
  const before = await checkRecord(tools.kube, input, spec.release);
  await announceStart(tools, writing, before);
  const ended = await runHelm(tools, call, { args, folder, limitMs, found });
  const redact = createRedact({
    yaml: spec.hidden.yaml,
    plain: [...spec.hidden.plain, ...chart.secrets],
    known: knownNames(input, writing),
  });
  const failed = input.action === 'install' ? 'InstallFailed' : 'UpgradeFailed';
  const result = await readWriteEnd(
    { command: input.action, ended, redact, waitedByHelm: helmWaits !== false, failed },
    { find: () => findOurs(tools, writing), take: ({ revision }) => writtenOf(revision, chart) },
  );
  const restarts = result.kind === 'written' && input.action === 'upgrade' && spec.upgrade.recreate;
  return restarts ? restartAfter(tools, writing, result) : result;
}

type Command = InstallCommand | UpgradeCommand;

async function commandOf(tools: Toolbox, { input, spec, account, chart, folder }: Writing): Promise<Command> {
  const files = { chart: join(folder, 'chart.tgz'), values: join(folder, 'values.yaml') };
  await writeFile(files.chart, chart.archive, { mode: 0o600 });
  await writeFile(files.values, spec.values, { mode: 0o600 });
  const labels = {
    [RECORD_LABELS.owner]: ownerHash(input.cluster, input.ref),
    [RECORD_LABELS.digest]: input.digest,
    [RECORD_LABELS.attempt]: input.attempt,
  };
  const { commonMetadata } = spec;
  const postRenderer = commonMetadata === null ? null : await writePostRenderer(folder, commonMetadata);
  const { namespace, name, createNamespace } = spec.release;
  const common = {
    release: { namespace, name },
    access: { ...tools.kubeconfig, as: account },
    ...files,
    labels,
    postRenderer,
    helmWaits: false as const,
  };
  return input.action === 'install'
    ? { ...common, ...spec.install, createNamespace, replace: input.replace }
    : { ...common, ...spec.upgrade };
}

function argsOf(command: Command): readonly string[] {
  return 'createNamespace' in command ? installArgs(command) : upgradeArgs(command);
}

/** Who waits for the objects: we, or helm in its own way. */
async function waitOf(tools: Toolbox, writing: Writing, command: Command): Promise<Command['helmWaits']> {
  const { input, spec } = writing;
  if (spec.waitStrategy === 'legacy') return spec[input.action === 'install' ? 'install' : 'upgrade'].wait && 'legacy';
  return (await mustWaitItself(tools, writing, command)) && 'watcher';
}

/** Hooks after the action run when the objects are ready, and only helm can run them: then it waits, not we. */
async function mustWaitItself(
  tools: Toolbox,
  { input, spec, chart, folder, call }: Writing,
  command: Command,
): Promise<boolean> {
  const action = input.action === 'install' ? 'install' : 'upgrade';
  if (!spec[action].wait || command.disableHooks || !chart.about.mayHavePostHooks) return false;
  const args = templateArgs(command, action);
  const { code, stdout } = await runHelm(tools, call, { args, folder, limitMs: RENDER_LIMIT_MS, keepStdout: true });
  // What cannot be rendered fails in the action itself, with the words for it.
  return code === 0 && hasPostHook(stdout.toString('utf8'), action);
}

const RENDER_LIMIT_MS = 120_000;

async function announceStart(
  { kube }: Toolbox,
  { input, spec, chart }: Writing,
  before: ReleaseRecord | null,
): Promise<void> {
  const { version } = chart.about;
  const versions = before === null || before.version === version ? version : `${before.version} → ${version}`;
  const what = `chart ${spec.chart.name} ${versions}, digest ${chart.digest}`;
  await tellStart(kube, input, { action: input.action, release: spec.release, what });
}

/** Our attempt label is on what it wrote: the next revision, unless another hand was faster. */
async function findOurs(tools: Toolbox, { input, spec }: Writing): Promise<RecordLabels | null> {
  const { release } = spec;
  const revision = (input.expectRevision ?? 0) + 1;
  const next = await readShared(tools, { ...release, revision }, { since: Date.now() });
  if (next?.attempt === input.attempt) return next;
  const records = await createStorage(tools.kube, release).list();
  return records.findLast(({ attempt }) => attempt === input.attempt) ?? null;
}

function writtenOf(revision: number, { about, digest }: PreparedChart): Written {
  return { revision, chart: about.name, version: about.version, appVersion: about.appVersion, chartDigest: digest };
}

type WrittenResult = Extract<WriteResult, { kind: 'written' }>;

async function restartAfter(tools: Toolbox, { spec, account }: Writing, result: WrittenResult): Promise<WriteResult> {
  const failed = await restartWorkloads(inTheNameOf(tools.kube, account), spec.release, result.written.revision);
  if (failed.length === 0) return result;
  const message = `upgraded, but these could not be restarted (spec.upgrade.recreate): ${failed.join('; ')}`;
  return { kind: 'releaseFailed', written: result.written, failure: { code: 'UpgradeFailed', message } };
}
