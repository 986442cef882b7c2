/** What the API takes and answers. `/openapi.json` is made from these. */
import { z } from 'zod';
import { FAILURES, type FailureCode } from '../workflows/core/failures.ts';
import { ATTEMPT_ACTIONS, PHASES } from '../workflows/core/model.ts';
import { PROBLEM_TYPE } from './problems.ts';

/** Schemas that stand under `components/schemas` of the OpenAPI document, by name. */
export const components = z.registry<{ id: string; description?: string }>();

// ---------------------------------------------------------------- what is sent

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const namespace = z
  .string()
  .regex(new RegExp(`^${LABEL}$`), { error: 'expected a Kubernetes namespace: a DNS label of at most 63 characters' })
  .describe('Namespace of the object');
const name = z
  .string()
  .max(253)
  .regex(new RegExp(`^${LABEL}(\\.${LABEL})*$`), { error: 'expected a Kubernetes name: DNS labels joined by dots' })
  .describe('Name of the object');
/** The part of Temporal's ids that is safe in a path, a header and a history. */
const requestId = z.string().regex(/^[\w.:-]{1,128}$/, { error: 'expected 1 to 128 letters, digits, or . _ : -' });

export const ObjectParams = z.strictObject({ namespace, name });
export const RequestParams = z.strictObject({ namespace, name, request: requestId });
export const NoParams = z.strictObject({});

/** `idempotency-key` is what a caller sends to be able to repeat a request; made up where it is not sent. */
export const IdempotencyKey = requestId;

const reason = z
  .string()
  .max(500)
  .regex(/^\P{Cc}*$/u, { error: 'expected one line without control characters' })
  .describe('Why; it is kept in the history of the workflow and in Events');
export const AskBody = z.strictObject({ reason: reason.default('') }).default({ reason: '' });
/** Of a request that nobody should make without saying why. */
export const ExplainedBody = z.strictObject({ reason: reason.min(1, { error: 'expected a reason' }) });
export const RollbackBody = z.strictObject({
  revision: z
    .int({ error: 'expected a whole number' })
    .min(1, { error: 'expected a revision of Helm: a whole number from 1' })
    .describe("Helm's revision to go back to"),
  reason: reason.default(''),
});
export const NoBody = z.null();

const MAX_WAIT_MS = 60_000;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000 } as const;

const booleanText = z.enum(['true', 'false'], { error: 'expected true or false' });
const duration = z
  .string()
  .regex(/^\d{1,6}(ms|s|m)$/, { error: 'expected a duration such as 500ms, 30s or 1m' })
  .refine((text) => toMs(text) <= MAX_WAIT_MS, { error: 'expected at most 60s; ask again at the Location after that' });

/** Milliseconds of a duration that `WaitQuery` accepted. */
export function toMs(text: string): number {
  const unit = (Object.keys(UNIT_MS) as (keyof typeof UNIT_MS)[]).find((known) => /\D+$/.exec(text)?.[0] === known);
  return parseInt(text, 10) * (unit === undefined ? NaN : UNIT_MS[unit]);
}

const wait = booleanText
  .default('false')
  .describe('Answer when the outcome is known, not when the request is accepted');
const timeout = duration.default('60s').describe('With `wait`: answer 202 after this; at most 60s');
export const WaitQuery = z.strictObject({ wait, timeout });
export const SyncQuery = z.strictObject({
  reset: booleanText
    .default('false')
    .describe('Forget the failures of the desired state, so that it is tried as if it were new'),
  force: booleanText
    .default('false')
    .describe('Upgrade once, even where nothing is to be changed, and whatever became of earlier tries'),
  wait,
  timeout,
  source: booleanText
    .default('true')
    .describe('Sync the GitRepository that the release came from first, and the release when that is done'),
});
const limit = z
  .string()
  .regex(/^([1-9]\d{0,2}|1000)$/, { error: 'expected a whole number from 1 to 1000' })
  .default('100')
  .describe('Items of a page');
const cursor = z
  .string()
  .max(4096)
  .regex(/^[\w-]+$/, { error: 'expected the `next` of the page before' })
  .optional()
  .describe('`next` of the page before');
export const SourceListQuery = z.strictObject({ namespace: namespace.optional(), limit, cursor });
export const ReleaseListQuery = z.strictObject({
  namespace: namespace.optional(),
  phase: z.enum(PHASES, { error: `expected one of ${PHASES.join(', ')}` }).optional(),
  limit,
  cursor,
});
export const NoQuery = z.strictObject({});

// ---------------------------------------------------------------- what is answered

const instant = z.iso.datetime();
const ref = z.object({ namespace: z.string(), name: z.string() });
const link = z.url().nullable().describe('In the Temporal UI; null where HOLDFAST_TEMPORAL_UI is not set');
const failure = z
  .object({ code: z.enum(Object.keys(FAILURES) as FailureCode[]), message: z.string() })
  .describe('The code is explained in docs/failures.md');

const workflow = z
  .object({ id: z.string(), runId: z.string().nullable(), url: link })
  .describe('The Temporal workflow that cares for the object');
components.add(workflow, { id: 'Workflow' });

export const ReleaseItem = z.object({
  namespace: z.string(),
  name: z.string(),
  phase: z
    .enum(PHASES)
    .nullable()
    .describe('Null where Temporal refuses our search attributes, or before the first look'),
  chart: z.string().nullable(),
  sourceRevision: z.string().nullable().describe('`branch@commit` that last changed the object'),
  failures: z.int().nullable(),
  suspended: z.boolean().nullable(),
  workflow,
});
export const ReleaseList = z.object({
  items: z.array(ReleaseItem),
  next: z.string().nullable().describe('`cursor` of the next page; null: this was the last one'),
});
components.add(ReleaseItem, { id: 'HelmReleaseItem' });
components.add(ReleaseList, { id: 'HelmReleaseList' });

export const Attempt = z.object({
  n: z.int(),
  action: z.enum(ATTEMPT_ACTIONS),
  because: z.string(),
  version: z.string().describe('Chart version that was attempted'),
  chartDigest: z.string().nullable(),
  sourceRevision: z.string().nullable(),
  outcome: z.enum(['succeeded', 'failedBeforeWrite', 'failedAfterWrite', 'interrupted', 'lost', 'running']),
  revision: z.int().nullable().describe("Helm's revision that the attempt made"),
  failure: failure.nullable(),
  startedAt: instant,
  endedAt: instant.nullable(),
  readyAt: instant.nullable().describe('When its objects got ready after all, though its wait had timed out'),
  workflow,
});
components.add(Attempt, { id: 'Attempt', description: 'One attempt to change something; a workflow of its own' });

export const Release = z.object({
  namespace: z.string(),
  name: z.string(),
  phase: z.enum(PHASES),
  ready: z.boolean(),
  reason: z.string(),
  message: z.string(),
  generation: z.int(),
  chart: z.string(),
  version: z.string(),
  revision: z.int().nullable().describe("Helm's newest revision; null: nothing is installed"),
  source: z.object({ repository: ref, revision: z.string() }).nullable().describe('Null: applied by hand'),
  suspension: z
    .object({ by: z.string(), reason: z.string(), inSpec: z.boolean().describe('Only Git can take it back') })
    .nullable(),
  failures: z.int(),
  lastFailure: failure.nullable(),
  notReady: z.array(z.object({ object: z.string(), reason: z.string() })),
  dependencies: z
    .array(
      z.object({
        namespace: z.string(),
        name: z.string(),
        state: z
          .enum(['ready', 'notReady', 'missing', 'deleting', 'denied'])
          .describe('`ready`: in its current generation'),
      }),
    )
    .describe('What `spec.dependsOn` names, as the last look saw it'),
  attempts: z.array(Attempt).describe('The last 20, the newest first'),
  nextLookAt: instant.nullable(),
  workflow,
});
components.add(Release, { id: 'HelmRelease' });

/** As `workflows/git` notes them in `HelmPhase`. */
export const SOURCE_PHASES = ['Ready', 'Failed', 'Stalled', 'Suspended'] as const;
export const SourceItem = z.object({
  namespace: z.string(),
  name: z.string(),
  phase: z.enum(SOURCE_PHASES).nullable(),
  revision: z.string().nullable().describe('`branch@commit` last applied in full'),
  workflow,
});
export const SourceList = z.object({ items: z.array(SourceItem), next: z.string().nullable() });
components.add(SourceItem, { id: 'GitRepositoryItem' });
components.add(SourceList, { id: 'GitRepositoryList' });

export const Outcome = z.object({
  kind: z.enum(['pending', 'done', 'refused', 'unknown']),
  ready: z.boolean().nullable().describe('`done`: whether the object was ready then'),
  message: z.string(),
  revision: z.int().nullable().describe("`done`: Helm's revision then"),
});
components.add(Outcome, { id: 'Outcome' });

export const RequestState = z.object({
  request: z.string().describe('Its id: the Idempotency-Key, or one that was made up'),
  outcome: Outcome,
  source: z
    .object({ repository: ref, outcome: Outcome })
    .nullable()
    .describe('The GitRepository that is synced first; null: none'),
  url: z.string().describe('Where to ask again'),
});
components.add(RequestState, { id: 'Request' });

export const ProblemBody = z.object({
  type: z.string().describe(`\`${PROBLEM_TYPE}\` and the kind of problem; stable`),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What is wrong, and the way out'),
  instance: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});
components.add(ProblemBody, { id: 'Problem', description: 'RFC 9457' });

export const Health = z.object({ status: z.literal('ok') });
components.add(Health, { id: 'Health' });
export const Readiness = z.object({
  status: z.enum(['ready', 'not ready']),
  temporal: z.boolean().describe('Temporal answers'),
  worker: z.boolean().describe('A worker asks Temporal for work of this cluster'),
});
components.add(Readiness, { id: 'Readiness' });
