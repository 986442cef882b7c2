/** What becomes of attempts when a server that they need is killed, and comes back while the worker lives on. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { until } from '../support/harness.ts';
import { conditionOf, eventually, releaseHistory } from '../support/holdfast.ts';
import { nameOf, type Case } from './cases.ts';
import { endHooks, openScene, reach, settle, toolsOf, type Scene } from './scene.ts';
import { assertTruth, type Toll } from './truth.ts';

const UNHARMED: Toll = { hit: null, left: 'nothing' };
/** Whether it is known that nothing was written depends on who is back first, helm or the API server. */
const BEFORE_WRITE: readonly Toll[] = [
  { hit: 'interrupted', left: 'nothing' },
  { hit: 'noCluster', left: 'nothing' },
];
const IN_WRITE: readonly Toll[] = [
  { hit: 'interrupted', left: 'closed' },
  { hit: 'interrupted', left: 'failed' },
];

let scene: Scene;

before(async () => {
  scene = await openScene();
});

describe('a Temporal server that is killed and started again', () => {
  const ENDS: Case = { action: 'upgrade', moment: 'hook', variant: 'ends' };
  const CASES: readonly Case[] = [
    ENDS,
    { action: 'install', moment: 'hook', variant: 'lasts' },
    { action: 'install', moment: 'pull', variant: 'temporal' },
    { action: 'upgrade', moment: 'wait', variant: 'temporal' },
  ];

  before(async () => {
    const { holdfast } = scene;
    const { letGo } = await reach(scene, CASES);
    const temporal = holdfast.stack.part('temporal');
    await temporal.kill();
    await endHooks(scene, [ENDS]);
    await until(
      () => releaseHistory(holdfast, nameOf(ENDS), 'app'),
      (rows) => rows.at(-1)?.status === 'deployed',
      'a helm that ends while there is no Temporal to tell',
    );
    await temporal.start();
    letGo();
    await settle(scene, CASES);
  });

  for (const one of CASES) {
    it(`finds ${nameOf(one)} where it was`, () => assertTruth(scene, one, UNHARMED));
  }
});

describe('an API server that is killed and started again', () => {
  const rows: readonly (readonly [Case, readonly Toll[]])[] = [
    [{ action: 'install', moment: 'record', variant: 'api' }, BEFORE_WRITE],
    [{ action: 'install', moment: 'hook', variant: 'api' }, [UNHARMED, ...IN_WRITE]],
    [{ action: 'upgrade', moment: 'objects', variant: 'api' }, IN_WRITE],
    [{ action: 'upgrade', moment: 'closing', variant: 'api' }, IN_WRITE],
    [{ action: 'upgrade', moment: 'wait', variant: 'api' }, [UNHARMED]],
  ];
  const cases = rows.map(([one]) => one);

  before(async () => {
    const { letGo, forsaken } = await reach(scene, cases);
    const apiserver = scene.holdfast.stack.part('kube-apiserver');
    await apiserver.kill();
    // What was kept at the gates now finds nobody behind them.
    letGo();
    await forsaken();
    await apiserver.start();
    await settle(scene, cases);
  });

  for (const [one, tolls] of rows) {
    it(`costs ${nameOf(one)} no more than it must`, () => assertTruth(scene, one, ...tolls));
  }
});

describe('a registry that is killed and started again', () => {
  const PULLS: Case = { action: 'install', moment: 'pull', variant: 'registry' };
  const WRITES: Case = { action: 'upgrade', moment: 'hook', variant: 'registry' };

  before(async () => {
    const { holdfast } = scene;
    const { letGo } = await reach(scene, [PULLS, WRITES]);
    const registry = holdfast.stack.part('registry');
    await registry.kill();
    letGo();
    await eventually(
      holdfast,
      ['helmrelease', nameOf(PULLS), 'app'],
      (live) => conditionOf(live, 'Ready').reason === 'RegistryUnreachable',
    );
    await registry.start();
    await settle(scene, [PULLS, WRITES]);
  });

  it('is told of, and asked again', () => assertTruth(scene, PULLS, { hit: 'noRegistry', left: 'nothing' }));
  it('is nothing to those that have their chart', () => assertTruth(scene, WRITES, UNHARMED));
  it('leaves no process behind', () => {
    assert.deepEqual(toolsOf(scene), []);
  });
});
