import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { refText } from '../core/facts.ts';
import { judge, type Memory } from './memory.ts';

/** Show where a repository stands in the Temporal UI: Markdown and search attributes. */
export function show(memory: Memory): void {
  setCurrentDetails(toMarkdown(memory));
  if (!memory.input.searchAttributes) return;
  const { cluster, ref } = memory.input;
  const { ready, reason, stalled } = judge(memory.history);
  const values = {
    HelmCluster: cluster,
    HelmNamespace: ref.namespace,
    HelmPhase: ready === 'True' ? (reason === 'Suspended' ? 'Suspended' : 'Ready') : stalled ? 'Stalled' : 'Failed',
    HelmSource: refText(ref),
    HelmSourceRevision: memory.history.revision ?? '',
  };
  // Every upsert rewrites dozens of index rows, so all keys go in one call and only when a value changed.
  const print = JSON.stringify(values);
  if (print === memory.attributes) return;
  memory.attributes = print;
  upsertSearchAttributes(
    Object.entries(values).map(([name, value]) => ({
      key: defineSearchAttributeKey(name, 'KEYWORD'),
      value: value.slice(0, 250),
    })),
  );
}

function toMarkdown({ input, history }: Memory): string {
  const { ready, reason, message } = judge(history);
  const { url, revision, inventory, skipped, problems } = history.pass ?? NO_PASS;
  const rows = [
    ['reason', reason],
    ['url', url],
    ['applied in full', history.revision ?? 'nothing yet'],
    ['newest commit seen', revision ?? 'none'],
    ['objects', String(inventory)],
    ['skipped documents', String(skipped)],
  ];
  const lines = problems.map(({ where, message: why }) => `- ${where}: ${why}`);
  return [
    `### ${refText(input.ref)}: ${ready === 'True' ? 'Ready' : reason}`,
    message,
    ['| | |', '|---|---|', ...rows.map(([name = '', value = '']) => `| ${name} | ${value} |`)].join('\n'),
    ...(lines.length === 0 ? [] : [['**Problems**', '', ...lines].join('\n')]),
  ].join('\n\n');
}

const NO_PASS = { url: '', revision: null, inventory: 0, skipped: 0, problems: [] };
