import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readRunning } from '../../stack/processes.ts';
import { cliEnvironment, runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

describe('a start that fails', () => {
  const folder = temporaryFolder();
  const root = join(folder, 'state');
  let env: Record<string, string> = {};
  before(async () => {
    env = await cliEnvironment(root, folder);
  });
  after(() => runCli(env, 'stop'));

  it('names the part and its log, and leaves nothing running', async () => {
    const broken = join(folder, 'broken-etcd');
    writeFileSync(broken, '#!/bin/sh\necho "this etcd is broken"\nexit 7\n', { mode: 0o700 });
    const { code, output } = await runCli({ ...env, HOLDFAST_TOOL_ETCD: broken }, 'start', '--detach');
    assert.equal(code, 1);
    assert.match(output, /etcd exited with code 7; its log is .*etcd\.log and ends with:\nthis etcd is broken/);
    assert.match(output, /nothing runs any more/);
    assert.deepEqual([...readRunning(join(root, 'run')), ...readRunning(join(root, 'lock'))], []);
  });

  it('names a tool setting that names nothing', async () => {
    const { code, output } = await runCli({ ...env, HOLDFAST_TOOL_ETCD: '/nowhere/etcd' }, 'start', '--detach');
    assert.equal(code, 1);
    assert.match(output, /^holdfast: HOLDFAST_TOOL_ETCD=\/nowhere\/etcd is not an executable file/m);
  });

  it('refuses a kubeconfig without a cluster', async () => {
    const kubeconfig = join(folder, 'empty.kubeconfig');
    writeFileSync(kubeconfig, JSON.stringify({ apiVersion: 'v1', kind: 'Config' }));
    const { code, output } = await runCli(env, 'start', '--detach', '--kubeconfig', kubeconfig);
    assert.equal(code, 1);
    assert.match(output, /empty\.kubeconfig (cannot be used|names no cluster)/);
  });
});
