import { HoldfastError } from './failures.ts';
import { askOnce } from './oci/ask-once.ts';
import { versionOf } from './oci/name.ts';
import type { AnnouncedChart, ChartRequest } from './oci/oras.ts';
import type { Call, Toolbox } from './operation.ts';
import { choose, parseWanted } from './semver/wanted.ts';

type Request = Omit<ChartRequest, 'signal'>;

/**
 * What a registry has under the tag of a version. Where there is no such tag, the newest one that has only build metadata
 * beside it: for semantic versions that is the same version.
 */
export async function announceChart(tools: Toolbox, request: Request, call: Call): Promise<AnnouncedChart> {
  const announce = (version: string): Promise<AnnouncedChart> =>
    askOnce(tools, { verb: 'announce', request: { ...request, version } }, call);
  try {
    return await announce(request.version);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'ChartNotFound' || request.digest != null) throw error;
    const built = await newestBuild(tools, request, call);
    if (built === undefined) throw error;
    return announce(built);
  }
}

/** Undefined: there is none, or whoever asks may not see what there is. */
async function newestBuild(tools: Toolbox, request: Request, call: Call): Promise<string | undefined> {
  const all = parseWanted('>=0.0.0-0');
  if (all.kind !== 'range' || request.version.includes('+')) return undefined;
  try {
    const tags = await askOnce(tools, { verb: 'listTags', request: { ...request, version: '' } }, call);
    const builds = tags.map(versionOf).filter((version) => version.startsWith(`${request.version}+`));
    return choose(builds, all.constraint);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined; // that the version is not there says more
    throw error;
  }
}
