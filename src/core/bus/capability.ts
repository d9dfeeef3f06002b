import type { NodeId } from '../base/ids';
import type { Result } from '../base/result';
import type { TrustLevel } from '../transport/ports';
import type { Schema } from '../wire/gate';

/** `name@version`, for instance `llm.chat@1`. */
export type CapabilityId = `${string}@${number}`;

export const CAPABILITY_PATTERN = /^[a-z][a-z0-9_.]{0,47}@[1-9][0-9]{0,3}$/;

/**
 * A service's contract: what goes in, what comes out, what streams in between, who may call. Input, output and chunk
 * are checked on both sides; what fails is never seen by the handler or the caller.
 */
export interface Capability<Input, Output, Chunk = never> {
  readonly id: CapabilityId;
  readonly input: Schema<Input>;
  readonly output: Schema<Output>;
  /** Absent when the capability does not stream. A chunk takes at most 8 KiB: several travel in one message. */
  readonly chunk?: Schema<Chunk>;
  /** The least trust that a caller needs. */
  readonly trust: TrustLevel;
  /** How long a call may take when the caller names no deadline. */
  readonly timeoutMs: number;
  /** The flag of the research feature that this belongs to; the bus refuses it while the flag is off. */
  readonly research?: string;
}

export interface JobContext {
  readonly jobId: string;
  readonly requester: NodeId;
  /** This node does the work for itself alone, and nobody will check the result. */
  readonly unchecked?: true;
}

/** What a handler knows about the call that it serves. */
export interface CallContext<Chunk> {
  readonly caller: NodeId;
  /** True when the caller is this very node. */
  readonly local: boolean;
  readonly callId: string;
  /** The job that this call does, when the executor of this node called: what its result will be committed to. */
  readonly job?: JobContext;
  /** Aborts when the caller cancels, its deadline passes or the link is lost. */
  readonly signal: AbortSignal;
  /** Streams one part; ignored after the call ended. */
  emit(chunk: Chunk): void;
}

export type Handler<Input, Output, Chunk = never> = (
  input: Input,
  context: CallContext<Chunk>,
) => Promise<Result<Output>>;

/** A capability with the code behind it, loaded when it is first called. */
export interface ServiceDefinition<Input = unknown, Output = unknown, Chunk = never> {
  readonly capability: Capability<Input, Output, Chunk>;
  load(): Promise<Handler<Input, Output, Chunk>>;
}

export const defineCapability = <Input, Output, Chunk = never>(
  capability: Capability<Input, Output, Chunk>,
): Capability<Input, Output, Chunk> => capability;
