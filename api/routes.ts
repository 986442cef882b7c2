import type { ObjectRef } from '../workflows/contract.ts';
import type { RequestOutcome } from '../workflows/core/model.ts';
import { toRelease, toReleaseItem, toRequestState, toSourceItem } from './answers.ts';
import type { Entities, Kind, Message } from './entities.ts';
import type { Links } from './links.ts';
import { Problem } from './problems.ts';
import { isNotFound, type Progress, type Requests } from './requests.ts';
import { defineRoute, type Answer, type Asked, type Route, type RouteAnswer } from './route.ts';
import {
  AskBody,
  ExplainedBody,
  NoBody,
  NoParams,
  NoQuery,
  ObjectParams,
  Release,
  ReleaseList,
  ReleaseListQuery,
  RequestParams,
  RequestState,
  RollbackBody,
  SourceList,
  SourceListQuery,
  SyncQuery,
  toMs,
  WaitQuery,
} from './schema.ts';

export interface RouteParts {
  readonly entities: Entities;
  readonly requests: Requests;
  readonly links: Links;
}

const PATHS: Readonly<Record<Kind, string>> = {
  HelmRelease: '/v1/helmreleases',
  GitRepository: '/v1/gitrepositories',
};

/** Everything under `/v1`. */
export function createRoutes(parts: RouteParts): readonly Route[] {
  return [
    listReleases(parts),
    readRelease(parts),
    syncRelease(parts),
    suspension(parts, 'suspend'),
    suspension(parts, 'resume'),
    rollBackRelease(parts),
    abandonRelease(parts),
    readRequest(parts, 'HelmRelease'),
    listSources(parts),
    syncSource(parts),
    readRequest(parts, 'GitRepository'),
  ];
}

function listReleases({ entities, links }: RouteParts): Route {
  return defineRoute({
    method: 'GET',
    path: PATHS.HelmRelease,
    operation: 'listHelmReleases',
    summary: 'The releases under our care, as last noted in Temporal; no order is promised',
    access: 'read',
    params: NoParams,
    query: ReleaseListQuery,
    body: NoBody,
    answers: { 200: { description: 'A page of releases', schema: ReleaseList } },
    handle: async ({ query }) => {
      const { entries, next } = await entities.list({
        kind: 'HelmRelease',
        namespace: query.namespace ?? null,
        phase: query.phase ?? null,
        limit: Number(query.limit),
        cursor: query.cursor ?? null,
      });
      return { status: 200, body: { items: entries.map((entry) => toReleaseItem(entry, links)), next } };
    },
  });
}

function listSources({ entities, links }: RouteParts): Route {
  return defineRoute({
    method: 'GET',
    path: PATHS.GitRepository,
    operation: 'listGitRepositories',
    summary: 'The Git repositories under our care, as last noted in Temporal; no order is promised',
    access: 'read',
    params: NoParams,
    query: SourceListQuery,
    body: NoBody,
    answers: { 200: { description: 'A page of repositories', schema: SourceList } },
    handle: async ({ query }) => {
      const { entries, next } = await entities.list({
        kind: 'GitRepository',
        namespace: query.namespace ?? null,
        phase: null,
        limit: Number(query.limit),
        cursor: query.cursor ?? null,
      });
      return { status: 200, body: { items: entries.map((entry) => toSourceItem(entry, links)), next } };
    },
  });
}

function readRelease({ entities, links }: RouteParts): Route {
  return defineRoute({
    method: 'GET',
    path: `${PATHS.HelmRelease}/{namespace}/{name}`,
    operation: 'readHelmRelease',
    summary: 'State and last attempts of a release, from its workflow',
    access: 'read',
    params: ObjectParams,
    query: NoQuery,
    body: NoBody,
    answers: { 200: { description: 'The release', schema: Release } },
    handle: async ({ params }) => {
      const [runId, status] = await Promise.all([
        entities.openRun('HelmRelease', params),
        entities.releaseStatus(params),
      ]);
      return { status: 200, body: toRelease({ cluster: entities.cluster, status, runId }, links) };
    },
  });
}

const ASK_ANSWERS: Readonly<Record<number, RouteAnswer>> = {
  200: { description: 'With `wait`: the request is settled', schema: RequestState },
  202: { description: 'The request is accepted; its outcome is at the Location', schema: RequestState },
};

function syncRelease(parts: RouteParts): Route {
  return defineRoute({
    method: 'POST',
    path: `${PATHS.HelmRelease}/{namespace}/{name}/sync`,
    operation: 'syncHelmRelease',
    summary: 'Fetch the Git repository that the release came from, then look at the release now and retry what failed',
    access: 'write',
    params: ObjectParams,
    query: SyncQuery,
    body: AskBody,
    answers: ASK_ANSWERS,
    handle: async (asked) => {
      const { params: ref, query } = asked;
      const ask = {
        ...toAsk(asked),
        ...(query.reset === 'true' ? { reset: true } : {}),
        ...(query.force === 'true' ? { force: true } : {}),
      };
      if (query.source === 'true') await parts.requests.syncWithSource(ref, ask);
      else await parts.entities.tell('HelmRelease', ref, { kind: 'sync', ask });
      return answerAsk(parts, { kind: 'HelmRelease', ref }, asked);
    },
  });
}

const SUSPENSION_SUMMARY: Readonly<Record<'suspend' | 'resume', string>> = {
  suspend: 'Leave the release as it is until it is resumed',
  resume: 'Take a suspension or a rollback back; a suspension in `spec` can only be taken back in Git',
};

function suspension(parts: RouteParts, message: 'suspend' | 'resume'): Route {
  return defineRoute({
    method: 'POST',
    path: `${PATHS.HelmRelease}/{namespace}/{name}/${message}`,
    operation: `${message}HelmRelease`,
    summary: SUSPENSION_SUMMARY[message],
    access: 'write',
    params: ObjectParams,
    query: WaitQuery,
    body: AskBody,
    answers: ASK_ANSWERS,
    handle: (asked) => tellAndAnswer(parts, { kind: 'HelmRelease', message }, asked),
  });
}

function rollBackRelease(parts: RouteParts): Route {
  return defineRoute({
    method: 'POST',
    path: `${PATHS.HelmRelease}/{namespace}/{name}/rollback`,
    operation: 'rollBackHelmRelease',
    summary: 'Run an older revision, whatever is declared, until another state is declared or the release is resumed',
    access: 'write',
    params: ObjectParams,
    query: WaitQuery,
    body: RollbackBody,
    answers: ASK_ANSWERS,
    handle: async (asked) => {
      const ask = { ...toAsk(asked), revision: asked.body.revision };
      await parts.entities.tell('HelmRelease', asked.params, { kind: 'rollbackTo', ask });
      return answerAsk(parts, { kind: 'HelmRelease', ref: asked.params }, asked);
    },
  });
}

function abandonRelease(parts: RouteParts): Route {
  return defineRoute({
    method: 'POST',
    path: `${PATHS.HelmRelease}/{namespace}/{name}/abandon`,
    operation: 'abandonHelmRelease',
    summary: 'Delete the HelmRelease and leave installed what it installed, also when its uninstall is stuck',
    access: 'write',
    params: ObjectParams,
    query: WaitQuery,
    body: ExplainedBody,
    answers: ASK_ANSWERS,
    handle: async (asked) => {
      const subject: Subject = { kind: 'HelmRelease', ref: asked.params };
      await parts.entities.tell('HelmRelease', asked.params, { kind: 'abandon', ask: toAsk(asked) });
      try {
        return await answerAsk(parts, subject, asked);
      } catch (error) {
        // The workflow ends with its object, and that is what was asked for.
        if (!isNotFound(error)) throw error;
        return answerProgress(subject, asked, { outcome: GONE, source: null });
      }
    },
  });
}

const GONE: RequestOutcome = { kind: 'done', ready: false, message: 'the object is gone', revision: null };

function syncSource(parts: RouteParts): Route {
  return defineRoute({
    method: 'POST',
    path: `${PATHS.GitRepository}/{namespace}/{name}/sync`,
    operation: 'syncGitRepository',
    summary: 'Fetch the repository and apply what it holds now; for webhooks and impatient people',
    access: 'write',
    params: ObjectParams,
    query: WaitQuery,
    body: AskBody,
    answers: ASK_ANSWERS,
    handle: (asked) => tellAndAnswer(parts, { kind: 'GitRepository', message: 'sync' }, asked),
  });
}

function readRequest({ requests }: RouteParts, kind: Kind): Route {
  return defineRoute({
    method: 'GET',
    path: `${PATHS[kind]}/{namespace}/{name}/requests/{request}`,
    operation: `read${kind}Request`,
    summary: 'How a request fares; the last 50 are remembered',
    access: 'read',
    params: RequestParams,
    query: NoQuery,
    body: NoBody,
    answers: { 200: { description: 'The request', schema: RequestState } },
    handle: async ({ params: { request, ...ref } }) => {
      const progress = await requests.read(kind, ref, request);
      if (progress.outcome.kind === 'unknown') throw unknownRequest(kind, ref, request);
      return { status: 200, body: toRequestState(request, progress, urlOf({ kind, ref }, request)) };
    },
  });
}

interface Subject {
  readonly kind: Kind;
  readonly ref: ObjectRef;
}
interface WaitOptions {
  readonly wait: 'true' | 'false';
  readonly timeout: string;
}
type AskedToAct = Asked<ObjectRef, WaitOptions, { readonly reason: string }>;

function toAsk({ id, caller, body }: AskedToAct): { id: string; by: string; reason: string } {
  if (caller === null) throw new TypeError('a route that acts must not be open');
  return { id, by: caller.name, reason: body.reason };
}

async function tellAndAnswer(
  parts: RouteParts,
  { kind, message }: { kind: Kind; message: Message },
  asked: AskedToAct,
): Promise<Answer> {
  await parts.entities.tell(kind, asked.params, { kind: message, ask: toAsk(asked) });
  return answerAsk(parts, { kind, ref: asked.params }, asked);
}

async function answerAsk({ requests }: RouteParts, subject: Subject, asked: AskedToAct): Promise<Answer> {
  const { id, query } = asked;
  const progress =
    query.wait === 'true'
      ? await requests.follow(subject.kind, subject.ref, { request: id, timeoutMs: toMs(query.timeout) })
      : ({ outcome: { kind: 'pending' }, source: null } as const);
  return answerProgress(subject, asked, progress);
}

function answerProgress(subject: Subject, { id }: AskedToAct, progress: Progress): Answer {
  const url = urlOf(subject, id);
  const body = toRequestState(id, progress, url);
  return progress.outcome.kind === 'pending'
    ? { status: 202, body, headers: { location: url } }
    : { status: 200, body };
}

function urlOf({ kind, ref: { namespace, name } }: Subject, request: string): string {
  return `${PATHS[kind]}/${namespace}/${name}/requests/${encodeURIComponent(request)}`;
}

function unknownRequest(kind: Kind, { namespace, name }: ObjectRef, request: string): Problem {
  return new Problem(
    'request-not-found',
    `${kind} ${namespace}/${name} knows no request ${request}: it remembers the last 50, and forgets them when the ` +
      'object is deleted; sending it again with the same Idempotency-Key does no harm',
  );
}
