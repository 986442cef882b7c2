/** Whoever watches over Holdfast sees each case that there is an alert for, in what a real worker serves. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { freePort } from '../../stack/ports.ts';
import { readDocument } from '../docs/markdown.ts';
import { startApi, type RunningApi } from '../support/api.ts';
import { chartRepository } from '../support/chart-repository.ts';
import { pushChart } from '../support/chart.ts';
import { jwt } from '../support/credentials.ts';
import { temporaryFolder, until } from '../support/harness.ts';
import {
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  reasonIs,
  startHoldfast,
  type Holdfast,
} from '../support/holdfast.ts';
import { expressionsIn, samplesIn, seriesNamedIn } from '../support/metrics.ts';

const NAMESPACE = 'watched-over';
const API = 'helm-operator.ketches.cn/v1alpha1';
const DAY_S = 86_400;

let holdfast: Holdfast;
let api: RunningApi;
let port: number;

const alerts = parse(readDocument('alerts.yaml')) as { groups: { rules: { alert: string; expr: string }[] }[] };
const rules = alerts.groups.flatMap((group) => group.rules);

/** What a worker serves. */
async function scrape(at: number = port): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${at}/metrics`);
  assert.equal(answer.status, 200);
  return answer.text();
}

const watches = (text: string): boolean => text.split('\n').includes('holdfast_watching 1');

/** Scrape until it holds every line; the failure shows the last scrape. */
function scrapeWith(lines: readonly string[], at?: number): Promise<string> {
  return until(
    () => scrape(at),
    (text) => lines.every((line) => text.split('\n').includes(line)),
    `a scrape with ${lines.join(' and ')}`,
  );
}

before(async () => {
  holdfast = await startHoldfast(async () => {
    port = await freePort();
    return { HOLDFAST_WORKER_PORT: String(port) };
  });
  const { stack } = holdfast;
  await namespaceWithRegistry(holdfast, NAMESPACE);
  const url = await pushChart(stack, { name: 'app', version: '1.0.0' });
  const login = { username: 'robot', password: jwt({ expiresAt: Date.now() + (DAY_S / 2) * 1_000 }) };
  const expired = { username: 'robot', password: jwt({ expiresAt: Date.now() - DAY_S * 1_000 }) };
  const [charts, others] = [await chartRepository(stack.bin, { login }), await chartRepository(stack.bin)];
  for (const repository of [charts, others]) await repository.publish({ name: 'web', version: '1.0.0' });
  const secret = (name: string, stringData: Readonly<Record<string, string>>): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: NAMESPACE },
    stringData,
  });
  const repository = (name: string, spec: object): object => ({
    apiVersion: API,
    kind: 'HelmRepository',
    metadata: { name, namespace: NAMESPACE },
    spec,
  });
  const auth = (name: string): object => ({ auth: { basic: { secretRef: { name } } } });
  const release = (name: string, version: string): object =>
    helmRelease([NAMESPACE, name], { name: 'app', version, url }, { interval: '10s' });
  await holdfast.apply(
    secret('ends-soon', login),
    secret('has-ended', expired),
    repository('ends-soon', { url: charts.url, type: 'helm', ...auth('ends-soon') }),
    repository('has-ended', { url: others.url, type: 'helm', ...auth('has-ended') }),
    repository('away', { url: 'oci://127.0.0.1:1/charts', type: 'oci' }),
    release('fine', '1.0.0'),
    release('missing', '9.9.9'),
    release('stalled', 'latest'),
  );
  const seen = [
    eventually(holdfast, ['helmrepository', NAMESPACE, 'ends-soon'], isReady),
    eventually(holdfast, ['helmrepository', NAMESPACE, 'has-ended'], isReady),
    eventually(holdfast, ['helmrepository', NAMESPACE, 'away'], reasonIs('RegistryUnreachable')),
    eventually(holdfast, ['helmrelease', NAMESPACE, 'fine'], isReady),
    eventually(holdfast, ['helmrelease', NAMESPACE, 'missing'], reasonIs('ChartNotFound')),
    eventually(holdfast, ['helmrelease', NAMESPACE, 'stalled'], reasonIs('SpecInvalid')),
  ];
  await Promise.all(seen);
  api = await startApi({
    HOLDFAST_CLUSTER: holdfast.cluster,
    HOLDFAST_TEMPORAL_ADDRESS: stack.temporalAddress,
  });
});
after(() => api.stop());

const named = (name: string): string => `namespace="${NAMESPACE}",name="${name}"`;
const GONE_WRONG: Readonly<Record<string, readonly string[]>> = {
  HoldfastRepositoryNotReady: [
    `holdfast_resource_ready{kind="HelmRepository",${named('away')}} 0`,
    `holdfast_resource_suspended{kind="HelmRepository",${named('away')}} 0`,
    `holdfast_resource_reason{kind="HelmRepository",${named('away')},reason="RegistryUnreachable"} 1`,
  ],
  HoldfastChartPullFailing: [
    `holdfast_chart_pull_failing{${named('missing')}} 1`,
    `holdfast_chart_pull_failing{${named('fine')}} 0`,
  ],
  HoldfastReleaseNotReady: [
    `holdfast_resource_ready{kind="HelmRelease",${named('missing')}} 0`,
    `holdfast_resource_suspended{kind="HelmRelease",${named('missing')}} 0`,
  ],
  HoldfastReleaseStalled: [
    `holdfast_resource_stalled{kind="HelmRelease",${named('stalled')}} 1`,
    `holdfast_resource_stalled{kind="HelmRelease",${named('missing')}} 0`,
  ],
  HoldfastCredentialExpiring: [`holdfast_credential_expiring{${named('ends-soon')}} 1`],
  HoldfastCredentialExpired: [`holdfast_credential_expiring{${named('has-ended')}} 1`],
  // Provoked by a worker that does not watch, beside one that does.
  HoldfastNotWatching: [`holdfast_watching 1`],
};

describe('what a worker serves', () => {
  it('has an expectation for every alert', () => {
    assert.deepEqual(Object.keys(GONE_WRONG).toSorted(), rules.map(({ alert }) => alert).toSorted());
  });

  for (const { alert, expr } of rules) {
    it(`has the series of ${alert}, with the values that mean it`, async () => {
      const samples = samplesIn(await scrapeWith(GONE_WRONG[alert] ?? []));
      for (const name of seriesNamedIn(expr)) assert.ok(samples.has(name), name);
    });
  }

  it('says when credentials end', async () => {
    const samples = samplesIn(await scrape()).get('holdfast_credential_expiry_timestamp_seconds') ?? [];
    const ends = new Map(samples.map((line) => [/name="([^"]+)"/.exec(line)?.[1], Number(line.split(' ').at(-1))]));
    const now = Date.now() / 1_000;
    assert.deepEqual([...ends.keys()].toSorted(), ['ends-soon', 'has-ended']);
    assert.ok(Number(ends.get('has-ended')) < now && Number(ends.get('ends-soon')) > now);
  });

  it('has every series that the dashboard asks for, together with what the API serves', async () => {
    const { body } = await api.call('GET /metrics');
    const worker = await scrapeWith([
      'helm_release_operation_total{operation="install",status="succeeded"} 1',
      `helm_release_info{release="fine",namespace="${NAMESPACE}",chart="app",version="1.0.0",status="deployed"} 1`,
      `helm_repository_charts_discovered{repository="ends-soon",namespace="${NAMESPACE}"} 1`,
    ]);
    const samples = samplesIn(`${worker}\n${String(body['text'])}`);
    const wanted = expressionsIn(JSON.parse(readDocument('dashboard.json'))).flatMap(seriesNamedIn);
    assert.deepEqual(
      wanted.filter((name) => !samples.has(name)),
      [],
    );
  });

  it('counts what went wrong, by its code', async () => {
    const samples = samplesIn(await scrape());
    const holds = (name: string, labels: string): boolean =>
      (samples.get(name) ?? []).some((line) => line.startsWith(`${name}{${labels}} `) && !line.endsWith(' 0'));
    assert.ok(holds('holdfast_chart_pull_errors_total', 'error_type="ChartNotFound"'));
    assert.ok(holds('helm_release_operation_errors_total', 'operation="install",error_type="ChartNotFound"'));
    assert.ok(holds('helm_repository_sync_errors_total', 'type="oci",error_type="RegistryUnreachable"'));
    assert.ok(holds('helm_operator_reconcile_total', 'controller="helmrelease",result="succeeded"'));
  });
});

describe('after its object is gone, or another worker has begun to watch', () => {
  it('has no series of a deleted object', async () => {
    await holdfast.kubectl(['delete', 'helmrelease', 'missing', '-n', NAMESPACE]);
    await until(
      () => scrape(),
      (text) => !text.includes('name="missing"'),
      'a scrape without a deleted object',
    );
  });

  it('is served by one worker at a time, and all of it by the next one', async () => {
    const lines = Object.values(GONE_WRONG).flat();
    const expected = lines.filter((line) => !line.includes('name="missing"'));
    const workers = [holdfast.worker()];
    const ports = [port, await freePort()];
    const other = { HOLDFAST_WORKER_PORT: String(ports[1]), HOLDFAST_DATA_DIR: temporaryFolder() };
    workers.push(await holdfast.startWorker(other));
    const texts = await until(
      () => Promise.all(ports.map((at) => scrape(at))),
      (all) => all.map(watches).toSorted().join() === 'false,true',
      'scrapes of which one is of who watches',
    );
    const [watching, idle] = texts.map(watches).indexOf(true) === 0 ? [0, 1] : [1, 0];
    assert.equal(samplesIn(texts[idle] ?? '').has('holdfast_resource_ready'), false);
    await workers[watching]?.stop();
    await scrapeWith(expected, ports[idle]);
  });
});
