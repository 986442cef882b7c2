/** Releases with the rights of a service account and no more, on real RBAC. The default here is an account without rights. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { pushChart } from '../support/chart.ts';
import {
  conditionOf,
  eventually,
  helmRelease,
  isReady,
  releaseHistory,
  startHoldfast,
  type Holdfast,
  type Live,
  namespaceWithRegistry,
  untilAllowed,
} from '../support/holdfast.ts';

const ELSEWHERE = `{{- with .Values.elsewhere }}
apiVersion: v1
kind: ConfigMap
metadata: { name: elsewhere, namespace: kube-public }
data: { of: {{ $.Release.Namespace }} }
{{- end }}
`;

let holdfast: Holdfast;
let url: string;

before(async () => {
  holdfast = await startHoldfast({ HOLDFAST_DEFAULT_SERVICE_ACCOUNT: 'default' });
  const files = { 'templates/deployment.yaml': '', 'templates/elsewhere.yaml': ELSEWHERE };
  url = await pushChart(holdfast.stack, { name: 'app', version: '1.0.0', files });
});

const MAY = (ns: string): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: 'deployer', namespace: ns },
  rules: [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['*'] }],
});

/** An account `deployer` that may do what the chart needs in its own namespace. */
async function addDeployer(ns: string): Promise<void> {
  await holdfast.kubectl(['create', 'serviceaccount', 'deployer', '-n', ns]);
  await holdfast.apply(MAY(ns));
  const binding = ['create', 'rolebinding', 'deployer', '--role=deployer', `--serviceaccount=${ns}:deployer`, '-n', ns];
  await holdfast.kubectl(binding);
  await canNow(ns, ['create', 'secrets', '-n', ns]);
}

const canNow = (ns: string, what: readonly string[], answer: 'yes' | 'no' = 'yes') =>
  untilAllowed(holdfast, { user: `system:serviceaccount:${ns}:deployer`, what }, answer);

const apply = (ns: string, spec: Readonly<Record<string, unknown>>): Promise<void> =>
  holdfast.apply(helmRelease([ns, 'app'], { name: 'app', version: '1.0.0', url }, spec));
const seen = (ns: string, wanted: (live: Live) => boolean): Promise<Live> =>
  eventually(holdfast, ['helmrelease', ns, 'app'], wanted);
const says = (pattern: RegExp) => (live: Live) => pattern.test(conditionOf(live, 'Ready').message);

describe('a release in the name of a service account', { concurrency: 4 }, () => {
  it('without rights fails and says which account may not do what; with them it is installed', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'rights');
    await apply(ns, {});
    const failed = await seen(ns, says(/is forbidden/));
    const { reason, message } = conditionOf(failed, 'Ready');
    assert.equal(reason, 'Forbidden');
    assert.match(message, /User "system:serviceaccount:rights:default" cannot \w+ resource "(configmaps|secrets)"/);
    assert.match(message, /spec\.serviceAccountName/);
    assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), []);

    await addDeployer(ns);
    await apply(ns, { serviceAccountName: 'deployer' });
    // Who failed before a write is tried again at once when it is told so, here by the new state.
    await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, 'holdfast.dev/requestedAt=now']);
    await seen(ns, isReady);
    const owner = await holdfast.kubectl(['get', 'configmap', 'app', '-n', ns, '-o', 'jsonpath={.data.message}']);
    assert.equal(owner, 'hello');
  });

  it('cannot write where its account may not, and what it may not write is not there', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'beyond');
    await addDeployer(ns);
    await apply(ns, { serviceAccountName: 'deployer' });
    await seen(ns, isReady);
    // It may look there, so that the first thing that is refused is the write.
    const view = ['create', 'rolebinding', 'view', '--clusterrole=view', `--serviceaccount=${ns}:deployer`];
    await holdfast.kubectl([...view, '-n', 'kube-public']);
    await canNow(ns, ['get', 'configmaps', '-n', 'kube-public']);
    await apply(ns, { serviceAccountName: 'deployer', values: 'elsewhere: true\n' });
    const failed = await seen(ns, says(/is forbidden/));
    assert.match(
      conditionOf(failed, 'Ready').message,
      /User "system:serviceaccount:beyond:deployer" cannot (create|patch) resource "configmaps" in API group "" in the namespace "kube-public"/,
    );
    const found = await holdfast.kubectl(['get', 'configmap', 'elsewhere', '-n', 'kube-public', '--ignore-not-found']);
    assert.equal(found, '');
  });

  it('is uninstalled in its name too: without rights it waits for them', async () => {
    const ns = await namespaceWithRegistry(holdfast, 'removal');
    await addDeployer(ns);
    await apply(ns, { serviceAccountName: 'deployer' });
    await seen(ns, isReady);
    await holdfast.kubectl(['delete', 'rolebinding', 'deployer', '-n', ns]);
    await canNow(ns, ['list', 'secrets', '-n', ns], 'no');
    await holdfast.kubectl(['delete', 'helmrelease', 'app', '-n', ns, '--wait=false']);
    await seen(ns, says(/system:serviceaccount:removal:deployer" cannot/));
    assert.equal((await releaseHistory(holdfast, ns, 'app')).length, 1);
    await holdfast.kubectl(['delete', 'serviceaccount,role', 'deployer', '-n', ns]);
    await addDeployer(ns);
    await holdfast.kubectl(['annotate', 'helmrelease', 'app', '-n', ns, 'holdfast.dev/requestedAt=now']);
    await holdfast.kubectl(['wait', 'helmrelease/app', '-n', ns, '--for=delete', '--timeout=100s']);
    assert.deepEqual(await releaseHistory(holdfast, ns, 'app'), []);
  });
});
