import type { ObjectRef } from '../workflows/core/ids.ts';
import type { Drift, DriftedObject, NotReady } from '../workflows/core/model.ts';
import { failure } from './failures.ts';
import { placeOf } from './helm/objects.ts';
import { readSent, type SentObject } from './helm/sent.ts';
import { inTheNameOf } from './kube/account.ts';
import { compare, correct, type Compared, type Subject } from './kube/drift/compare.ts';
import { managersOf } from './kube/drift/managers.ts';
import { toPointer } from './kube/drift/pointer.ts';
import { ignoredIn, type DriftRules } from './kube/drift/rules.ts';
import { listRecords } from './kube/helm-records.ts';
import { withHeartbeat, type Call, type Toolbox } from './operation.ts';
import type { Kube } from './ports.ts';
import { checkRecord, readAsAsked } from './step.ts';
import type { DriftInput } from './types.ts';

/** What goes into history is bounded; the rest is a number. */
const MOST = { objects: 10, fields: 5, text: 300 };
/** Requests under way at once for one release. */
const AT_ONCE = 8;
/** Somebody may wait for the release meanwhile: what was not reached by then is told. */
const LIMIT_MS = 60_000;

/** Compare every object of a revision with what Helm sent; nothing is changed. */
export function observeDrift(tools: Toolbox, input: DriftInput, call: Call): Promise<Drift> {
  return withHeartbeat(call, () => ofAll(tools, input, { call, treat: compare }));
}

/** Send again what differs. What was corrected already when a worker died differs no more. */
export function correctDrift(tools: Toolbox, input: DriftInput, call: Call): Promise<Drift> {
  const { release } = input;
  const treat: Treatment['treat'] = (kube, subject) =>
    correct(kube, subject, async () => {
      call.signal.throwIfAborted();
      await checkCurrent(tools.kube, input);
    });
  return withHeartbeat(call, () =>
    tools.oneAtATime(`${release.namespace}/${release.name}`, () => ofAll(tools, input, { call, treat })),
  );
}

/** Helm writes its record before the first object of a revision. */
async function checkCurrent(kube: Kube, { release, revision }: DriftInput): Promise<void> {
  const newest = (await listRecords(kube, release)).at(-1);
  if (newest?.revision === revision && newest.status === 'deployed') return;
  const what = newest === undefined ? 'gone' : `at revision ${newest.revision}, ${newest.status}`;
  throw failure('Conflict', `release ${release.namespace}/${release.name} is ${what} by now`);
}

interface Treatment {
  readonly call: Call;
  readonly treat: (kube: Kube, subject: Subject) => Promise<Compared>;
}

async function ofAll(tools: Toolbox, input: DriftInput, { call, treat }: Treatment): Promise<Drift> {
  const { spec, account } = await readAsAsked(tools, input, call);
  const record = await checkRecord(tools.kube, { expectRevision: input.revision }, input.release);
  const { objects, unread } = readSent(record?.manifest ?? '', input.release);
  const kube = inTheNameOf(tools.kube, account);
  const { subjects, failed } = await locate(kube, input.release, { objects, rules: spec.drift });
  const found: Found[] = [];
  const late = Date.now() + LIMIT_MS;
  for (let start = 0; start < subjects.length; start += AT_ONCE) {
    call.signal.throwIfAborted();
    const batch = subjects.slice(start, start + AT_ONCE);
    if (Date.now() > late) {
      found.push(...batch.map((subject) => ({ subject, compared: NOT_REACHED })));
      continue;
    }
    found.push(...(await Promise.all(batch.map(async (one) => ({ subject: one, compared: await treat(kube, one) })))));
  }
  return toDrift(found, [...unread.map((reason) => ({ object: 'manifest', reason })), ...failed]);
}

const NOT_REACHED: Compared = { kind: 'failed', reason: 'was not reached in time' };

/** Where the objects lie. What a chart keeps when the release goes is left to others once it is there. */
async function locate(
  kube: Kube,
  release: ObjectRef,
  { objects, rules }: { readonly objects: readonly SentObject[]; readonly rules: DriftRules },
): Promise<{ readonly subjects: readonly Subject[]; readonly failed: readonly NotReady[] }> {
  const located: Omit<Subject, 'ignored'>[] = [];
  const failed: NotReady[] = [];
  for (const object of objects.filter(({ keep }) => !keep)) {
    const { apiVersion, kind, document } = object;
    const { namespace, label, path } = await placeOf(kube, release, object);
    if (path === null) {
      failed.push({ object: label, reason: `the cluster knows no kind ${kind} in ${apiVersion}` });
      continue;
    }
    // `readSent` has made the metadata an object.
    const metadata = { ...(document['metadata'] as object), ...(namespace === null ? {} : { namespace }) };
    located.push({ label, path, sent: { ...document, metadata } });
  }
  const ignored = ignoredIn(
    rules,
    located.map(({ sent }) => sent),
  );
  return { subjects: located.map((one, index) => ({ ...one, ignored: ignored[index] ?? [] })), failed };
}

interface Found {
  readonly subject: Subject;
  readonly compared: Compared;
}

function toDrift(found: readonly Found[], failed: readonly NotReady[]): Drift {
  const objects = found.flatMap(toDrifted);
  const refused = found.flatMap(({ subject, compared }) =>
    compared.kind === 'failed' ? [{ object: subject.label, reason: compared.reason.slice(0, MOST.text) }] : [],
  );
  return {
    objects: objects.slice(0, MOST.objects),
    count: objects.length,
    failed: [...failed, ...refused].slice(0, MOST.objects),
  };
}

function toDrifted({ subject, compared }: Found): readonly DriftedObject[] {
  const { label: object } = subject;
  if (compared.kind === 'missing') return [{ object, fields: [], fieldCount: 0, missing: true, managers: [] }];
  if (compared.kind !== 'changed') return [];
  const { live, fields } = compared;
  const shown = fields.slice(0, MOST.fields);
  return [
    {
      object,
      fields: shown.map((path) => toPointer(path).slice(0, MOST.text)),
      fieldCount: fields.length,
      missing: false,
      managers: [...new Set(shown.flatMap((path) => managersOf(live, path)))].slice(0, MOST.fields),
    },
  ];
}
