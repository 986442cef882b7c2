/** Labels and annotations for every object of a release, put there by helm itself. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  namespaceWithRegistry,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
} from '../support/holdfast.ts';

/** What is written once and meant twice, and a hook that stays. */
const MORE = `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  labels: &labels { app: {{ .Release.Name }} }
spec: { selector: *labels, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-hook, annotations: { helm.sh/hook: "pre-install,pre-upgrade" } }
data: {}
`;

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast();
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0', files: { 'templates/more.yaml': MORE } });
});

type Spec = Readonly<Record<string, unknown>>;

const apply = (ns: string, spec: Spec): Promise<void> =>
  holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec));

const atRevision = (ns: string, revision: number): Promise<Live> =>
  eventually(
    holdfast,
    ['helmrelease', ns, 'app'],
    (live) => isReady(live) && live.status?.helmRelease?.['revision'] === revision,
  );

interface Marked {
  readonly metadata: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: {
    readonly selector?: unknown;
    readonly template?: { readonly metadata: { readonly labels: unknown } };
  };
}

/** Of every object, in the order of `KINDS`. */
async function labelsOf(ns: string, label: string): Promise<readonly (string | undefined)[]> {
  const objects = await Promise.all(KINDS.map((kind) => read(ns, kind)));
  return objects.map(({ metadata }) => metadata.labels?.[label]);
}

/** An object as the API server has it. */
async function read(ns: string, kind: string, name = 'app'): Promise<Marked> {
  return JSON.parse(await holdfast.kubectl(['get', kind, name, '-n', ns, '-o', 'json'])) as Marked;
}

const KINDS = ['deployment', 'configmap', 'service'];

describe('common metadata', { concurrency: 2 }, () => {
  it('is on every object, follows the spec, and is gone with it', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'marked');
    const commonMetadata = { labels: { team: 'shop', app: 'mine' }, annotations: { 'example.com/note': 'yes: 0644' } };
    await apply(ns, { commonMetadata, driftDetection: { mode: 'enabled' } });
    await atRevision(ns, 1);
    assert.deepEqual(await labelsOf(ns, 'team'), ['shop', 'shop', 'shop']);
    assert.deepEqual(await labelsOf(ns, 'app'), ['mine', 'mine', 'mine']);
    for (const kind of KINDS) {
      const { 'example.com/note': note, ...others } = (await read(ns, kind)).metadata.annotations ?? {};
      assert.equal(note, 'yes: 0644', kind);
      assert.ok(!JSON.stringify(others).includes('postrender'), 'helm takes its own marks away');
    }
    assert.deepEqual((await read(ns, 'service')).spec?.selector, { app: 'app' }, 'a selector is none of it');
    assert.deepEqual((await read(ns, 'deployment')).spec?.template?.metadata.labels, { app: 'app' });
    assert.equal(
      (await read(ns, 'configmap', 'app-hook')).metadata.labels?.['team'],
      undefined,
      'a hook is none of it',
    );

    await apply(ns, { commonMetadata: { labels: { team: 'other' } } });
    await atRevision(ns, 2);
    assert.deepEqual(await labelsOf(ns, 'team'), ['other', 'other', 'other']);
    assert.deepEqual(await labelsOf(ns, 'app'), [undefined, undefined, 'app'], "the chart's own again");
    assert.equal(
      await holdfast.kubectl([
        'get',
        'service',
        'app',
        '-n',
        ns,
        '-o',
        'jsonpath={.metadata.annotations.example\\.com/note}',
      ]),
      '',
    );

    await apply(ns, {});
    await atRevision(ns, 3);
    assert.deepEqual(await labelsOf(ns, 'team'), [undefined, undefined, undefined]);
    assert.equal((await releaseHistory(holdfast, ns, 'app')).length, 3);

    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns]);
    const managed = ['-l', 'app.kubernetes.io/managed-by=Helm', '-n', ns, '-o', 'name'];
    assert.equal(await holdfast.kubectl(['get', 'deployments,configmaps,services', ...managed]), '');
  });

  it('is part of what is compared with the cluster', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'compared');
    await apply(ns, { commonMetadata: { labels: { team: 'shop' } }, driftDetection: { mode: 'enabled' } });
    await atRevision(ns, 1);
    await holdfast.kubectl(['label', 'configmap', 'app', '-n', ns, 'team-']);
    await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, 'holdfast.dev/requestedAt=look']);
    const live = await eventually(
      holdfast,
      ['helmrelease', ns, 'app'],
      (seen) => seen.status?.['lastHandledRequestedAt'] === 'look',
    );
    assert.equal(conditionOf(live, 'Drifted').reason, 'NoDriftDetected');
    assert.equal((await read(ns, 'configmap')).metadata.labels?.['team'], 'shop');
  });
});
