/** Two clusters beside one Temporal, and a cluster that was created anew under a name that Temporal remembers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { pushChart } from '../support/chart.ts';
import { ownStack, temporaryFolder, until } from '../support/harness.ts';
import {
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  startHoldfast,
  type Holdfast,
} from '../support/holdfast.ts';

const exec = promisify(execFile);

let first: Holdfast;
let second: Holdfast;
let url: string;

before(async () => {
  const [one, other] = await Promise.all([startHoldfast(), ownStack('kubernetes')]);
  first = one;
  const { temporalAddress, registry, registryLogin, registryAuthFile } = first.stack;
  second = await startHoldfast({}, { ...other, temporalAddress, registry, registryLogin, registryAuthFile });
  url = await pushChart(first.stack, { name: 'app', version: '1.0.0' });
  for (const holdfast of [first, second]) {
    await namespaceWithRegistry(holdfast, 'shop');
  }
});

async function declare(holdfast: Holdfast, message: string): Promise<void> {
  const values = `message: ${message}\n`;
  await holdfast.apply(helmRelease(['shop', 'app'], { name: 'app', version: '1.0.0', url }, { values }));
  await eventually(holdfast, ['helmrelease', 'shop', 'app'], isReady);
}

async function deployed(holdfast: Holdfast): Promise<string> {
  return holdfast.kubectl(['get', 'configmap', 'app', '-n', 'shop', '-o', 'jsonpath={.data.message}']);
}

describe('two clusters beside one Temporal', () => {
  it('have releases of the same name without meeting', async () => {
    await Promise.all([declare(first, 'first'), declare(second, 'second')]);
    assert.deepEqual([await deployed(first), await deployed(second)], ['first', 'second']);
  });

  it('do not need the worker of the other', async () => {
    const worker = first.worker();
    process.kill(worker.pid, 'SIGKILL');
    await until(
      () => Promise.resolve(worker.exit()),
      (end) => end !== null,
      'the first worker to be gone',
    );
    await declare(second, 'alone');
    assert.deepEqual([await deployed(first), await deployed(second)], ['first', 'alone']);
  });
});

describe('a cluster that was created anew under a name that Temporal remembers', () => {
  let told: string;

  it('is refused, and nothing is done to it', async () => {
    const worker = await second.startWorker({ HOLDFAST_CLUSTER: first.cluster });
    const end = await until(
      () => Promise.resolve(worker.exit()),
      (exit) => exit !== null,
      'the worker to refuse',
    );
    assert.equal(end, 'exited with code 1');
    const log = readFileSync(worker.log, 'utf8').split('\n');
    const line = log.findLast((text) => text.includes('Temporal remembers another cluster')) ?? '{}';
    // One line of the worker's log, which is JSON.
    told = (JSON.parse(line) as { msg?: string }).msg ?? '';
    assert.match(told, new RegExp(`^HOLDFAST_CLUSTER is "${first.cluster}": `));
    assert.equal(await deployed(second), 'alone');
  });

  it('is taken on once the old one is forgotten, by the command that the refusal names', async () => {
    const [, command = ''] = /forget it with: (temporal .*)$/.exec(told) ?? [];
    const { bin, temporalAddress } = first.stack;
    const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: temporaryFolder() };
    await exec('sh', ['-c', `${command} --yes --address ${temporalAddress}`], { env });
    await until(
      () => running(first),
      (count) => count === 0,
      'the old cluster to be forgotten',
    );
    await second.startWorker({ HOLDFAST_CLUSTER: first.cluster });
    await until(
      () => running(first),
      (count) => count > 0,
      'the new cluster to be watched under the name of the old one',
    );
    assert.equal(await deployed(first), 'first');
  });
});

/** Workflows of a cluster's name. */
async function running({ client, cluster }: Holdfast): Promise<number> {
  const query = `WorkflowId STARTS_WITH '${cluster}/' AND ExecutionStatus = 'Running'`;
  return (await client.workflow.count(query)).count;
}
