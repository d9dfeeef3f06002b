import type { Result } from '../../base/result';
import type { CapabilityId } from '../../bus/capability';
import type { Schema } from '../../wire/gate';

/**
 * What a batch must know of one kind of deterministic job. The same payload gives the same output in every
 * implementation, which is why a node can check another's work by doing it again.
 */
export interface JobType<Output = unknown> {
  /** As manifests write it, for instance `text_stats`. */
  readonly name: string;
  /** As nodes call it, for instance `text_stats@1`. */
  readonly capability: CapabilityId;
  readonly output: Schema<Output>;
  /** Does the job. A bad payload is a failure with one line as its reason; nothing is thrown. */
  run(payload: unknown): Result<Output>;
  /** The reason code why no valid result can come of this payload, or null. */
  payloadFault(payload: unknown): string | null;
  /** Units for this output when it is valid. */
  units(output: Output): number;
  /** What a person reads. */
  text(output: Output): string;
  /** The output with every field that is a float by its type boxed, so that a score of one is written `1.0`. */
  withFloats(output: Output): unknown;
}

export type JobTypes = ReadonlyMap<string, JobType>;

export const jobTypesByName = (types: readonly JobType[]): JobTypes => new Map(types.map((type) => [type.name, type]));
