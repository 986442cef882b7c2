/** What the benchmarks answer, as it is kept: seconds, MiB, and nothing of the machine's names. */
import type { BareResult } from './bare.ts';
import type { HoldfastCpu, HoldfastMemory } from './holdfast.ts';

export interface Comparison {
  readonly benchmark: 'install' | 'upgrade';
  readonly releases: number;
  /** Helms at a time, on both sides. */
  readonly helms: number;
  readonly bare: { readonly before: BareResult; readonly after: BareResult };
  readonly holdfast: {
    readonly seconds: number;
    readonly cpuSeconds: HoldfastCpu;
    readonly peakMemoryMib: HoldfastMemory;
  };
}

export interface Idle {
  readonly benchmark: 'idle';
  readonly releases: number;
  readonly seconds: number;
  /** In that time, of all releases together. */
  readonly looks: number;
  readonly cpuSeconds: HoldfastCpu;
  /** The same releases for as long, with nothing to look at: what an idle server and worker take anyway. */
  readonly background: { readonly seconds: number; readonly cpuSeconds: HoldfastCpu };
  readonly peakMemoryMib: HoldfastMemory;
}

export interface NeverReady {
  readonly benchmark: 'never-ready';
  /** All of them. */
  readonly releases: number;
  /** Those that never get ready. */
  readonly stuck: number;
  /** From apply until each of the others is Ready, without the stuck ones and beside them. */
  readonly seconds: { readonly alone: number; readonly beside: number };
  readonly peakMemoryMib: HoldfastMemory;
}

export interface Chain {
  readonly benchmark: 'chain';
  readonly releases: number;
  /** One helm after the other. */
  readonly bare: Comparison['bare'];
  readonly holdfast: { readonly seconds: number };
}

/** What followed one push. */
export interface Push {
  /** From the commit until all that it changed is Ready. */
  readonly seconds: number;
  readonly cpuSeconds: HoldfastCpu;
  readonly attempts: number;
}

export interface Thousand {
  readonly benchmark: '1000';
  readonly releases: number;
  readonly install: Push;
  /** Of all of them. */
  readonly upgrade: Push;
  /** Of one. */
  readonly change: Push;
  readonly peakMemoryMib: HoldfastMemory;
}

export type Result = Comparison | Idle | NeverReady | Chain | Thousand;

/** How many times as long as alone the others take. */
export function besideRatio({ seconds }: NeverReady): number {
  return seconds.beside / seconds.alone;
}

/** Bare helm is measured before and after Holdfast, since a machine is not equally fast all the time. */
export function bareMean({ bare: { before, after } }: Pick<Comparison, 'bare'>): BareResult {
  return {
    seconds: (before.seconds + after.seconds) / 2,
    helmCpuSeconds: (before.helmCpuSeconds + after.helmCpuSeconds) / 2,
  };
}

/** How many times as long as bare helm. */
export function timeRatio(result: Comparison): number {
  return result.holdfast.seconds / bareMean(result).seconds;
}

/** CPU seconds of worker and Temporal server for each release, Helm excluded. */
export function cpuPerRelease({ releases, holdfast: { cpuSeconds } }: Comparison): number {
  return both(cpuSeconds) / releases;
}

/** The same, for each CPU second that bare helm takes: how much that is does not depend on the machine's speed. */
export function cpuRatio(result: Comparison): number {
  return (cpuPerRelease(result) * result.releases) / bareMean(result).helmCpuSeconds;
}

/** CPU seconds of worker and Temporal server for each look: what they use beyond the same time without looks. */
export function cpuPerLook({ looks, seconds, cpuSeconds, background }: Idle): number {
  const idle = (both(background.cpuSeconds) * seconds) / background.seconds;
  return (both(cpuSeconds) - idle) / looks;
}

/** What each link takes beyond the time of its helm. */
export function secondsPerLevel(result: Chain): number {
  return (result.holdfast.seconds - bareMean(result).seconds) / result.releases;
}

function both({ worker, temporal }: HoldfastCpu): number {
  return worker + temporal;
}
