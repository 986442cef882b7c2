import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leaveAlone } from '../../../../activities/kube/drift/left-alone.ts';
import { isAppliedByHelm, managersOf } from '../../../../activities/kube/drift/managers.ts';
import type { Json } from '../../../../activities/kube/drift/pointer.ts';

/** As the API server tells it of a Deployment that Helm applied and somebody scaled and edited. */
const LIVE: Json = {
  metadata: {
    managedFields: [
      {
        manager: 'helm',
        operation: 'Apply',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:paused': {},
            'f:selector': {},
            'f:template': {
              'f:spec': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:name': {}, 'f:args': {} } } },
            },
          },
        },
      },
      {
        manager: 'rival',
        operation: 'Update',
        fieldsV1: {
          'f:spec': {
            'f:replicas': {},
            'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"main"}': { 'f:image': {} } } } },
          },
        },
      },
      { manager: 'controller', operation: 'Update', subresource: 'status', fieldsV1: { 'f:status': {} } },
      { manager: 'mark', operation: 'Update', fieldsV1: { 'f:metadata': { 'f:finalizers': { 'v:"a/b"': {} } } } },
    ],
    labels: { app: 'a' },
    finalizers: ['a/b'],
  },
  spec: {
    paused: false,
    replicas: 3,
    selector: { matchLabels: { app: 'a' } },
    template: { spec: { containers: [{ name: 'side' }, { name: 'main', image: 'b', args: ['x', 'y'] }] } },
  },
};

const MAIN = ['spec', 'template', 'spec', 'containers', '1'];

describe('managers of a field', () => {
  const rows: readonly (readonly [
    what: string,
    path: readonly string[],
    managers: readonly string[],
    helm: boolean,
  ])[] = [
    ['changed by another', ['spec', 'replicas'], ['rival'], false],
    ["only Helm's", ['spec', 'paused'], [], true],
    ['below one that is managed as a whole', ['spec', 'selector', 'matchLabels', 'app'], [], true],
    ['of an item that is known by its key', [...MAIN, 'image'], ['rival'], false],
    ['in a list that is managed as a whole', [...MAIN, 'args', '0'], [], true],
    ['of an item of nobody', ['spec', 'template', 'spec', 'containers', '0', 'image'], [], false],
    ['that holds fields of two', ['spec', 'template'], ['rival'], true],
    ['that is an item itself', ['metadata', 'finalizers', '0'], ['mark'], false],
    ['of a status', ['status', 'replicas'], ['controller'], false],
    ['that is gone', ['spec', 'minReadySeconds'], [], false],
  ];
  for (const [what, path, managers, helm] of rows) {
    it(`are known: one ${what}`, () => {
      assert.deepEqual(managersOf(LIVE, path), managers);
      assert.equal(isAppliedByHelm(LIVE, path), helm);
    });
  }
});

describe('what is ignored', () => {
  it("is sent as it is by now where it is Helm's, and not at all where it is another's", () => {
    const sent = { spec: { paused: true, replicas: 1, other: 'x' } };
    const ignored = [
      ['spec', 'paused'],
      ['spec', 'replicas'],
      ['spec', 'nothing'],
    ];
    assert.deepEqual(leaveAlone(sent, LIVE, ignored), { spec: { paused: false, other: 'x' } });
  });

  it('is taken out of a list from its end', () => {
    const sent = { spec: { list: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10'] } };
    const ignored = [
      ['spec', 'list', '1'],
      ['spec', 'list', '10'],
      ['spec', 'list', '2'],
    ];
    assert.deepEqual(leaveAlone(sent, LIVE, ignored), { spec: { list: ['0', '3', '4', '5', '6', '7', '8', '9'] } });
  });

  it('is taken out of what a Secret says as text, too', () => {
    const sent = { apiVersion: 'v1', kind: 'Secret', data: { a: 'YQ==' }, stringData: { a: 'a', b: 'b' } };
    assert.deepEqual(leaveAlone(sent, LIVE, [['data', 'a']]), { ...sent, data: {}, stringData: { b: 'b' } });
    const { apiVersion, kind } = sent;
    assert.deepEqual(leaveAlone(sent, LIVE, [['data']]), { apiVersion, kind });
  });

  it('changes nothing that is given', () => {
    const sent = { spec: { replicas: 1 } };
    leaveAlone(sent, LIVE, [['spec', 'replicas']]);
    assert.deepEqual(sent, { spec: { replicas: 1 } });
  });
});
