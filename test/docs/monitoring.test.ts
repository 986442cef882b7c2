import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { createWorkerMetrics } from '../../worker/metrics/index.ts';
import { expressionsIn, seriesNamedIn } from '../support/metrics.ts';
import { readDocument, tableUnder } from './markdown.ts';

const text = readDocument('monitoring.md');
const rules = parse(readDocument('alerts.yaml')) as {
  groups: { rules: { alert: string; expr: string; for: string; labels: object; annotations: object }[] }[];
};
const dashboard = JSON.parse(readDocument('dashboard.json')) as {
  panels: { id: number; title: string; targets: { expr: string }[] }[];
};
const alerts = rules.groups.flatMap((group) => group.rules);

/** The row of a metric: its name, and its labels. */
const documented = new Map(
  ['## What objects say', '## What was done'].flatMap((heading) =>
    tableUnder(text, heading)
      .map(([name = '', labels = '']) => [/`(\w+)`/.exec(name)?.[1] ?? '', labels.match(/\w+/g) ?? []] as const)
      .filter(([name]) => name !== ''),
  ),
);

describe('docs/monitoring.md', () => {
  it('lists every metric of a worker, and no other', async () => {
    const served = [...(await createWorkerMetrics().render()).matchAll(/^# TYPE (\w+)/gm)].map(
      ([, name]) => name ?? '',
    );
    const own = served.filter((name) => /^(holdfast|helm)_/.test(name));
    assert.ok(own.length > 20);
    assert.deepEqual([...documented.keys()].toSorted(), own.toSorted());
  });

  it('lists every alert, and no other', () => {
    const listed = tableUnder(text, '## Alerts').map(([alert = '']) => alert.replaceAll('`', ''));
    assert.deepEqual(
      listed,
      alerts.map(({ alert }) => alert),
    );
  });
});

describe('docs/alerts.yaml and docs/dashboard.json', () => {
  it('name metrics that there are, with labels that these have', () => {
    const expressions = [...expressionsIn(rules), ...expressionsIn(dashboard)];
    assert.ok(expressions.length > 25, `${expressions.length} expressions`);
    for (const expression of expressions) {
      const names = seriesNamedIn(expression);
      assert.notDeepEqual(names, [], expression);
      for (const name of names.filter((one) => /^(holdfast|helm)_/.test(one))) {
        assert.ok(documented.has(name.replace(/_(bucket|sum|count)$/, '')), `${name} in ${expression}`);
      }
    }
  });

  it('say of each alert how bad it is, for how long, and what to do', () => {
    for (const { alert, for: span, labels, annotations } of alerts) {
      assert.match(span, /^\d+m$/, alert);
      assert.deepEqual(Object.keys(labels), ['severity'], alert);
      assert.deepEqual(Object.keys(annotations), ['summary', 'description'], alert);
    }
  });

  it('have panels that each ask something, under an id and a title of its own', () => {
    const { panels } = dashboard;
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length);
    assert.ok(panels.every(({ targets }) => targets.length > 0));
  });
});
