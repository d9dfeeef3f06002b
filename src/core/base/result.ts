/** A value, or an expected failure. Code in the mesh throws only for its own bugs. */
export type Result<T, E = Failure> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/**
 * An expected failure as plain data. `code` is stable and machine-readable, `message` is one sentence for the person at
 * this device, `peerMessage` is what another node may learn (never more than `code` when absent).
 */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly peerMessage?: string;
}

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });

export const fail = (
  code: string,
  message: string,
  peerMessage?: string,
): { readonly ok: false; readonly error: Failure } =>
  err(peerMessage === undefined ? { code, message } : { code, message, peerMessage });

/** The value, or a thrown Error: for the edges (command line, tests) where a failure ends the run. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.error.code}: ${result.error.message}`);
}
