import type { NodeId } from '#core/base/ids';
import type { Relayed } from '#signaling/relay-messages';

/** Links that one node negotiates at the same time; the oldest is forgotten first. */
const MAX_NEGOTIATIONS = 256;
/** A machine with many interfaces has some thirty candidates. */
const MAX_CANDIDATES = 64;
/** Candidates that came before their OFFER, all links together. */
const MAX_HELD = 32;

type Candidate = Extract<Relayed, { type: 'CANDIDATE' }>;

interface Negotiation {
  readonly peer: NodeId;
  candidates: number;
  /** Null once an OFFER went by; until then, candidates wait here. */
  held: Candidate[] | null;
}

export interface Passing {
  /** What may go out now, in order. */
  readonly ready: readonly Relayed[];
  readonly refusedAs: 'no_offer' | 'too_many_candidates' | null;
}

/**
 * The links that one socket negotiates, by connection id. An ANSWER or CANDIDATE passes only where an OFFER went by,
 * in either direction: the receiving PeerJS keeps candidates of unknown connections for ever, so they are never sent to
 * it. A browser may find candidates before its OFFER is out; these wait here and follow it.
 */
export interface Negotiations {
  /** An OFFER arrived for this node. */
  offered(connectionId: string, from: NodeId): void;
  /** This node sends; says what may pass. */
  sending(message: Relayed): Passing;
}

export function createNegotiations(): Negotiations {
  const byConnectionId = new Map<string, Negotiation>();
  let heldTotal = 0;

  function keep(connectionId: string, negotiation: Negotiation): void {
    forget(connectionId);
    byConnectionId.set(connectionId, negotiation);
    if (byConnectionId.size > MAX_NEGOTIATIONS) forget(byConnectionId.keys().next().value!);
  }

  function forget(connectionId: string): void {
    heldTotal -= byConnectionId.get(connectionId)?.held?.length ?? 0;
    byConnectionId.delete(connectionId);
  }

  const pass = (...ready: Relayed[]): Passing => ({ ready, refusedAs: null });
  const refuse = (refusedAs: Passing['refusedAs']): Passing => ({ ready: [], refusedAs });

  function candidate(message: Candidate): Passing {
    const { connectionId } = message.payload;
    let known = byConnectionId.get(connectionId);
    if (known === undefined) keep(connectionId, (known = { peer: message.dst, candidates: 0, held: [] }));
    if (known.peer !== message.dst) return refuse('no_offer');
    if (known.candidates >= MAX_CANDIDATES) return refuse('too_many_candidates');
    known.candidates += 1;
    if (known.held === null) return pass(message);
    if (heldTotal >= MAX_HELD) return refuse('too_many_candidates');
    known.held.push(message);
    heldTotal += 1;
    return pass();
  }

  return {
    offered(connectionId, from) {
      keep(connectionId, { peer: from, candidates: 0, held: null });
    },
    sending(message) {
      switch (message.type) {
        case 'OFFER': {
          const { connectionId } = message.payload;
          const before = byConnectionId.get(connectionId);
          const held = before?.peer === message.dst ? (before.held ?? []) : [];
          keep(connectionId, { peer: message.dst, candidates: held.length, held: null });
          return pass(message, ...held);
        }
        case 'ANSWER':
          return byConnectionId.get(message.payload.connectionId)?.peer === message.dst
            ? pass(message)
            : refuse('no_offer');
        case 'CANDIDATE':
          return candidate(message);
        default:
          return pass(message);
      }
    },
  };
}
