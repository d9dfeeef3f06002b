import type { NodeId } from './ids';

/** Time as a parameter. The virtual clock of the tests and the system clock pass the same conformance suite. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. For dates that people and receipts see. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations and deadlines. */
  monotonicMs(): number;
  /** Calls `run` once after at least `delayMs`. The returned function cancels; cancelling twice is harmless. */
  after(delayMs: number, run: () => void): () => void;
  /** Calls `run` every `periodMs` until cancelled. */
  every(periodMs: number, run: () => void): () => void;
}

/** Chance as a parameter. A seeded one makes a run repeat exactly. */
export interface Chance {
  /** `count` unpredictable bytes; at most 65,536. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

/** Signs with a node's Ed25519 key (RFC 8032). The private key never leaves the adapter. */
export interface Signer {
  readonly nodeId: NodeId;
  sign(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

/** True when `signature` is a valid Ed25519 signature by `nodeId` over `bytes`. Malformed input is false, never a throw. */
export type Verify = (nodeId: NodeId, bytes: Uint8Array, signature: Uint8Array) => Promise<boolean>;
