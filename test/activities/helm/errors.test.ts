import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lastWords, lostCluster, toHelmFailure } from '../../../activities/helm/errors.ts';
import type { FailureCode } from '../../../workflows/core/failures.ts';

/** Recorded from helm 4.3.0 against Kubernetes 1.37. */
const SAMPLES: readonly { readonly stderr: string; readonly code: FailureCode; readonly says: string }[] = [
  {
    stderr: 'Error: INSTALLATION FAILED: create: failed to create: namespaces "nonexist" not found\n',
    code: 'NamespaceNotFound',
    says: 'create the namespace of the release, or let spec.release.createNamespace do it: create: failed to create: namespaces "nonexist" not found',
  },
  {
    stderr:
      'level=ERROR msg="release name check failed" error="cannot reuse a name that is still in use"\nError: INSTALLATION FAILED: release name check failed: cannot reuse a name that is still in use\n',
    code: 'Conflict',
    says: 'release name check failed: cannot reuse a name that is still in use',
  },
  {
    stderr: 'Error: UPGRADE FAILED: "zzz" has no deployed releases\n',
    code: 'Conflict',
    says: '"zzz" has no deployed releases',
  },
  {
    stderr: 'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n',
    code: 'Conflict',
    says: 'another operation (install/upgrade/rollback) is in progress',
  },
  {
    stderr: 'Error: UPGRADE FAILED: execution error at (c/templates/bad.yaml:1:3): value canary-secret-123 is wrong\n',
    code: 'RenderFailed',
    says: 'the chart cannot be rendered with these values: execution error at (c/templates/bad.yaml:1:3): value ••• is wrong',
  },
  {
    stderr:
      'Error: UPGRADE FAILED: c/templates/bad.yaml:1:10\n  executing "c/templates/bad.yaml" at <.Values.nope.nope>:\n    nil pointer evaluating interface {}.nope\n',
    code: 'RenderFailed',
    says: 'the chart cannot be rendered with these values: c/templates/bad.yaml:1:10; executing "c/templates/bad.yaml" at <.Values.nope.nope>: nil pointer evaluating interface {}.nope',
  },
  {
    stderr:
      'Error: UPGRADE FAILED: parse error at (c/templates/bad.yaml:2): unclosed action started at c/templates/bad.yaml:1\n',
    code: 'RenderFailed',
    says: 'the chart cannot be rendered with these values: parse error at (c/templates/bad.yaml:2): unclosed action started at c/templates/bad.yaml:1',
  },
  {
    stderr:
      'Error: UPGRADE FAILED: YAML parse error on c/templates/bad.yaml: error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context\n',
    code: 'RenderFailed',
    says: 'the chart cannot be rendered with these values: YAML parse error on c/templates/bad.yaml: error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context',
  },
  {
    stderr:
      'Error: INSTALLATION FAILED: unable to build kubernetes objects from release manifest: resource mapping not found for name: "x" namespace: "" from "": no matches for kind "Foo" in version "foo.example/v1"\nensure CRDs are installed first\n',
    code: 'RenderFailed',
    says: 'the chart needs a kind that the cluster does not know; install its CRD first: unable to build kubernetes objects from release manifest: resource mapping not found for name: "x" namespace: "" from "": no matches for kind "Foo" in version "foo.example/v1"; ensure CRDs are installed first',
  },
  {
    stderr:
      "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nc:\n- at '/replicaCount': got string, want integer\n",
    code: 'ValuesInvalid',
    says: "the values do not fit the schema of the chart: c: at '/replicaCount': got string, want integer",
  },
  {
    stderr:
      'Error: failed to parse v.yaml: cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1: did not find expected node content\n',
    code: 'ValuesInvalid',
    says: 'the values are not YAML that helm can read: failed to parse v.yaml: cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1: did not find expected node content',
  },
  {
    stderr:
      'Error: UPGRADE FAILED: kubernetes cluster unreachable: Get "https://127.0.0.1:1/version": dial tcp 127.0.0.1:1: connect: connection refused\n',
    code: 'ClusterUnreachable',
    says: 'kubernetes cluster unreachable: Get "https://127.0.0.1:1/version": dial tcp 127.0.0.1:1: connect: connection refused',
  },
  {
    stderr:
      'Error: INSTALLATION FAILED: unable to continue with install: could not get information about the resource ServiceAccount "f-c" in namespace "ns2": serviceaccounts "f-c" is forbidden: User "system:serviceaccount:ns2:limited" cannot get resource "serviceaccounts" in API group "" in the namespace "ns2"\n',
    code: 'Forbidden',
    says: 'the account that helm acts as lacks a right; grant it, or name another one in spec.serviceAccountName: unable to continue with install: could not get information about the resource ServiceAccount "f-c" in namespace "ns2": serviceaccounts "f-c" is forbidden: User "system:serviceaccount:ns2:limited" cannot get resource "serviceaccounts" in API group "" in the namespace "ns2"',
  },
  {
    stderr:
      'Error: INSTALLATION FAILED: unable to continue with install: ServiceAccount "g-c" in namespace "ns2" exists and cannot be imported into the current release: invalid ownership metadata\n',
    code: 'OwnedByAnother',
    says: 'an object of the chart exists already and is not of this release; rename or delete one of the two: unable to continue with install: ServiceAccount "g-c" in namespace "ns2" exists and cannot be imported into the current release: invalid ownership metadata',
  },
  { stderr: 'Error: something new\n', code: 'HelmFailed', says: 'something new' },
  { stderr: '', code: 'HelmFailed', says: 'helm said nothing' },
];

const redact = (text: string): string => text.replaceAll('canary-secret-123', '•••');

describe('what helm says when it wrote nothing', () => {
  for (const { stderr, code, says } of SAMPLES) {
    it(`${code}: ${says.slice(0, 80)}`, () => {
      const failure = toHelmFailure(stderr, redact);
      assert.deepEqual({ code: failure.code, message: failure.message }, { code, message: says });
    });
  }
});

describe('an API server that helm lost while it wrote', () => {
  const URL = 'https://127.0.0.1:6443/api/v1/namespaces/a/configmaps/a?fieldManager=helm';
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['broke off', `Error: UPGRADE FAILED: server-side apply failed for object a/a: Patch "${URL}": EOF`, true],
    [
      'is away',
      `Error: INSTALLATION FAILED: Post "${URL}": dial tcp 127.0.0.1:6443: connect: connection refused`,
      true,
    ],
    ['answered', 'Error: UPGRADE FAILED: failed to create resource: admission webhook "x" denied the request', false],
    ['was not in time for helm', `Error: UPGRADE FAILED: Get "${URL}": context deadline exceeded`, false],
    ['lost a webhook', `Error: failed calling webhook "x": Post "https://x.svc:443/": connection refused`, false],
    ['was not asked', 'Error: UPGRADE FAILED: pre-upgrade hooks failed: job a failed: BackoffLimitExceeded', false],
  ];
  for (const [name, stderr, lost] of rows) {
    it(`${name}: ${lost ? 'lost' : 'not lost'}`, () => {
      assert.equal(lostCluster(stderr), lost);
    });
  }
});

describe('lastWords', () => {
  it('leaves out log lines', () => {
    const stderr =
      'level=WARN msg="upgrade failed" name=a error="failed to create resource"\nError: UPGRADE FAILED: failed to create resource: x\n';
    assert.equal(lastWords(stderr, redact), 'failed to create resource: x');
  });

  it('keeps both ends of what is too long', () => {
    const said = lastWords(`Error: begin ${'x'.repeat(2000)} end`, redact);
    assert.ok(said.length < 620 && said.startsWith('begin') && said.endsWith('end'));
  });
});
