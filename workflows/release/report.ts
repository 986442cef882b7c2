import { defineSearchAttributeKey } from '@temporalio/common';
import { proxyLocalActivities, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { ReleaseActivities, ReportedEvent } from '../../activities/types.ts';
import { chartOf, failuresOf, refText, releaseOf, sourceOf } from '../core/facts.ts';
import { hashText } from '../core/ids.ts';
import type { AttemptRecord } from '../core/model.ts';
import { summarize, type Summary } from '../core/summarize.ts';
import type { Entity } from './entity.ts';

/** Looks and reports: short, repeatable, and cheap as local activities; each stays a step in the history. */
export const local = proxyLocalActivities<ReleaseActivities>({
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '25 seconds',
  // Few: as long as they go on, the workflow hears no message. After that the loop waits with a timer.
  retry: { initialInterval: '200 milliseconds', maximumAttempts: 3 },
});

/**
 * Queue an Event; it is written with the next report. A failure names its object: people search the Events of a whole
 * namespace for the word HelmRelease, which the column of objects does not show.
 */
export function announce(
  entity: Entity,
  type: ReportedEvent['type'],
  { reason, message }: { reason: string; message: string },
): void {
  const subject = type === 'Warning' ? `HelmRelease ${refText(entity.input.ref)}: ` : '';
  entity.events.push({ type, reason, message: subject + message });
}

/** Show where the release stands: in the Temporal UI at once, on the object when anything differs from the last report. */
export async function report(entity: Entity): Promise<void> {
  const summary = summarize(entity);
  showInTemporal(entity, summary);
  const { object, stored } = entity.look;
  if (object === null) return;
  const { workflowId, runId } = workflowInfo();
  const body = {
    ref: entity.input.ref,
    uid: object.uid,
    generation: object.generation,
    workflowId,
    runId,
    conditions: summary.conditions,
    release: releaseOf(object, entity.history),
    revision: stored === null || stored.status === 'uninstalled' ? null : stored.revision,
    history: entity.history,
    phase: summary.phase,
  };
  const print = hashText(JSON.stringify({ ...body, stored, runId: '' }));
  if (print === entity.reported && entity.events.length === 0) return;
  const { events } = entity;
  await local.reportRelease({ ...body, events });
  // Only now: those of a report that failed are told by the next one.
  entity.events = entity.events.slice(events.length);
  entity.reported = print;
}

/** Summary in Markdown and search attributes; the server keeps neither in history. */
function showInTemporal(entity: Entity, summary: Summary): void {
  setCurrentDetails(toMarkdown(entity, summary));
  if (!entity.input.searchAttributes) return;
  const values = toAttributes(entity, summary);
  // Every upsert rewrites dozens of index rows, so all keys go in one call and only when a value changed.
  const print = JSON.stringify(values);
  if (print === entity.attributes) return;
  entity.attributes = print;
  upsertSearchAttributes([
    ...KEYWORDS.map((name) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value: values[name].slice(0, 250) })),
    { key: defineSearchAttributeKey('HelmFailures', 'INT'), value: values.HelmFailures },
    { key: defineSearchAttributeKey('HelmSuspended', 'BOOL'), value: values.HelmSuspended },
  ]);
}

const KEYWORDS = [
  'HelmCluster',
  'HelmNamespace',
  'HelmRelease',
  'HelmPhase',
  'HelmChart',
  'HelmSource',
  'HelmSourceRevision',
] as const;

type Attributes = Readonly<Record<(typeof KEYWORDS)[number], string>> & {
  readonly HelmFailures: number;
  readonly HelmSuspended: boolean;
};

function toAttributes({ input, look, history }: Entity, { phase }: Summary): Attributes {
  const chart = chartOf(look);
  const source = sourceOf(look);
  return {
    HelmCluster: input.cluster,
    HelmNamespace: input.ref.namespace,
    HelmRelease: input.ref.name,
    HelmPhase: phase,
    HelmChart: `${chart.name} ${chart.version}`.trim(),
    HelmSource: source.repository,
    HelmSourceRevision: source.revision,
    HelmFailures: failuresOf(history),
    HelmSuspended: look.object?.suspension != null,
  };
}

function toMarkdown({ input, look, history }: Entity, { phase, reason, message }: Summary): string {
  const chart = chartOf(look);
  const source = sourceOf(look);
  const revision = look.stored === null ? 'none' : `${look.stored.revision} (${look.stored.status})`;
  const rows = [
    ['reason', reason],
    ['chart', `${chart.url} ${chart.version}`],
    ['revision', revision],
    ['source', source.repository === '' ? 'applied by hand' : `${source.repository} ${source.revision}`],
    ['failures', String(failuresOf(history))],
  ];
  const attempts = history.recent.slice(-5).toReversed();
  return [
    `### ${refText(input.ref)}: ${phase}`,
    message,
    ['| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name ?? ''} | ${value ?? ''} |`)].join('\n'),
    section(
      'Not ready',
      history.notReady.map(({ object, reason: why }) => `- ${object}: ${why}`),
    ),
    section('Last attempts', attempts.map(attemptLine)),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`**${title}**`, '', ...lines].join('\n');
}

function attemptLine({ action, version, outcome, failure }: AttemptRecord): string {
  return `- ${action} ${version}: ${outcome}${failure === null ? '' : ` (${failure.message})`}`;
}
