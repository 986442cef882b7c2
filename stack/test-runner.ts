/** Flags of Node for running test files, whoever runs them. */

/** A test that hangs fails by name instead of hanging everything. */
const TEST_TIMEOUT_MS = 600_000;

export const TEST_RUNNER = [
  '--import=./test/support/must-end.ts',
  '--test',
  `--test-timeout=${TEST_TIMEOUT_MS}`,
  '--test-reporter=spec',
] as const;
