import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, type Result } from '../support/cli.ts';
import { temporaryFolder } from '../support/harness.ts';

const MAIN = fileURLToPath(new URL('../../stack/test-image.ts', import.meta.url));
const empty = mkdtempSync(join(temporaryFolder(), 'empty-'));

function testImage(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Result> {
  return run(process.execPath, [MAIN, ...args], { HOME: empty, ...env });
}

describe('npm run test:image', () => {
  it('says what to install where there is no docker', { skip: process.platform !== 'linux' }, async () => {
    const { code, output } = await testImage({ PATH: empty });
    assert.deepEqual(
      [code, output],
      [
        1,
        'holdfast: there is no docker on PATH: install Docker (on Debian: apt-get install docker.io docker-compose iptables)\n',
      ],
    );
  });

  it('says what to start where no engine answers', { skip: process.platform !== 'linux' }, async () => {
    const { code, output } = await testImage({
      PATH: process.env['PATH'] ?? '',
      DOCKER_HOST: `unix://${join(empty, 'docker.sock')}`,
    });
    assert.equal(code, 1);
    // Where Docker is not installed there is more to do than to start it.
    assert.match(output, /^holdfast: (no Docker engine answers: start it|there is no docker on PATH: install)/);
  });

  it('explains itself, and a command line that cannot be meant', async () => {
    const help = await testImage({}, '--help');
    assert.equal(help.code, 0);
    assert.match(help.output, /^usage: npm run test:image/);
    const { code, output } = await testImage({}, '--bases');
    assert.equal(code, 2);
    assert.match(output, /--bases[^]*usage: npm run test:image/);
  });
});
