/** Flags of Node for a worker. Dockerfile and docker-compose.yml name them too. */
export const WORKER_FLAGS: readonly string[] = [
  // V8's room for young objects, of which a burst of looks leaves many behind: a fourteenth of the worker's CPU.
  '--max-semi-space-size=64',
  `--import=${new URL('../worker/workflow-thread/preload.ts', import.meta.url).href}`,
];
