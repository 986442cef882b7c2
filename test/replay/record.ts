/**
 * Runs a release through its life on a stack of its own and keeps the histories of all workflows that took part.
 *
 *     node test/replay/record.ts PREFIX
 *
 * PREFIX names what is new, such as a version; a name that is taken is refused.
 */
import process from 'node:process';
import { pushChart } from '../support/chart.ts';
import { startTestGit } from '../support/git-repository.ts';
import { temporaryFolder, until } from '../support/harness.ts';
import { runsOf, type Run } from '../support/histories.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  registryObjects,
  startHoldfast,
  type Holdfast,
  type Live,
  reasonIs,
} from '../support/holdfast.ts';
import { record } from './recorded.ts';

const NAMESPACE = 'recorded';
const NEVER = 'podLabels: { holdfast.dev/test-ready: never }\n';
/** Installs as long as its hook runs: time to kill the worker. */
const SLOW_HOOK = `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-before
  annotations: { helm.sh/hook: pre-install, helm.sh/hook-delete-policy: before-hook-creation }
spec:
  template:
    metadata: { labels: { holdfast.dev/test-ready-after: 4s } }
    spec: { restartPolicy: Never, containers: [{ name: main, image: registry.example.com/main:1 }] }
`;

const [prefix] = process.argv.slice(2);
if (prefix === undefined || !/^[\w.-]+$/.test(prefix)) {
  process.stderr.write('usage: node test/replay/record.ts PREFIX\n');
  process.exitCode = 1;
} else {
  const holdfast = await startHoldfast();
  await live(holdfast);
  for (const run of await runsOf(holdfast.client, holdfast.cluster)) {
    const name = `${prefix}-${nameOf(run, holdfast.cluster)}`;
    record(name, run);
    process.stdout.write(`${name}: ${run.history.events?.length ?? 0} events\n`);
  }
}

/** `helmRelease-app`, `attempt-app-upgrade-2`, `clusterWatch`. */
function nameOf({ type, workflowId }: Run, cluster: string): string {
  const [, , , ...rest] = workflowId.slice(cluster.length).split('/');
  return [type, ...rest].join('-');
}

async function live(holdfast: Holdfast): Promise<void> {
  const { stack } = holdfast;
  const url = await pushChart(stack, { name: 'app', version: '1.0.0' });
  await pushChart(stack, { name: 'app', version: '1.1.0' });
  const slow = await pushChart(stack, {
    name: 'slow',
    version: '1.0.0',
    files: { 'templates/before.yaml': SLOW_HOOK },
  });
  await holdfast.kubectl(['create', 'namespace', NAMESPACE]);

  const app = (version: string, values: string): object =>
    helmRelease([NAMESPACE, 'app'], { name: 'app', version, url }, { values, upgrade: { timeout: '5s' } });
  const release = (wanted: (seen: Live) => boolean): Promise<Live> =>
    eventually(holdfast, ['helmrelease', NAMESPACE, 'app'], wanted);

  const git = await startTestGit(temporaryFolder());
  try {
    const repository = await git.create('deployments');
    const write = (file: string, ...objects: readonly object[]): Promise<string> =>
      repository.commit({ [file]: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) });
    await write('registry.yaml', ...registryObjects(stack, NAMESPACE));
    await write('app.yaml', app('1.0.0', 'message: one\n'));
    await holdfast.apply({
      apiVersion: 'holdfast.dev/v1alpha1',
      kind: 'GitRepository',
      metadata: { name: 'deployments', namespace: NAMESPACE },
      spec: { url: repository.url, interval: '10s', deletionPolicy: 'Delete' },
    });
    await release(isReady);
    // An upgrade, one that never gets ready, its mending, a broken document, and the end of it all.
    await write('app.yaml', app('1.1.0', 'message: two\n'));
    await release((seen) => isReady(seen) && seen.status?.helmRelease?.['revision'] === 2);
    await write('app.yaml', app('1.1.0', NEVER));
    await release(reasonIs('WaitTimedOut'));
    await write('app.yaml', app('1.1.0', 'message: mended\n'));
    await release(isReady);
    await repository.commit({ 'broken.yaml': 'a: [1\n' });
    await eventually(holdfast, ['gitrepository', NAMESPACE, 'deployments'], reasonIs('ManifestInvalid'));
    await repository.commit({ 'broken.yaml': null });
    await eventually(holdfast, ['gitrepository', NAMESPACE, 'deployments'], isReady);
    await diesInTheMiddle(holdfast, slow);
    await rollsBack(holdfast, url);
    await comeInOrder(holdfast, url);
    await drifts(holdfast, url);
    await holdfast.kubectl(['delete', 'gitrepository', 'deployments', '-n', NAMESPACE, '--timeout=120s']);
    await gone(holdfast, 'app');
  } finally {
    await git.close();
  }
}

/** A worker that is killed while its helm writes, and the one after it. */
async function diesInTheMiddle(holdfast: Holdfast, url: string): Promise<void> {
  await holdfast.apply(helmRelease([NAMESPACE, 'slow'], { name: 'slow', version: '1.0.0', url }));
  const pending = ['get', 'secrets', '-n', NAMESPACE, '-l', 'name=slow,status=pending-install', '-o', 'name'];
  await until(
    () => holdfast.kubectl(pending),
    (names) => names !== '',
    'a helm that writes',
  );
  process.kill(holdfast.worker().pid, 'SIGKILL');
  await holdfast.startWorker();
  await eventually(holdfast, ['helmrelease', NAMESPACE, 'slow'], isReady);
  await holdfast.kubectl(['delete', 'helmrelease', 'slow', '-n', NAMESPACE, '--timeout=120s']);
  await gone(holdfast, 'slow');
}

/** Two releases of which one waits for the other: until it exists, until it is Ready, and the other way round at the end. */
async function comeInOrder(holdfast: Holdfast, url: string): Promise<void> {
  const chart = { name: 'app', version: '1.0.0', url };
  const saysOfWeb = (reason: string): Promise<Live> =>
    eventually(holdfast, ['helmrelease', NAMESPACE, 'web'], (seen) => conditionOf(seen, 'Ready').reason === reason);
  await holdfast.apply(helmRelease([NAMESPACE, 'web'], chart, { dependsOn: [{ name: 'db' }] }));
  await saysOfWeb('DependencyMissing');
  await holdfast.apply(helmRelease([NAMESPACE, 'db'], chart, { values: NEVER }));
  await saysOfWeb('DependencyNotReady');
  await holdfast.apply(helmRelease([NAMESPACE, 'db'], chart));
  await eventually(holdfast, ['helmrelease', NAMESPACE, 'web'], isReady);
  await holdfast.kubectl(['delete', 'helmrelease', 'db', 'web', '-n', NAMESPACE, '--timeout=120s']);
  for (const name of ['db', 'web']) await gone(holdfast, name);
}

/** An upgrade that never gets ready, its rollback, a retry, and the end of all tries. */
async function rollsBack(holdfast: Holdfast, url: string): Promise<void> {
  const upgrade = { timeout: '3s', remediation: { retries: 1 } };
  const declare = (version: string, values: string): Promise<void> =>
    holdfast.apply(helmRelease([NAMESPACE, 'back'], { name: 'app', version, url }, { values, upgrade }));
  const release = ['helmrelease', NAMESPACE, 'back'] as const;
  await declare('1.0.0', 'message: one\n');
  await eventually(holdfast, release, isReady);
  await declare('1.1.0', NEVER);
  await eventually(holdfast, release, (seen) => conditionOf(seen, 'Ready').reason === 'RetriesExceeded');
  await holdfast.kubectl(['delete', 'helmrelease', 'back', '-n', NAMESPACE, '--timeout=120s']);
  await gone(holdfast, 'back');
}

/** An object that another hand changes: corrected five times, and then left to it. */
async function drifts(holdfast: Holdfast, url: string): Promise<void> {
  const spec = { driftDetection: { mode: 'enabled' } };
  await holdfast.apply(helmRelease([NAMESPACE, 'drifted'], { name: 'app', version: '1.0.0', url }, spec));
  await eventually(holdfast, ['helmrelease', NAMESPACE, 'drifted'], isReady);
  for (let times = 1; times <= 6; times += 1) {
    const body = JSON.stringify({ data: { message: `mine ${times}` } });
    await holdfast.kubectl(['patch', 'configmap', 'drifted', '-n', NAMESPACE, '--type=merge', '-p', body]);
    const wish = `holdfast.dev/requestedAt=${times}`;
    await holdfast.kubectl(['annotate', '--overwrite', 'helmrelease', 'drifted', '-n', NAMESPACE, wish]);
    const handled = (seen: Live): boolean => seen.status?.['lastHandledRequestedAt'] === String(times);
    await eventually(holdfast, ['helmrelease', NAMESPACE, 'drifted'], handled);
  }
  await eventually(holdfast, ['helmrelease', NAMESPACE, 'drifted'], reasonIs('DriftContested'));
  await holdfast.kubectl(['delete', 'helmrelease', 'drifted', '-n', NAMESPACE, '--timeout=120s']);
  await gone(holdfast, 'drifted');
}

function gone(holdfast: Holdfast, name: string): Promise<string> {
  const left = ['get', 'helmrelease', name, '-n', NAMESPACE, '--ignore-not-found', '-o', 'name'];
  return until(
    () => holdfast.kubectl(left),
    (found) => found === '',
    `the end of ${name}`,
  );
}
