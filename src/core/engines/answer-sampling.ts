import type { NodeId } from '../base/ids';
import { samplingSeed, type Sampling } from './sampling';

/** What a request says about the draw, and whose the tokens are that it already has. */
export interface SampledRequest {
  readonly sampling?: { readonly temperaturePercent: number; readonly nonce: Uint8Array } | undefined;
  readonly resume?:
    | { readonly by: readonly { readonly from: number; readonly executor: NodeId; readonly jobId: string }[] }
    | undefined;
}

export interface AnswerJob {
  readonly jobId: string;
  readonly executor: NodeId;
  readonly modelHash: string;
  /** How many of the tokens that the request brought the answer continues. */
  readonly resumedTokens: number;
}

/**
 * How the tokens of an answer are drawn, for whoever generates and whoever checks: each part under the seed of its own
 * executor and job. Undefined: greedy.
 */
export function samplingOf(
  { sampling, resume }: SampledRequest,
  { jobId, executor, modelHash, resumedTokens }: AnswerJob,
): Sampling | undefined {
  if (sampling === undefined) return undefined;
  const { nonce, temperaturePercent } = sampling;
  const before = resumedTokens === 0 ? [] : (resume?.by ?? []).filter(({ from }) => from < resumedTokens);
  const parts = [...before, { from: resumedTokens, executor, jobId }];
  return {
    temperature: temperaturePercent / 100,
    seeds: parts.map((part) => ({
      from: part.from,
      seed: samplingSeed({ nonce, jobId: part.jobId, executor: part.executor, modelHash }),
    })),
  };
}
