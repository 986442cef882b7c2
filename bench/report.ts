/** Results as a person reads them. */
import { alignColumns } from '../stack/table.ts';
import {
  bareMean,
  besideRatio,
  cpuPerLook,
  cpuPerRelease,
  cpuRatio,
  secondsPerLevel,
  timeRatio,
  type Chain,
  type Comparison,
  type Idle,
  type NeverReady,
  type Push,
  type Result,
  type Thousand,
} from './results.ts';

/**
 * What must hold on two cores. CPU of a release is 0.12 s on machines where that of bare helm is 0.11 s; as a ratio it
 * holds on others as well.
 */
export const BUDGETS = {
  timeRatio: 1.5,
  cpuRatio: 1.1,
  cpuPerLook: 0.03,
  besideRatio: 1.3,
  secondsPerLevel: 0.3,
} as const;

export function describeResult(result: Result): string {
  return linesOf(result).join('\n');
}

function linesOf(result: Result): readonly string[] {
  switch (result.benchmark) {
    case 'idle':
      return describeIdle(result);
    case 'never-ready':
      return describeNeverReady(result);
    case 'chain':
      return describeChain(result);
    case '1000':
      return describeThousand(result);
    case 'install':
    case 'upgrade':
      return describeComparison(result);
  }
}

function describeChain(result: Chain): readonly string[] {
  const { releases, bare, holdfast } = result;
  const mean = bareMean(result).seconds;
  const level = perItem(secondsPerLevel(result));
  return [
    `a chain of ${releases} releases`,
    '',
    ...alignColumns([
      ['', 'bare helm', 'Holdfast', 'per level', 'budget'],
      ['time', seconds(mean), seconds(holdfast.seconds), level, perItem(BUDGETS.secondsPerLevel)],
    ]),
    '',
    `Bare helm ran twice: ${seconds(bare.before.seconds)} before, ${seconds(bare.after.seconds)} after.`,
  ];
}

function describeComparison(result: Comparison): readonly string[] {
  const { benchmark, releases, helms, bare, holdfast } = result;
  const mean = bareMean(result);
  const { cpuSeconds: cpu, peakMemoryMib: memory } = holdfast;
  const each = (total: number): string => perItem(total / releases);
  const rounds = `${seconds(bare.before.seconds)} before, ${seconds(bare.after.seconds)} after`;
  return [
    `${benchmark} of ${releases} releases, ${helms} helms at a time`,
    '',
    ...alignColumns([
      ['', 'bare helm', 'Holdfast', 'ratio', 'budget'],
      ['time', seconds(mean.seconds), seconds(holdfast.seconds), ratio(timeRatio(result)), `${BUDGETS.timeRatio} x`],
      ['CPU of helm', seconds(mean.helmCpuSeconds), seconds(cpu.helm), ratio(cpu.helm / mean.helmCpuSeconds), ''],
      ['CPU of the worker', '', seconds(cpu.worker), '', ''],
      ['CPU of Temporal', '', seconds(cpu.temporal), '', ''],
      ['CPU of helm, per release', each(mean.helmCpuSeconds), each(cpu.helm), '', ''],
      ['CPU of the worker, per release', '', each(cpu.worker), '', ''],
      ['CPU of Temporal, per release', '', each(cpu.temporal), '', ''],
      [
        'CPU of both, per release',
        '',
        perItem(cpuPerRelease(result)),
        ratio(cpuRatio(result)),
        `${BUDGETS.cpuRatio} x`,
      ],
      ['peak memory of the worker', '', mib(memory.worker), '', ''],
      ['peak memory of Temporal', '', mib(memory.temporal), '', ''],
    ]),
    '',
    `Bare helm ran twice: ${rounds}. Holdfast's helm includes oras. CPU of both is set against that of bare helm.`,
  ];
}

function describeIdle(result: Idle): readonly string[] {
  const { releases, looks, cpuSeconds: cpu, background, peakMemoryMib: memory } = result;
  const idle = background.cpuSeconds;
  return [
    `${looks} looks at ${releases} releases in ${seconds(result.seconds)}`,
    '',
    ...alignColumns([
      ['', 'without looks', 'with looks', 'per look', 'budget'],
      ['CPU of the worker', seconds(idle.worker), seconds(cpu.worker), '', ''],
      ['CPU of Temporal', seconds(idle.temporal), seconds(cpu.temporal), '', ''],
      [
        'CPU of both',
        seconds(idle.worker + idle.temporal),
        seconds(cpu.worker + cpu.temporal),
        perItem(cpuPerLook(result)),
        perItem(BUDGETS.cpuPerLook),
      ],
      ['peak memory of the worker', '', mib(memory.worker), '', ''],
      ['peak memory of Temporal', '', mib(memory.temporal), '', ''],
    ]),
  ];
}

function describeNeverReady(result: NeverReady): readonly string[] {
  const { releases, stuck, peakMemoryMib: memory } = result;
  const { alone, beside } = result.seconds;
  const budget = `${BUDGETS.besideRatio} x`;
  return [
    `install of ${releases} releases, ${stuck} of which never get ready`,
    '',
    ...alignColumns([
      ['', 'alone', 'beside them', 'ratio', 'budget'],
      [`time of the ${releases - stuck} others`, seconds(alone), seconds(beside), ratio(besideRatio(result)), budget],
      ['peak memory of the worker', '', mib(memory.worker), '', ''],
      ['peak memory of Temporal', '', mib(memory.temporal), '', ''],
    ]),
  ];
}

function describeThousand(result: Thousand): readonly string[] {
  const { releases, install, upgrade, change, peakMemoryMib: memory } = result;
  const row = (what: string, push: Push): readonly string[] => {
    const { helm, worker, temporal } = push.cpuSeconds;
    return [what, String(push.attempts), ...[push.seconds, helm, worker, temporal].map(seconds)];
  };
  return [
    `${releases} releases of one Git repository`,
    '',
    ...alignColumns([
      ['one push', 'attempts', 'time', 'CPU of helm', 'CPU of the worker', 'CPU of Temporal'],
      row('installs all', install),
      row('upgrades all', upgrade),
      row('changes one', change),
    ]),
    '',
    `Peak memory: ${mib(memory.worker)} of the worker, ${mib(memory.temporal)} of Temporal.`,
  ];
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function perItem(value: number): string {
  return `${value.toFixed(3)} s`;
}

function ratio(value: number): string {
  return `${value.toFixed(2)} x`;
}

function mib(value: number): string {
  return `${Math.round(value)} MiB`;
}
