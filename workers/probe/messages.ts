import type { DeviceMeasure } from '#core/engines/device-measure';

/** What the page asks of the probe, once. */
export interface ProbeRequest {
  /** Told by the page: a worker cannot see whether a screen is touched. */
  readonly phone: boolean;
  /** `auto` takes a real GPU where there is one, else the processor; `webgpu` takes any adapter, a software one too. */
  readonly measureOn: 'auto' | 'webgpu' | 'nothing';
  /** How long the kernels may run, both together; compiling them comes on top. */
  readonly budgetMs: number;
}

/** The one answer. */
export type ProbeAnswer = DeviceMeasure;
