import {
  defaultPayloadConverter,
  NamespaceNotFoundError,
  QueryRejectCondition,
  WorkflowClient,
  type Connection,
} from '@temporalio/client';
import {
  abandon,
  entityId,
  outcome,
  releaseStatus,
  resume,
  rollbackTo,
  suspend,
  sync,
  taskQueue,
  WORKFLOW_TYPES,
  type Ask,
  type EntityKind,
  type ObjectRef,
  type ReleaseStatus,
} from '../workflows/contract.ts';
import { PHASES, type Phase, type RequestOutcome } from '../workflows/core/model.ts';
import { grpcCodeOf, isGone, isUnknownAttribute, Problem } from './problems.ts';

/** What the API can be asked about: the kinds of which people speak. */
export type Kind = Exclude<EntityKind, 'HelmRepository'>;
export type Message = 'sync' | 'suspend' | 'resume' | 'abandon' | 'rollbackTo';

/** One running entity as Temporal's visibility store knows it: no worker is asked. */
export interface Entry {
  readonly ref: ObjectRef;
  readonly workflowId: string;
  readonly runId: string;
  /** Our search attributes; none where the server refuses them. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Page {
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

export interface ListOptions {
  readonly kind: Kind;
  readonly namespace: string | null;
  readonly phase: Phase | null;
  readonly limit: number;
  readonly cursor: string | null;
}

/** How the API reaches the entity workflows of one cluster. Everything thrown is a `Problem` or becomes one. */
export interface Entities {
  readonly cluster: string;
  list(options: ListOptions): Promise<Page>;
  /** Running releases by phase; null where the server has no such search attribute. */
  countPhases(): Promise<ReadonlyMap<Phase, number> | null>;
  /** The run that is open now. */
  openRun(kind: Kind, ref: ObjectRef): Promise<string>;
  releaseStatus(ref: ObjectRef): Promise<ReleaseStatus>;
  /** Hand a request over; it is accepted when this returns. */
  tell(kind: Kind, ref: ObjectRef, message: { readonly kind: Message; readonly ask: Ask }): Promise<void>;
  outcome(kind: Kind, ref: ObjectRef, request: string): Promise<RequestOutcome>;
  /** Does Temporal answer, and does a worker ask it for work? */
  probe(): Promise<{ readonly temporal: boolean; readonly worker: boolean }>;
}

export interface EntitiesOptions {
  readonly connection: Connection;
  readonly namespace: string;
  readonly cluster: string;
  /** Measures every call to Temporal. */
  readonly observe: <T>(operation: string, call: () => Promise<T>) => Promise<T>;
}

const UPDATES = { sync, suspend, resume, abandon, rollbackTo } as const;
const TYPES: Readonly<Record<Kind, string>> = {
  HelmRelease: WORKFLOW_TYPES.helmRelease,
  GitRepository: WORKFLOW_TYPES.gitRepository,
};
const RESOURCES: Readonly<Record<Kind, string>> = { HelmRelease: 'helmreleases', GitRepository: 'gitrepositories' };

export function createEntities(options: EntitiesOptions): Entities {
  const { connection, namespace, cluster, observe } = options;
  // A workflow that has ended stands for an object that is gone: its last answer would be a lie.
  const client = new WorkflowClient({ connection, namespace, queryRejectCondition: QueryRejectCondition.NOT_OPEN });
  const handleOf = (kind: Kind, ref: ObjectRef) => client.getHandle(entityId(cluster, kind, ref));

  /** Call Temporal about one object; that there is no such workflow is told about the object. */
  const about = async <T>(subject: Subject, call: () => Promise<T>): Promise<T> => {
    try {
      return await observe(subject.operation, call);
    } catch (error) {
      throw isGone(error) ? notFound(cluster, subject) : error;
    }
  };

  return {
    cluster,
    list: (wanted) => observe('list', () => listEntries(options, wanted)),
    countPhases: () => countPhases(client, options),
    openRun: (kind, ref) =>
      about({ operation: 'describe', kind, ref }, async () => {
        const { runId, status } = await handleOf(kind, ref).describe();
        if (status.name !== 'RUNNING') throw notFound(cluster, { kind, ref });
        return runId;
      }),
    releaseStatus: (ref) =>
      about({ operation: 'query status', kind: 'HelmRelease', ref }, () =>
        handleOf('HelmRelease', ref).query(releaseStatus),
      ),
    tell: (kind, ref, { kind: message, ask }) =>
      about({ operation: `update ${message}`, kind, ref }, async () => {
        await handleOf(kind, ref).executeUpdate(UPDATES[message], { args: [ask] });
      }),
    outcome: (kind, ref, request) =>
      about({ operation: 'query outcome', kind, ref }, () => handleOf(kind, ref).query(outcome, request)),
    probe: () => probe(options),
  };
}

interface Subject {
  readonly operation: string;
  readonly kind: Kind;
  readonly ref: ObjectRef;
}

function notFound(cluster: string, { kind, ref: { namespace, name } }: Omit<Subject, 'operation'>): Problem {
  return new Problem(
    'object-not-found',
    `${kind} ${namespace}/${name} is not known in cluster ${cluster}: it does not exist, or no worker has seen it yet; ` +
      `look with: kubectl -n ${namespace} get ${RESOURCES[kind]} ${name}`,
  );
}

/** The ids of a kind begin with this, in every run and whether or not the server takes our search attributes. */
function idPrefix(cluster: string, kind: Kind, namespace: string | null): string {
  const [prefix] = entityId(cluster, kind, { namespace: namespace ?? '\n', name: '' }).split('\n');
  return prefix ?? '';
}

/** Cluster, namespace and phase were checked against patterns without quotes. */
function toQuery(
  cluster: string,
  { kind, namespace, phase }: Pick<ListOptions, 'kind' | 'namespace' | 'phase'>,
): string {
  const type = `WorkflowType = '${TYPES[kind]}' AND ExecutionStatus = 'Running'`;
  const query = `${type} AND WorkflowId STARTS_WITH '${idPrefix(cluster, kind, namespace)}'`;
  return phase === null ? query : `${query} AND HelmPhase = '${phase}'`;
}

async function listEntries({ connection, namespace, cluster }: EntitiesOptions, wanted: ListOptions): Promise<Page> {
  const { cursor, phase } = wanted;
  try {
    const { executions, nextPageToken } = await connection.workflowService.listWorkflowExecutions({
      namespace,
      query: toQuery(cluster, wanted),
      pageSize: wanted.limit,
      ...(cursor === null ? {} : { nextPageToken: Buffer.from(cursor, 'base64url') }),
    });
    const entries = executions.map(({ execution, searchAttributes }): Entry => {
      const workflowId = execution?.workflowId ?? '';
      const attributes = decodeAttributes(searchAttributes?.indexedFields ?? {});
      return { ref: toRef(workflowId, attributes), workflowId, runId: execution?.runId ?? '', attributes };
    });
    return { entries, next: nextPageToken.length === 0 ? null : Buffer.from(nextPageToken).toString('base64url') };
  } catch (error) {
    if (phase !== null && isUnknownAttribute(error)) throw noPhases();
    // The server has no better answer to a page token that is not its own.
    if (cursor !== null && grpcCodeOf(error) === GRPC_UNKNOWN) throw badCursor();
    throw error;
  }
}

const GRPC_UNKNOWN = 2;

function noPhases(): Problem {
  const message = 'releases cannot be chosen by phase: the Temporal namespace has no search attribute HelmPhase';
  return new Problem('request-invalid', message, { errors: [{ field: 'query.phase', message }] });
}

function badCursor(): Problem {
  const message = 'expected the `next` of the page before';
  return new Problem('request-invalid', `query.cursor: ${message}`, { errors: [{ field: 'query.cursor', message }] });
}

type Payloads = NonNullable<Parameters<typeof defaultPayloadConverter.fromPayload>[0]>;

function decodeAttributes(fields: Readonly<Record<string, Payloads>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, payload]) => [name, defaultPayloadConverter.fromPayload(payload)]),
  );
}

/** The name as the search attribute has it, for ids that carry a shortened one. */
function toRef(workflowId: string, attributes: Readonly<Record<string, unknown>>): ObjectRef {
  const [, , namespace = '', name = ''] = workflowId.split('/');
  const whole = attributes['HelmRelease'];
  return { namespace, name: name.includes('~') && typeof whole === 'string' ? whole : name };
}

async function countPhases(
  client: WorkflowClient,
  { cluster, observe }: EntitiesOptions,
): Promise<ReadonlyMap<Phase, number> | null> {
  const counts = new Map<Phase, number>();
  try {
    // One after the other: a production server allows ten such calls a second.
    for (const phase of PHASES) {
      const query = toQuery(cluster, { kind: 'HelmRelease', namespace: null, phase });
      const { count } = await observe('count', () => client.count(query));
      counts.set(phase, count);
    }
  } catch (error) {
    if (isUnknownAttribute(error)) return null;
    throw error;
  }
  return counts;
}

const PROBE_MS = 3_000;
/** A worker's poll lasts at most a minute; the server remembers pollers for five. */
const POLLED_WITHIN_MS = 90_000;

async function probe({ connection, namespace, cluster, observe }: EntitiesOptions): ReturnType<Entities['probe']> {
  const name = taskQueue(cluster);
  try {
    const { pollers } = await observe('describe task queue', () =>
      connection.withDeadline(Date.now() + PROBE_MS, () =>
        connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name } }),
      ),
    );
    const since = Date.now() - POLLED_WITHIN_MS;
    const worker = pollers.some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000 > since);
    return { temporal: true, worker };
  } catch (error) {
    if (grpcCodeOf(error) === null && !(error instanceof NamespaceNotFoundError)) throw error;
    return { temporal: false, worker: false };
  }
}
