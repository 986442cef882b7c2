import { HoldfastError } from '../failures.ts';
import { type Kube, KubeError } from '../ports.ts';
import type { ReportedEvent } from '../types.ts';
import type { Repository } from './credentials.ts';
import { recordEvent } from './events.ts';
import { KINDS } from './kinds.ts';

/** Tell something of a HelmRepository beside what is being done, which goes on whether or not it can be told. */
export async function tellOfRepository(kube: Kube, repository: Repository, event: ReportedEvent): Promise<void> {
  const { namespace, name, uid } = repository;
  const { apiVersion } = KINDS.HelmRepository;
  try {
    await recordEvent(kube, { apiVersion, kind: 'HelmRepository', namespace, name, uid }, event);
  } catch (error) {
    if (!(error instanceof KubeError) && !(error instanceof HoldfastError)) throw error;
  }
}
