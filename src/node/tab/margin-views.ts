import type { MarginMeasurements } from '#core/experts/margin-measurements';

/** By how much the devices of others differed in what this node had checked, and the very file that says so. */
export interface MarginsView {
  readonly measured: MarginMeasurements;
  readonly fileText: string;
}
