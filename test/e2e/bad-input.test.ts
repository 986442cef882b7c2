/** What people get wrong, and what the world does to them: each is told on the object, and stops nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import { forwardHttp, type AlteringLink } from '../support/forwarder.ts';
import { temporaryFolder, type OwnStack } from '../support/harness.ts';
import { isReady, releaseHistory, type Holdfast } from '../support/holdfast.ts';
import { ROWS } from './bad-input-rows.ts';
import { CANARY, describeAftermath, NAMESPACE, openStage, type Stage } from './bad-stage.ts';

let stage: Stage;
let holdfast: Holdfast;
let altering: AlteringLink;
let disk: string | null;

before(async () => {
  disk = smallDisk(join(temporaryFolder(), 'disk'));
  stage = await openStage(() => Promise.resolve(disk === null ? {} : { HOLDFAST_DATA_DIR: disk }));
  holdfast = stage.holdfast;
  altering = await forwardHttp(holdfast.stack.registry, (path, body) =>
    path.includes('/blobs/') ? flipped(body) : body,
  );
  await pushCharts(holdfast.stack);
});

after(async () => {
  altering.close();
  await stage.api.stop();
});

/** A disk that is soon full; null: this machine does not let us mount one. */
function smallDisk(folder: string): string | null {
  mkdirSync(folder);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'holdfast-test', folder]).status !== 0) return null;
  process.once('exit', () => spawnSync('umount', ['--lazy', folder]));
  process.once('beforeExit', () => spawnSync('umount', ['--lazy', folder]));
  return folder;
}

function flipped(body: Buffer): Buffer {
  return Buffer.from(body.map((byte, index) => (index === body.length - 9 ? 255 - byte : byte)));
}

const FAILS = 'value: {{ fail (printf "%s is wrong" .Values.message) }}\n';
const HUGE = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-huge
data:
  text: {{ repeat (int .Values.size) "x" }}
`;
const TAKEN = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: taken\n';

async function pushCharts(stack: OwnStack): Promise<void> {
  // Never pulled without the forwarder: what is in the cache is not asked for.
  await pushChart(stack, { name: 'altered', version: '1.0.0' });
  await pushChart(stack, { name: 'broken', version: '1.0.0', files: { 'templates/broken.yaml': FAILS } });
  await pushChart(stack, { name: 'huge', version: '1.0.0', files: { 'templates/huge.yaml': HUGE } });
  await pushChart(stack, { name: 'taken', version: '1.0.0', files: { 'templates/taken.yaml': TAKEN } });
}

/** A HelmRepository and its Secret. */
function repository(name: string, url: string, stringData: Readonly<Record<string, string>>): readonly object[] {
  const metadata = { name, namespace: NAMESPACE };
  const spec = { url, type: 'oci', auth: { basic: { secretRef: { name } } } };
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata, stringData },
    { apiVersion: 'helm-operator.ketches.cn/v1alpha1', kind: 'HelmRepository', metadata, spec },
  ];
}

describe('a release with', { concurrency: 4 }, () => {
  Object.entries(ROWS).forEach(([what, { spec, ...told }], index) => {
    it(`${what} says so`, async () => {
      await holdfast.apply(stage.release(`row-${index}`, spec()));
      await stage.tells('helmrelease', `row-${index}`, told);
    });
  });

  it('wrong credentials names their Secret, and so does the repository', async () => {
    const url = `oci://${holdfast.stack.registry}/wrong`;
    await holdfast.apply(...repository('wrong', url, { username: 'nobody', password: CANARY }));
    await holdfast.apply(stage.release('wrong-login', { at: url }));
    const message =
      /^registry \S+ rejected the credentials of Secret bad\/wrong for (chart app 1\.0\.0|\S+); check its username and password/;
    await stage.tells('helmrepository', 'wrong', { reason: 'AuthRejected', message });
    await stage.tells('helmrelease', 'wrong-login', { reason: 'AuthRejected', message });
  });

  it('a Secret without the expected keys names the key, and goes on when it is there', async () => {
    const url = `oci://${holdfast.stack.registry}/keyless`;
    await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' }, 'keyless');
    await holdfast.apply(...repository('keyless', url, { user: 'nobody', passwort: CANARY }));
    await holdfast.apply(stage.release('keyless-login', { at: url }));
    const told = {
      reason: 'SecretInvalid',
      message: /^Secret bad\/keyless has no key username; its keys are: passwort, user$/,
    };
    await stage.tells('helmrepository', 'keyless', told);
    await stage.tells('helmrelease', 'keyless-login', told);
    const { user: username, password } = holdfast.stack.registryLogin;
    await holdfast.apply(...repository('keyless', url, { username, password }));
    await stage.ready('keyless-login');
  });

  it('a chart whose bytes are changed on the way is refused', async () => {
    const { user: username, password } = holdfast.stack.registryLogin;
    const url = `oci://${altering.address}/charts`;
    await holdfast.apply(...repository('altered', url, { username, password }));
    await holdfast.apply(stage.release('altered-chart', { chart: 'altered', at: url }));
    await stage.tells('helmrelease', 'altered-chart', {
      reason: 'DigestMismatch',
      message: /^registry 127\.0\.0\.1:\d+ sent something else than chart altered 1\.0\.0: its digest is not the one/,
    });
    assert.deepEqual(await releaseHistory(holdfast, NAMESPACE, 'altered-chart'), []);
  });

  it('a manifest of 60 MB is refused by the cluster, and mended by a smaller one', async () => {
    await holdfast.apply(stage.release('huge', { chart: 'huge', values: 'size: 60000000\n' }));
    await stage.tells('helmrelease', 'huge', {
      reason: 'InstallFailed',
      message: /ConfigMap.*[Rr]equest entity too large/,
    });
    await holdfast.apply(stage.release('huge', { chart: 'huge', values: 'size: 6\n' }));
    await stage.ready('huge');
  });

  it('an object that is there already names it, and leaves it alone', async () => {
    const taken = ['configmap', 'taken', '-n', NAMESPACE];
    await holdfast.kubectl(['create', ...taken, '--from-literal=of=another']);
    await holdfast.apply(stage.release('taker', { chart: 'taken' }));
    await stage.tells('helmrelease', 'taker', {
      reason: 'OwnedByAnother',
      message: /^an object of the chart exists already .*; rename or delete one of the two: .*ConfigMap "taken"/,
    });
    assert.equal(await holdfast.kubectl(['get', ...taken, '-o', 'jsonpath={.data.of}']), 'another');
  });

  it('a field that another manager took gets it back with the next upgrade', async () => {
    await holdfast.apply(stage.release('fields', { values: 'message: one\n' }));
    await stage.ready('fields');
    const metadata = { name: 'fields', namespace: NAMESPACE };
    const other = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { message: 'stolen' } });
    await holdfast.kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=other', '-f', '-'], other);
    await holdfast.apply(stage.release('fields', { values: 'message: two\n' }));
    await stage.ready('fields');
    const message = ['get', 'configmap', 'fields', '-n', NAMESPACE, '-o', 'jsonpath={.data.message}'];
    assert.equal(await holdfast.kubectl(message), 'two');
  });
});

describe('the API server refuses', () => {
  const rows: readonly (readonly [string, object, RegExp])[] = [
    [
      'a release name over 53 characters',
      { release: { name: 'a'.repeat(54) } },
      /spec\.release\.name: .*must be at most 53 characters long/,
    ],
    ['an unknown field', { replicas: CANARY }, /unknown field "(spec\.)?replicas"/],
  ];
  for (const [what, spec, message] of rows) {
    it(what, () => assert.rejects(holdfast.apply(stage.release('refused', spec)), { message }));
  }

  it('an object whose name is too long for a release', async () => {
    const long = stage.release('a'.repeat(54), { release: {} });
    await assert.rejects(holdfast.apply(long), {
      message: /longer than the 53 characters .*; set spec\.release\.name/,
    });
  });
});

describe('a full disk', () => {
  it('is told on the release, stops no other, and is forgotten when there is room', async (t) => {
    if (disk === null) {
      t.skip('full disk: mounting a small one needs root');
      return;
    }
    const filler = join(disk, 'filler');
    assert.ok(statfsSync(disk).blocks * statfsSync(disk).bsize <= 64 * 1024 * 1024);
    assert.throws(() => {
      writeFileSync(filler, Buffer.alloc(64 * 1024 * 1024));
    }, /ENOSPC/);
    await holdfast.apply(stage.release('no-room', { version: '1.1.0' }));
    await stage.tells('helmrelease', 'no-room', {
      reason: 'DiskFull',
      message: /^no space left on the worker/,
    });
    assert.ok(isReady(await holdfast.get('helmrelease', 'healthy', 'app')));
    rmSync(filler);
    await stage.ready('no-room');
  });
});

describeAftermath(() => stage);
