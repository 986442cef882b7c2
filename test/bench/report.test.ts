import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toEntry, toJson } from '../../bench/record.ts';
import { describeResult } from '../../bench/report.ts';
import type { Chain, Comparison, Idle, NeverReady, Thousand } from '../../bench/results.ts';

const comparison: Comparison = {
  benchmark: 'install',
  releases: 100,
  helms: 4,
  bare: { before: { seconds: 9, helmCpuSeconds: 10 }, after: { seconds: 11, helmCpuSeconds: 14 } },
  holdfast: {
    seconds: 13,
    cpuSeconds: { helm: 9, worker: 4, temporal: 2.51234 },
    peakMemoryMib: { worker: 301.4, temporal: 199.6 },
  },
};

const idle: Idle = {
  benchmark: 'idle',
  releases: 50,
  seconds: 60,
  looks: 300,
  cpuSeconds: { helm: 0, worker: 3, temporal: 1.5 },
  background: { seconds: 60, cpuSeconds: { helm: 0, worker: 0.3, temporal: 0.6 } },
  peakMemoryMib: { worker: 250, temporal: 200 },
};

const neverReady: NeverReady = {
  benchmark: 'never-ready',
  releases: 60,
  stuck: 12,
  seconds: { alone: 20, beside: 25 },
  peakMemoryMib: { worker: 250, temporal: 200 },
};

const chain: Chain = {
  benchmark: 'chain',
  releases: 10,
  bare: { before: { seconds: 9, helmCpuSeconds: 4 }, after: { seconds: 11, helmCpuSeconds: 4 } },
  holdfast: { seconds: 12.5 },
};

const thousand: Thousand = {
  benchmark: '1000',
  releases: 1000,
  install: { seconds: 200, cpuSeconds: { helm: 90, worker: 60, temporal: 70 }, attempts: 1000 },
  upgrade: { seconds: 250, cpuSeconds: { helm: 110, worker: 55, temporal: 65 }, attempts: 1000 },
  change: { seconds: 2.25, cpuSeconds: { helm: 0.2, worker: 0.5, temporal: 0.3 }, attempts: 1 },
  peakMemoryMib: { worker: 700, temporal: 400 },
};

describe('a report', () => {
  it('of a comparison sets Holdfast against the mean of both runs of bare helm', () => {
    assert.equal(
      describeResult(comparison),
      [
        'install of 100 releases, 4 helms at a time',
        '',
        '                                bare helm  Holdfast  ratio   budget',
        'time                            10.0 s     13.0 s    1.30 x  1.5 x',
        'CPU of helm                     12.0 s     9.0 s     0.75 x',
        'CPU of the worker                          4.0 s',
        'CPU of Temporal                            2.5 s',
        'CPU of helm, per release        0.120 s    0.090 s',
        'CPU of the worker, per release             0.040 s',
        'CPU of Temporal, per release               0.025 s',
        'CPU of both, per release                   0.065 s   0.54 x  1.1 x',
        'peak memory of the worker                  301 MiB',
        'peak memory of Temporal                    200 MiB',
        '',
        "Bare helm ran twice: 9.0 s before, 11.0 s after. Holdfast's helm includes oras. CPU of both is set against that of bare helm.",
      ].join('\n'),
    );
  });

  it('of idle releases counts for each look what was used beyond the time without looks', () => {
    assert.equal(
      describeResult(idle),
      [
        '300 looks at 50 releases in 60.0 s',
        '',
        '                           without looks  with looks  per look  budget',
        'CPU of the worker          0.3 s          3.0 s',
        'CPU of Temporal            0.6 s          1.5 s',
        'CPU of both                0.9 s          4.5 s       0.012 s   0.030 s',
        'peak memory of the worker                 250 MiB',
        'peak memory of Temporal                   200 MiB',
      ].join('\n'),
    );
  });
});

describe('a report of releases that never get ready', () => {
  it('sets the others against themselves alone', () => {
    assert.equal(
      describeResult(neverReady),
      [
        'install of 60 releases, 12 of which never get ready',
        '',
        '                           alone   beside them  ratio   budget',
        'time of the 48 others      20.0 s  25.0 s       1.25 x  1.3 x',
        'peak memory of the worker          250 MiB',
        'peak memory of Temporal            200 MiB',
      ].join('\n'),
    );
  });
});

describe('many releases of one repository', () => {
  it('are reported by what each push led to', () => {
    assert.equal(
      describeResult(thousand),
      [
        '1000 releases of one Git repository',
        '',
        'one push      attempts  time     CPU of helm  CPU of the worker  CPU of Temporal',
        'installs all  1000      200.0 s  90.0 s       60.0 s             70.0 s',
        'upgrades all  1000      250.0 s  110.0 s      55.0 s             65.0 s',
        'changes one   1         2.3 s    0.2 s        0.5 s              0.3 s',
        '',
        'Peak memory: 700 MiB of the worker, 400 MiB of Temporal.',
      ].join('\n'),
    );
  });
});

describe('a chain', () => {
  it('is reported by what each level takes beyond its helm', () => {
    assert.equal(
      describeResult(chain),
      [
        'a chain of 10 releases',
        '',
        '      bare helm  Holdfast  per level  budget',
        'time  10.0 s     12.5 s    0.250 s    0.300 s',
        '',
        'Bare helm ran twice: 9.0 s before, 11.0 s after.',
      ].join('\n'),
    );
  });
});

describe('a record', () => {
  const about = {
    date: '2030-01-02T03:04:05.678Z',
    machine: { platform: 'linux x64', cores: 2, cpu: 'a processor', memoryGib: 24, load: 0.1 },
    versions: { holdfast: '1.2.3', node: '24.0.0', helm: '4.0.0', kubernetes: '1.37.0', temporal: '1.5.0' },
  };

  it('of a comparison begins with what the budgets are about', () => {
    const { summary } = toEntry(comparison, about);
    assert.deepEqual(summary, {
      timeRatio: 1.3,
      cpuRatio: 0.543,
      cpuSecondsPerRelease: 0.0651,
      helmCpuSecondsPerRelease: 0.09,
    });
  });

  it('of a chain has what each level takes', () => {
    assert.deepEqual(toEntry(chain, about).summary, { secondsPerLevel: 0.25 });
  });

  it('of a thousand has how many attempts one change led to', () => {
    assert.deepEqual(toEntry(thousand, about).summary, { attemptsOfOneChange: 1 });
  });

  it('is JSON of numbers that can be read', () => {
    const json = toJson(toEntry(comparison, about));
    assert.match(json, /"temporal": 2.5123\n/);
    assert.deepEqual(JSON.parse(toJson(toEntry(idle, about))), {
      ...about,
      summary: { cpuSecondsPerLook: 0.012 },
      result: idle,
    });
  });
});
