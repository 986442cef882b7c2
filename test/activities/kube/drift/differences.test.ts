import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differences } from '../../../../activities/kube/drift/differences.ts';
import { parsePointer, toPointer, type Json } from '../../../../activities/kube/drift/pointer.ts';

interface Row {
  readonly name: string;
  readonly live: Json;
  readonly wanted: Json;
  readonly ignore?: readonly string[];
  readonly then: readonly string[];
}

const container = (image: string, more: Json = {}) => ({ spec: { containers: [{ name: 'main', image, ...more }] } });

const ROWS: readonly Row[] = [
  { name: 'the same', live: container('a'), wanted: container('a'), then: [] },
  {
    name: 'what the server writes',
    live: {
      metadata: { name: 'a', resourceVersion: '1', generation: 1, managedFields: [{ manager: 'a' }] },
      status: 1,
    },
    wanted: { metadata: { name: 'a', resourceVersion: '2', generation: 2, uid: 'u' }, status: { ready: true } },
    then: [],
  },
  { name: 'another value', live: container('b'), wanted: container('a'), then: ['/spec/containers/0/image'] },
  {
    name: 'another type',
    live: { data: { a: '1' }, b: null },
    wanted: { data: { a: 1 }, b: {} },
    then: ['/b', '/data/a'],
  },
  {
    name: 'what is missing, once, as high up as it begins',
    live: { metadata: {}, spec: {} },
    wanted: { metadata: { labels: { 'a/b': 'c~d' } }, spec: { template: { spec: { a: 1, b: 2 } } } },
    then: ['/metadata/labels', '/spec/template'],
  },
  {
    name: 'names with what pointers are made of',
    live: { metadata: { annotations: { 'a.example.com/b': '1', 'c~d': '1' } } },
    wanted: { metadata: { annotations: { 'a.example.com/b': '2', 'c~d': '2' } } },
    then: ['/metadata/annotations/a.example.com~1b', '/metadata/annotations/c~0d'],
  },
  {
    name: 'what somebody added where Helm wants no more',
    live: { spec: { args: ['a', 'b', 'c'] } },
    wanted: { spec: { args: ['a', 'x'] } },
    then: ['/spec/args/1', '/spec/args/2'],
  },
  {
    name: 'an ignored field, and another one beside it',
    live: { spec: { replicas: 3, paused: true } },
    wanted: { spec: { replicas: 1, paused: false } },
    ignore: ['/spec/replicas'],
    then: ['/spec/paused'],
  },
  {
    name: 'all below an ignored field',
    live: container('b', { env: [] }),
    wanted: container('a'),
    ignore: ['/spec/containers'],
    then: [],
  },
  {
    name: 'an ignored item of a list, and one of the same beginning',
    live: { spec: { a: Array.from({ length: 11 }, () => 1) } },
    wanted: { spec: { a: Array.from({ length: 11 }, (_, index) => (index === 1 || index === 10 ? 2 : 1)) } },
    ignore: ['/spec/a/1'],
    then: ['/spec/a/10'],
  },
  {
    name: 'an ignored field that is only in the cluster',
    live: { spec: { a: 1, b: 2 } },
    wanted: { spec: { a: 1 } },
    ignore: ['/spec/b'],
    then: [],
  },
  { name: 'the whole object, ignored', live: { a: 1 }, wanted: { a: 2 }, ignore: [''], then: [] },
  { name: 'a field that is nowhere, ignored', live: { a: 1 }, wanted: { a: 2 }, ignore: ['/b/c'], then: ['/a'] },
];

describe('differences', () => {
  for (const { name, live, wanted, ignore = [], then } of ROWS) {
    it(`are found in ${name}`, () => {
      const ignored = ignore.map((text) => {
        const path = parsePointer(text);
        assert.ok(path);
        return path;
      });
      assert.deepEqual(differences(live, wanted, ignored).map(toPointer), then);
    });
  }

  it('no text that begins otherwise is a pointer', () => {
    assert.equal(parsePointer('spec/replicas'), null);
    assert.deepEqual(parsePointer('/a~1b/~01'), ['a/b', '~1']);
  });
});
