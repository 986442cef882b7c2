/** The workflows that a worker runs, under the names by which they are started. */
export { attempt } from './attempt.ts';
export { clusterWatch } from './cluster-watch.ts';
export { gitRepository } from './git-repository.ts';
export { helmRelease } from './helm-release.ts';
export { helmRepository } from './helm-repository.ts';
