import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withCommonMetadata } from '../../../activities/post-renderer/common-metadata.ts';
import { parseYaml } from '../../../activities/yaml.ts';

const COMMON = { labels: { team: 'shop', on: 'yes' }, annotations: { 'example.com/cost': '0644' } };

/** Values of all documents, as Kubernetes reads them. */
function valuesOf(text: string): readonly unknown[] {
  return parseYaml(text).map((document) => (document.kind === 'value' ? document.value : document));
}

interface Row {
  readonly name: string;
  readonly manifest: string;
  readonly then: readonly unknown[];
}

const both = { labels: COMMON.labels, annotations: COMMON.annotations };

const ROWS: readonly Row[] = [
  {
    name: 'an object without any',
    manifest: 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n',
    then: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...both } }],
  },
  {
    name: 'an object with others, and one of the same name',
    manifest: 'kind: A\nmetadata:\n  name: a\n  labels: { team: other, app: web }\n  annotations:\n',
    then: [{ kind: 'A', metadata: { name: 'a', ...both, labels: { app: 'web', ...COMMON.labels } } }],
  },
  {
    name: 'several objects, of which one is a hook',
    manifest: [
      'kind: A\nmetadata: { name: a }\n',
      'kind: Job\nmetadata: { name: b, annotations: { helm.sh/hook: pre-install } }\n',
      'kind: C\nmetadata: { name: c }\n',
    ].join('---\n'),
    then: [
      { kind: 'A', metadata: { name: 'a', ...both } },
      { kind: 'Job', metadata: { name: 'b', annotations: { 'helm.sh/hook': 'pre-install' } } },
      { kind: 'C', metadata: { name: 'c', ...both } },
    ],
  },
  {
    name: 'the objects of a List',
    manifest: 'kind: List\nitems:\n- { kind: A, metadata: { name: a } }\n- { kind: B, metadata: { name: b } }\n',
    then: [
      {
        kind: 'List',
        items: [
          { kind: 'A', metadata: { name: 'a', ...both } },
          { kind: 'B', metadata: { name: 'b', ...both } },
        ],
      },
    ],
  },
  {
    name: 'neither selector nor pods, also where they are written as one',
    manifest: [
      'kind: Deployment',
      'metadata: { name: a, labels: &labels { app: web } }',
      'spec: { selector: { matchLabels: *labels }, mode: 0644, on: yes }\n',
    ].join('\n'),
    then: [
      {
        kind: 'Deployment',
        metadata: { name: 'a', ...both, labels: { app: 'web', ...COMMON.labels } },
        spec: { selector: { matchLabels: { app: 'web' } }, mode: 420, true: true },
      },
    ],
  },
  {
    name: 'an object whose name looks like a list',
    manifest: 'kind: AllowList\nmetadata: { name: a }\n',
    then: [{ kind: 'AllowList', metadata: { name: 'a', ...both } }],
  },
];

describe('common metadata', () => {
  for (const { name, manifest, then } of ROWS) {
    it(`is put on ${name}`, () => {
      assert.deepEqual(valuesOf(withCommonMetadata(manifest, COMMON)), then);
    });
  }

  it('changes nothing else: what is written stays as it is written', () => {
    const data = [
      'octal: 0644',
      'bool: yes',
      "text: 'yes'",
      'version: "1.10"',
      'float: 1.0',
      'date: 2001-01-01',
      'time: 1:30',
      `long: ${'word '.repeat(60)}end`,
      'block: |',
      '  a: 1',
      '  ---',
      '  b',
    ].map((line) => `  ${line}\n`);
    const manifest = `# Source: a.yaml\nkind: A\nmetadata:\n  name: a\n  labels: {}\ndata:\n${data.join('')}`;
    const rendered = withCommonMetadata(manifest, { labels: { a: '1.0' }, annotations: {} });
    assert.equal(rendered, manifest.replace('{}', '{ a: "1.0" }'));
  });

  it('keeps what cannot stay as it is written', () => {
    const manifest = 'kind: A\nmetadata: { name: a }\nlarge: 123456789012345678\nexponent: 1e3\nfolded: >-\n  a\n  b\n';
    const rendered = withCommonMetadata(manifest, COMMON);
    assert.match(rendered, /^large: 123456789012345678$/m);
    assert.match(rendered, /^exponent: 1e\+3$/m);
    assert.match(rendered, /^folded: >-\n {2}a b$/m);
  });

  it('says so when there is something that cannot be read', () => {
    assert.throws(() => withCommonMetadata('a: [', COMMON), /at line 1/);
  });

  it('leaves alone what holds nothing', () => {
    assert.deepEqual(valuesOf(withCommonMetadata('# nothing\n', COMMON)), []);
  });
});
