import type { NodeId } from '../base/ids';
import type { Capability, CapabilityId } from '../bus/capability';
import type { CheckKind } from './route';

/** What a chunk of a streaming result adds to the answer. */
export interface Progress {
  readonly ids: readonly number[];
  readonly text: string;
  /** Present on the first chunk of a run: how many of the tokens that were shown before it continues from (0: it starts again). */
  readonly resumedTokens?: number;
  readonly modelHash?: string;
}

/** Whose tokens those shown are, from a position on: an answer that moved on has several executors. */
export interface ShownBy {
  readonly from: number;
  readonly executor: NodeId;
  readonly jobId: string;
}

/**
 * What the pipeline must know of one kind of work; a service registers it. The pipeline itself knows no capability.
 */
export interface WorkKind<Input = unknown, Output = unknown, Chunk = unknown> {
  readonly capability: Capability<Input, Output, Chunk>;
  readonly check: Exclude<CheckKind, 'none'>;
  readonly checkCapability: CapabilityId;
  progress(chunk: Chunk): Progress;
  /** The same request, continuing after tokens that were already shown; absent when the kind cannot resume. */
  resume?(input: Input, shownIds: readonly number[], modelHash: string, by: readonly ShownBy[]): Input;
  /** The requester's own check of the result against what it asked and what was streamed to it, before any validator: a reason code, or null. */
  contradiction?(input: Input, output: Output, streamedIds: readonly number[], streamedText: string): string | null;
  /** What a person reads. */
  text(output: Output): string;
  model(output: Output): { readonly id: string; readonly hash: string; readonly engine: string } | null;
  tokens(output: Output): { readonly prompt: number; readonly completion: number } | null;
  /** Units for an accepted result; caps are on totals. */
  units(input: Input, output: Output): number;
}

export type WorkKinds = ReadonlyMap<CapabilityId, WorkKind>;

/** A provider as the router sees it. */
export interface Candidate {
  readonly node: NodeId;
  readonly local: boolean;
  readonly rttMs: number | null;
  readonly runningJobs: number;
  readonly tokensPerSecond: number | null;
  readonly models: readonly { readonly id: string; readonly hash: string }[];
  readonly record: {
    readonly completed: number;
    readonly failed: number;
    readonly accepted: number;
    readonly rejected: number;
  };
}
