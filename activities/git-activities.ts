import { crossing } from './crossing.ts';
import { createGit } from './git/index.ts';
import { measure, SILENT } from './meter.ts';
import type { ReleaseDeps } from './operation.ts';
import { pruneGitRepository } from './prune-git-repository.ts';
import { reportGitRepository } from './report-git-repository.ts';
import { syncGitRepository, type GitTools } from './sync-git-repository.ts';
import type { GitActivities } from './types.ts';

/** The activities of `gitRepository` workflows. */
export function createGitActivities(deps: Omit<ReleaseDeps, 'kubeconfig'>): GitActivities {
  const { kube, folders, executables, settings, meter = SILENT } = deps;
  const tools: GitTools = {
    kube,
    mirrors: createGit({ git: executables.git, tmp: folders.tmp, folder: folders.git }),
    defaultServiceAccount: settings.defaultServiceAccount,
    crossNamespace: settings.noCrossNamespace ? 'denied' : 'allowed',
  };
  return {
    syncGitRepository: crossing((input, call) =>
      measure(() => syncGitRepository(tools, input, call), {
        tell: meter.looked('GitRepository'),
        signal: call.signal,
        failureIn: (pass) => pass?.problems[0]?.code ?? null,
      }),
    ),
    pruneGitRepository: crossing((input, call) => pruneGitRepository(tools, input, call)),
    reportGitRepository: crossing((input) => reportGitRepository(kube, input)),
  };
}
