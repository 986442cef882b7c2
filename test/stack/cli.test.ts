import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

const folder = temporaryFolder();
const state = join(folder, 'state');
const env = { PATH: process.env['PATH'] ?? '', HOME: folder, HOLDFAST_STATE_DIR: state };

const CASES: readonly { readonly args: readonly string[]; readonly code: number; readonly says: RegExp }[] = [
  { args: ['start', '--help'], code: 0, says: /^usage: npm start[^]*--detach[^]*--kubeconfig FILE[^]*--temporal/ },
  { args: ['stop', '--help'], code: 0, says: /^usage: npm stop/ },
  { args: ['reset', '-h'], code: 0, says: /^usage: npm run reset/ },
  { args: ['remove', '--help'], code: 0, says: /^usage: npm run remove[^]*--keep-releases/ },
  { args: ['begin'], code: 2, says: /unknown command "begin": one of start, stop/ },
  { args: ['start', '--detached'], code: 2, says: /'--detached'[^]*usage: npm start/ },
  { args: ['stop', 'now'], code: 2, says: /usage: npm stop/ },
  { args: ['stop'], code: 0, says: /nothing was running/ },
  { args: ['reset'], code: 0, says: /is gone/ },
  { args: ['remove', '--yes'], code: 2, says: /name the cluster with --kubeconfig[^]*usage/ },
  { args: ['remove', '--kubeconfig', '/nowhere/config'], code: 1, says: /there is no file \/nowhere\/config/ },
];

describe('the command line', () => {
  for (const { args, code, says } of CASES) {
    it(`answers ${args.join(' ')} with exit code ${code}`, async () => {
      const result = await runCli(env, ...args);
      assert.equal(result.code, code, result.output);
      assert.match(result.output, says);
      assert.doesNotMatch(result.output, /\n {4}at /);
    });
  }

  it('leaves no state behind when it only answers', () => {
    assert.ok(!existsSync(state));
  });
});
