import type { ObjectRef } from '../workflows/core/ids.ts';
import type { AttemptAction, HelmProcess, Written } from '../workflows/core/model.ts';
import { failure } from './failures.ts';
import { createStorage, type ReleaseRecord } from './helm/storage.ts';
import { accountOf } from './kube/account.ts';
import type { HelmReleaseSpec } from './kube/compile-spec.ts';
import { recordEvent } from './kube/events.ts';
import { readHelmRelease } from './kube/helm-release.ts';
import { KINDS } from './kube/kinds.ts';
import { ensureFinalizer } from './kube/metadata.ts';
import { inPrivateFolder, type Call, type Toolbox, withHeartbeat } from './operation.ts';
import type { Kube } from './ports.ts';
import type { StepInput } from './types.ts';

/** What is to be done, and in whose name; null: in that of the worker. */
export interface Asked {
  readonly spec: HelmReleaseSpec;
  readonly account: ObjectRef | null;
}

/**
 * The spec, if the object is still the one, and in the state, that the attempt was decided for. From here on it carries
 * our finalizer, so that nothing can be installed that a deletion would not uninstall.
 */
export async function readAsAsked(
  tools: Toolbox,
  input: Pick<StepInput, 'ref' | 'uid' | 'generation' | 'digest' | 'resolution'>,
  call: Pick<Call, 'since' | 'signal'>,
): Promise<Asked> {
  const { kube, crossNamespace, settings } = tools;
  const { ref, uid, generation, digest, resolution } = input;
  const name = `HelmRelease ${ref.namespace}/${ref.name}`;
  const read = await readHelmRelease(kube, ref, { crossNamespace, resolution, shared: tools.sharedReads(call) });
  if (read?.object.uid !== uid) throw failure('ObjectGone', `${name} is gone, or another object of that name`);
  const { object, spec } = read;
  if (object.deleting) throw failure('Interrupted', `${name} was deleted before helm started`);
  if (object.generation !== generation || spec?.digest !== digest) {
    throw failure('Interrupted', `${name} changed before helm started`);
  }
  await ensureFinalizer(kube, { kind: 'HelmRelease', ref, uid }, read.manifest.metadata.finalizers);
  return { spec, account: accountOf(ref.namespace, read.manifest['spec'], settings.defaultServiceAccount) };
}

/** All that a step has which runs helm for a release. */
export interface Turn<I extends StepInput> extends Asked {
  readonly input: I;
  /** Private, and gone afterwards. */
  readonly folder: string;
  readonly call: Call;
  /** To be told of helm's process. */
  readonly found: (process: HelmProcess) => void;
}

/** Do what the object asks for in the turn of its release: one helm at a time, and heartbeats from the wait for it on. */
export async function inTurn<I extends StepInput, R>(
  tools: Toolbox,
  { input, call }: Pick<Turn<I>, 'input' | 'call'>,
  work: (turn: Turn<I>) => Promise<R>,
): Promise<R> {
  const asked = await readAsAsked(tools, input, call);
  const { namespace, name } = asked.spec.release;
  return withHeartbeat(call, (found) =>
    tools.oneAtATime(`${namespace}/${name}`, () =>
      inPrivateFolder(tools, 'helm-', async (folder) => {
        call.signal.throwIfAborted();
        return work({ ...asked, input, folder, call, found });
      }),
    ),
  );
}

/** What a record tells of the chart that its revision was made from. */
export function writtenAs({ revision, chart, version, appVersion }: ReleaseRecord): Written {
  return { revision, chart, version, appVersion, chartDigest: null };
}

/** What messages may name, though it may stand in the values too. */
export function knownNames({ ref }: Pick<StepInput, 'ref'>, { spec, account }: Asked): readonly string[] {
  const accounts = account === null ? [] : [account.name, account.namespace];
  return [spec.release.name, spec.release.namespace, spec.chart.name, ref.name, ref.namespace, ...accounts];
}

/** The last look before the write: what was decided on must still be so. Answers the newest revision. */
export async function checkRecord(
  kube: Kube,
  { expectRevision }: Pick<StepInput, 'expectRevision'>,
  release: ObjectRef,
): Promise<ReleaseRecord | null> {
  const storage = createStorage(kube, release);
  const newest = (await storage.list()).at(-1) ?? null;
  const name = `release ${release.namespace}/${release.name}`;
  if ((newest?.revision ?? null) !== expectRevision) {
    throw failure('Conflict', `the newest revision of ${name} is ${newest?.revision ?? 'none'} by now`);
  }
  if (newest?.status.startsWith('pending-') === true) {
    throw failure('Conflict', `revision ${newest.revision} of ${name} is ${newest.status} by now`);
  }
  return newest === null ? null : storage.read(newest.revision);
}

const STARTED: Readonly<Record<AttemptAction, string>> = {
  install: 'InstallStarted',
  upgrade: 'UpgradeStarted',
  rollback: 'RollbackStarted',
  uninstall: 'UninstallStarted',
  test: 'TestStarted',
};

/** What is about to be done to a release. */
interface Start {
  readonly action: AttemptAction;
  readonly release: Pick<ObjectRef, 'name'>;
  readonly what: string;
}

/** The Event that tells of a start, and why. */
export async function tellStart(
  kube: Kube,
  { ref, uid, because }: Pick<StepInput, 'ref' | 'uid' | 'because'>,
  { action, release, what }: Start,
): Promise<void> {
  const why = because === undefined ? '' : `, because ${because}`;
  const involved = { apiVersion: KINDS.HelmRelease.apiVersion, kind: 'HelmRelease', uid, ...ref };
  const message = `running helm ${action} of ${release.name}: ${what}${why}`;
  await recordEvent(kube, involved, { type: 'Normal', reason: STARTED[action], message });
}
