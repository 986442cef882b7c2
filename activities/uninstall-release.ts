import { isSamePlace, wantedTarget } from '../workflows/core/facts.ts';
import { failure } from './failures.ts';
import { uninstallArgs } from './helm/command.ts';
import { lastWords, lostCluster, toHelmFailure } from './helm/errors.ts';
import { createRedact } from './helm/redact.ts';
import { createStorage, type RecordLabels, type ReleaseRecord, type ReleaseStorage } from './helm/storage.ts';
import { accountOf } from './kube/account.ts';
import { readHelmRelease, type ReadRelease } from './kube/helm-release.ts';
import { inPrivateFolder, type Call, type Toolbox, withHeartbeat } from './operation.ts';
import { ownerHash } from './owner.ts';
import { interruption, limitOf, runHelm } from './run-helm.ts';
import { tellStart } from './step.ts';
import type { UninstallInput } from './types.ts';
import { findMade } from './write-end.ts';

/**
 * Run helm uninstall with kept history. What is not ours, not there, or uninstalled already, is left as it is: then
 * there is nothing to do, and that is no error.
 */
export async function uninstallRelease(tools: Toolbox, input: UninstallInput, call: Call): Promise<void> {
  const object = await readSubject(tools, input);
  const { release } = input;
  const storage = createStorage(tools.kube, release);
  await withHeartbeat(call, (found) =>
    tools.oneAtATime(`${release.namespace}/${release.name}`, async () => {
      call.signal.throwIfAborted();
      const newest = await findOurs(storage, input);
      if (newest === null || newest.status === 'uninstalled') return;
      if (newest.status.startsWith('pending-')) {
        throw failure('Conflict', `revision ${newest.revision} of release ${release.name} is ${newest.status} by now`);
      }
      await tellStart(tools.kube, input, { action: 'uninstall', release, what: `revision ${newest.revision}` });
      await inPrivateFolder(tools, 'helm-', async (folder) => {
        const as = accountOf(input.ref.namespace, object.manifest['spec'], tools.settings.defaultServiceAccount);
        const access = { ...tools.kubeconfig, as };
        const args = uninstallArgs({ ...input, access, disableHooks: disablesHooks(object) });
        const ended = await runHelm(tools, call, { args, folder, limitMs: limitOf(input.timeoutMs), found });
        if (ended.code === 0) return;
        const left = await findMade('uninstall', () => findOurs(storage, input));
        if (left?.status === 'uninstalled') return;
        const record = await findMade('uninstall', () => storage.read(newest.revision));
        throw interruption(ended, 'helm uninstall') ?? failed(ended.stderr, record, input);
      });
    }),
  );
}

/** Nothing is uninstalled but for an object that is being deleted, or on the explicit wish of the spec. */
async function readSubject({ kube, crossNamespace }: Toolbox, input: UninstallInput): Promise<ReadRelease> {
  const { ref, uid } = input;
  const name = `HelmRelease ${ref.namespace}/${ref.name}`;
  const read = await readHelmRelease(kube, ref, { crossNamespace });
  if (read?.object.uid !== uid) throw failure('ObjectGone', `${name} is gone, or another object of that name`);
  if (read.object.abandoned !== undefined) throw failure('Interrupted', `${name} was abandoned before helm started`);
  if (!read.object.deleting && !isWanted(read, input)) throw failure('Interrupted', `${name} is not being deleted`);
  return read;
}

function isWanted(read: ReadRelease, { reason, release }: UninstallInput): boolean {
  if (reason === 'remediation') return asksForUninstall(read);
  return reason === 'move' && !isSamePlace(wantedTarget(read.object), release);
}

function asksForUninstall({ object: { spec } }: ReadRelease): boolean {
  if (spec.kind === 'invalid' || spec.desired.remediation === undefined) return false;
  const { install, upgrade } = spec.desired.remediation;
  return install.remedy === 'uninstall' || upgrade.remedy === 'uninstall';
}

/** The newest record, if the label on it is that of this HelmRelease. */
export async function findOurs(
  storage: ReleaseStorage,
  { cluster, ref }: Pick<UninstallInput, 'cluster' | 'ref'>,
): Promise<RecordLabels | null> {
  const newest = (await storage.list()).at(-1);
  return newest?.owner === ownerHash(cluster, ref) ? newest : null;
}

/** Also of a spec that cannot be compiled: deleting must work in any case. */
function disablesHooks({ spec, manifest }: ReadRelease): boolean {
  if (spec !== null) return spec.uninstall.disableHooks;
  const raw = manifest['spec'] as { uninstall?: { disableHooks?: unknown } } | undefined; // the CRD's schema: an object
  return raw?.uninstall?.disableHooks === true;
}

/** The values of the record are those that what goes was made with, whatever stands in the object by now. */
function failed(stderr: string, record: ReleaseRecord | null, { release, ref }: UninstallInput): Error {
  const known = [release.name, release.namespace, ref.name, ref.namespace];
  const redact = createRedact({ yaml: [record?.values ?? ''], plain: [], known });
  if (record?.status === 'uninstalling' && lostCluster(stderr)) {
    return failure('Interrupted', `helm uninstall lost the API server: ${lastWords(stderr, redact)}`);
  }
  const error = toHelmFailure(stderr, redact);
  if (error.code !== 'HelmFailed') return error;
  // Helm waits for nothing but hooks in an uninstall.
  const hint = /hook|not ready/.test(error.message) ? '; mend its hook, or set spec.uninstall.disableHooks' : '';
  return failure('UninstallFailed', `${error.message}${hint}`, error);
}
