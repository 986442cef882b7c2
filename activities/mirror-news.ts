import type { FailureCode } from '../workflows/core/failures.ts';
import type { HoldfastError } from './failures.ts';
import type { Repository } from './kube/credentials.ts';
import { tellOfRepository } from './kube/repository-events.ts';
import type { Kube } from './ports.ts';

/**
 * Tells by Events of a HelmRepository that its mirror fails, though every chart still comes from the repository itself,
 * and that it works again. Once for each way in which it fails, and not for each chart.
 */
export interface MirrorNews {
  failed(repository: Repository, error: HoldfastError): Promise<void>;
  worked(repository: Repository): Promise<void>;
}

export function createMirrorNews(kube: Kube): MirrorNews {
  const failing = new Map<string, Set<FailureCode>>();
  return {
    async failed(repository, { code, message }) {
      const told = failing.get(repository.uid) ?? new Set();
      if (told.has(code)) return;
      failing.set(repository.uid, told.add(code));
      const why = `a chart comes from ${repository.url} instead of the mirror ${mirrorOf(repository)}: ${message}`;
      await tellOfRepository(kube, repository, { type: 'Warning', reason: 'MirrorFailed', message: why });
    },
    async worked(repository) {
      const told = failing.get(repository.uid);
      // That it lacks one chart is as true as before.
      const mended = [...(told ?? [])].filter((code) => code !== 'ChartNotFound');
      if (mended.length === 0) return;
      for (const code of mended) told?.delete(code);
      const message = `charts come from the mirror ${mirrorOf(repository)} again`;
      await tellOfRepository(kube, repository, { type: 'Normal', reason: 'MirrorWorks', message });
    },
  };
}

const mirrorOf = ({ spec }: Repository): string => spec.mirror ?? '';
