/**
 * Loaded before every test file: one whose process goes on after its last test fails, instead of holding up all the
 * others. `--test-timeout` does not see it, because no test is running any more.
 */
import process from 'node:process';
import { after } from 'node:test';

/** More than the hooks of a file need to stop what it has started. */
const GRACE_MS = 180_000;

// Also loaded by the process that runs the files, which has no tests of its own.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  after(() => {
    setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ');
      process.stderr.write(`still open ${GRACE_MS / 1000} s after the last test: ${open}\n`);
      process.exit(1);
    }, GRACE_MS).unref();
  });
}
