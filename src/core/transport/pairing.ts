import type { NodeId } from '../base/ids';
import type { Result } from '../base/result';
import type { IcePolicy, RawChannel } from './ports';

/** An offer or an answer lives this long: people carry codes between devices, but a forgotten one must not listen for ever. */
export const PAIRING_LIFE_MS = 10 * 60_000;

/** This side's offer, waiting for its answer. */
export interface PairingOffer {
  readonly code: string;
  /**
   * Takes the answer and resolves when the channel is open. `bad_pairing_code` and `wrong_pairing` leave the offer as it
   * was; `unreachable` (no way between the two networks), `pairing_expired` and `cancelled` end it.
   */
  accept(answer: string): Promise<Result<RawChannel>>;
  /** Emits nothing further; the connection is let go. */
  cancel(): void;
}

/** This side's answer to somebody's offer. */
export interface PairingAnswer {
  readonly code: string;
  readonly peer: NodeId;
  /** Resolves when the other side took the answer: the channel, `unreachable`, `pairing_expired` or `cancelled`. */
  readonly opened: Promise<Result<RawChannel>>;
  cancel(): void;
}

/**
 * Two nodes open a channel without any server: what a rendezvous would relay, a person carries over as text or as a
 * picture. It grants no trust; the handshake on the channel decides as on every other. Fails with `unreachable` where
 * the browser offers no address or no connection.
 */
export interface Pairing {
  offer(communityId: string, policy: IcePolicy): Promise<Result<PairingOffer>>;
  /** Also `bad_pairing_code`, `wrong_pairing` (an answer instead of an offer, one's own, another community's). */
  answer(offer: string, communityId: string, policy: IcePolicy): Promise<Result<PairingAnswer>>;
}
