import { createGitCommand } from './command.ts';
import { createMirrors, type Mirrors } from './mirror.ts';

/** Join the parts of the adapter. `tmp` holds nothing but empty home folders while a git runs. */
export function createGit(options: { readonly git: string; readonly tmp: string; readonly folder: string }): Mirrors {
  return createMirrors(createGitCommand(options), options.folder);
}
