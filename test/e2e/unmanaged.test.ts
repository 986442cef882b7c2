/** What somebody does to a release with a helm of their own is answered by what is declared. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { pushChart } from '../support/chart.ts';
import {
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  releaseHistory,
  rowsOf,
  startHoldfast,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';

const exec = promisify(execFile);

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0' });
});

/** As a person at a terminal, who then asks for a look. */
async function byHand(namespace: string, args: readonly string[], token: string): Promise<void> {
  const { bin, kubeconfig } = holdfast.stack;
  await exec(join(bin, 'helm'), [...args, '--namespace', namespace, '--kubeconfig', kubeconfig]);
  const wish = `holdfast.dev/requestedAt=${token}`;
  await holdfast.kubectl(['annotate', '--overwrite', 'helmrelease', 'app', '-n', namespace, wish]);
}

const declare = (namespace: string, message: string) =>
  holdfast.apply(
    helmRelease([namespace, 'app'], { name: 'app', version: '1.0.0', url }, { values: `message: ${message}\n` }),
  );
const messageOf = (namespace: string) =>
  holdfast.kubectl(['get', 'configmap', 'app', '-n', namespace, '-o', 'jsonpath={.data.message}']);
const settled = (namespace: string, token: string | null) =>
  eventually(
    holdfast,
    ['helmrelease', namespace, 'app'],
    (live) => isReady(live) && (live.status?.['lastHandledRequestedAt'] ?? null) === token,
  );

/** The newest line of the history in the status. */
function lastOf(live: Live): { readonly action: string; readonly because: string } | undefined {
  const last = rowsOf(live).at(-1);
  return last && { action: last.action, because: last.because };
}

const BACK = { action: 'upgrade', because: 'upgraded or rolled back by another hand' };

describe('a release that another hand', { concurrency: 2 }, () => {
  it('rolled back is what is declared again, by one revision', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'rolled-back');
    await declare(ns, 'one');
    await settled(ns, null);
    await declare(ns, 'two');
    await settled(ns, null);

    await byHand(ns, ['rollback', 'app', '1'], 'rolled-back');
    assert.deepEqual(lastOf(await settled(ns, 'rolled-back')), BACK);
    assert.equal(await messageOf(ns), 'two');

    await byHand(ns, ['rollback', 'app', '2'], 'the-same');
    assert.deepEqual(lastOf(await settled(ns, 'the-same')), BACK, 'its labels say that it is what is declared');
    assert.deepEqual(
      (await releaseHistory(holdfast, ns, 'app')).map(({ status }) => status),
      ['superseded', 'superseded', 'superseded', 'superseded', 'superseded', 'deployed'],
    );

    await holdfast.kubectl([
      ...['annotate', '--overwrite', 'helmrelease', 'app', '-n', ns],
      'holdfast.dev/requestedAt=nothing-to-do',
    ]);
    await settled(ns, 'nothing-to-do');
    assert.equal((await releaseHistory(holdfast, ns, 'app')).length, 6, 'and stays so');
  });

  it('uninstalled is installed again', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'removed');
    await declare(ns, 'one');
    await settled(ns, null);
    await byHand(ns, ['uninstall', 'app', '--wait'], 'removed');
    assert.deepEqual(lastOf(await settled(ns, 'removed')), { action: 'install', because: 'not installed' });
    assert.equal(await messageOf(ns), 'one');
    assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), [{ revision: 1, status: 'deployed' }]);
  });
});
