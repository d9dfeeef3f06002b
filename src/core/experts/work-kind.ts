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
 * How the results of several executors for one request become one. Only results that their own check did not reject take
 * part.
 */
export type Combining<Input = unknown, Output = unknown> =
  /** Few possible answers: a weighted vote; `confidence` (0 to 1) is how sure the model was of this one. */
  | { readonly rule: 'vote'; choice(output: Output): string; confidence(output: Output): number }
  /** Code: the result that most share, `key` being equal for equal results, then the smaller change. */
  | { readonly rule: 'patch'; key(input: Input, output: Output): string; changedLines(output: Output): number }
  /** Free text: compared in pairs by `text.judge@1` as answers to `question`. */
  | { readonly rule: 'pairwise'; question(input: Input): string }
  /** Numbers: the largest group whose members are alike. */
  | { readonly rule: 'alike'; alike(a: Output, b: Output): boolean };

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
  /** What the text answers, for those who audit what it says; absent: the kind is not audited. */
  question?(input: Input): string;
  model(output: Output): { readonly id: string; readonly hash: string; readonly engine: string } | null;
  tokens(output: Output): { readonly prompt: number; readonly completion: number } | null;
  /** The most tokens, in and out, that a request can come to, before anybody is asked; absent: none are counted. */
  mostTokens?(input: Input): number;
  /** Units for an accepted result; caps are on totals. */
  units(input: Input, output: Output): number;
  /** Absent: a request of this kind is only ever given to one executor at a time. */
  readonly combining?: Combining<Input, Output>;
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
