import type { Failure } from '../workflows/core/failures.ts';
import type { ChartIndex } from './chart-index/store.ts';
import { keepsValues } from './chart-values.ts';
import { expiryOf, untilNews, type Expiry } from './credential-expiry.ts';
import { knownError } from './failures.ts';
import type { Transport } from './http/transport.ts';
import { intervalOf } from './kube/compile-spec.ts';
import { readRepository, type Repository } from './kube/credentials.ts';
import { reportRepository } from './kube/repository-status.ts';
import { measure, type Measured } from './meter.ts';
import { parseOciName } from './oci/name.ts';
import { pingRegistry } from './oci/ping.ts';
import { type Call, type Toolbox, withHeartbeat } from './operation.ts';
import { hasIndex, sourceOf } from './repository-index.ts';
import { transportOf } from './repository-transport.ts';
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
  const { failure, retryAfterMs, index, expiry } = await measure(
    () => withHeartbeat(call, () => ask(tools, repository, call)),
    { tell: tellOf(tools, url), signal: call.signal, failureIn: (answer) => answer.failure?.code ?? null },
  );
  const readsFiles = tools.settings.tlsFiles !== null;
  await reportRepository(tools.kube, { repository, workflowId, failure, index, expiry, readsFiles });
  const intervalMs = untilNews(expiry ?? null, { now: Date.now(), intervalMs: seen.intervalMs });
  return {
    ...seen,
    intervalMs,
    failure,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(failure === null && keepsValues(repository) ? { keepsValues: true } : {}),
  };
}

function tellOf({ meter }: Toolbox, url: string): (measured: Measured) => void {
  return (measured) => {
    meter.repositoryAsked(hasIndex(url) ? 'helm' : 'oci', measured);
    meter.looked('HelmRepository')(measured);
  };
}

interface Answer {
  readonly failure: Failure | null;
  readonly retryAfterMs: number | null;
  /** Null: it has none, or nobody could read it. */
  readonly index: ChartIndex | null;
  /** Undefined: the credentials could not be read. */
  readonly expiry: Expiry | null | undefined;
}

async function ask(tools: Toolbox, repository: Repository, call: Call): Promise<Answer> {
  let expiry: Answer['expiry'];
  try {
    if (hasIndex(repository.url)) {
      const source = await sourceOf(tools, repository, call);
      expiry = expiryOf(source.transport);
      return { failure: null, retryAfterMs: null, index: await tools.indexes.get(source, call), expiry };
    }
    const transport = await transportOf(tools, repository, call.signal);
    expiry = expiryOf(transport);
    await askRegistry(tools, { url: repository.url, transport }, call.signal);
    return { failure: null, retryAfterMs: null, index: null, expiry };
  } catch (error) {
    const { code, message, retryAfterMs } = knownError(error);
    return { failure: { code, message }, retryAfterMs, index: null, expiry };
  }
}

interface Registry {
  readonly url: string;
  readonly transport: Transport;
}

async function askRegistry(tools: Toolbox, { url, transport }: Registry, signal: AbortSignal): Promise<void> {
  const { host } = parseOciName(url);
  const { login } = transport;
  const timeoutMs = Math.min(LONGEST_MS, transport.timeoutMs ?? LONGEST_MS);
  if (login === null) {
    await pingRegistry({ host, transport, plainHttp: tools.settings.plainHttp, gates: tools.gates, timeoutMs, signal });
    return;
  }
  await tools.oras.checkLogin({ host, transport: { ...transport, login }, timeoutMs, signal });
}
