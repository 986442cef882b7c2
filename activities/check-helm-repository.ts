import type { Failure } from '../workflows/core/failures.ts';
import type { ChartIndex } from './chart-index/store.ts';
import { fromKube, HoldfastError } from './failures.ts';
import { intervalOf } from './kube/compile-spec.ts';
import { readRepository, type Repository } from './kube/credentials.ts';
import { reportRepository } from './kube/repository-status.ts';
import { readTransport } from './kube/transport.ts';
import { parseOciName } from './oci/name.ts';
import { pingRegistry } from './oci/ping.ts';
import { type Call, type Toolbox, withHeartbeat } from './operation.ts';
import { KubeError } from './ports.ts';
import { hasIndex, sourceOf } from './repository-index.ts';
import type { RepositoryActivities } from './types.ts';

type Input = Parameters<RepositoryActivities['checkHelmRepository']>[0];
type Seen = Awaited<ReturnType<RepositoryActivities['checkHelmRepository']>>;

/** The activity has five minutes in all, and the answer is to be written down as well. */
const LONGEST_MS = 4 * 60_000;

/**
 * Log in at the registry of a HelmRepository or ask whether it lives, or read its index, and write down what came of it.
 */
export async function checkHelmRepository(tools: Toolbox, { ref, workflowId }: Input, call: Call): Promise<Seen> {
  const repository = await readRepository(tools.kube, ref);
  if (repository === null) return null;
  const { uid, generation, url, spec } = repository;
  const suspended = spec.suspend === true;
  const seen = { uid, generation, suspended, url, intervalMs: intervalOf(spec.interval, '30m') };
  if (suspended) return { ...seen, failure: null };
  const { failure, retryAfterMs, index } = await withHeartbeat(call, () => ask(tools, repository, call));
  await reportRepository(tools.kube, { repository, workflowId, failure, index });
  return { ...seen, failure, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

interface Answer {
  readonly failure: Failure | null;
  readonly retryAfterMs: number | null;
  /** Null: it has none, or nobody could read it. */
  readonly index: ChartIndex | null;
}

async function ask(tools: Toolbox, repository: Repository, call: Call): Promise<Answer> {
  try {
    const index = hasIndex(repository.url) ? await readIndex(tools, repository, call) : null;
    if (index === null) await askRegistry(tools, repository, call.signal);
    return { failure: null, retryAfterMs: null, index };
  } catch (error) {
    const known = error instanceof KubeError ? fromKube(error) : error;
    if (!(known instanceof HoldfastError)) throw known;
    const { code, message, retryAfterMs } = known;
    return { failure: { code, message }, retryAfterMs, index: null };
  }
}

async function readIndex(tools: Toolbox, repository: Repository, call: Call): Promise<ChartIndex> {
  return tools.indexes.get(await sourceOf(tools, repository), call);
}

async function askRegistry(tools: Toolbox, repository: Repository, signal: AbortSignal): Promise<void> {
  const { host } = parseOciName(repository.url);
  const transport = await readTransport(tools.kube, repository, tools.crossNamespace);
  const { login } = transport;
  const timeoutMs = Math.min(LONGEST_MS, transport.timeoutMs ?? LONGEST_MS);
  if (login === null) {
    await pingRegistry({ host, transport, plainHttp: tools.settings.plainHttp, gates: tools.gates, timeoutMs, signal });
    return;
  }
  await tools.oras.checkLogin({ host, transport: { ...transport, login }, timeoutMs, signal });
}
