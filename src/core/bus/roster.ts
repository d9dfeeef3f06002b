import { createEmitter, type EventSource } from '../base/events';
import type { NodeId } from '../base/ids';
import type { Link } from '../transport/ports';
import type { CapabilityId } from './capability';
import type { NodeCard } from './messages';

/** How many outcomes of a peer are remembered: enough to tell a habit from an accident. */
const OUTCOMES_KEPT = 32;
/** A peer whose last calls failed this often in a row is left alone for a while. */
const QUARANTINE_AFTER_FAILURES = 4;
export const QUARANTINE_MS = 30_000;
/** Whose work was rejected is not asked again for this long: a lie is no accident. */
export const REJECTED_QUARANTINE_MS = 60 * 60_000;

export type Outcome = 'completed' | 'failed' | 'silent' | 'accepted' | 'rejected';

export interface PeerRecord {
  readonly completed: number;
  readonly failed: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly assigned: number;
}

export interface RosterEntry {
  readonly node: NodeId;
  readonly card: NodeCard | null;
  readonly state: 'available' | 'busy' | 'offline';
  /** Silent or failing: neither chosen for work nor drawn as a validator. */
  readonly avoided: boolean;
  readonly rttMs: number | null;
  readonly heartbeats: number;
  readonly record: PeerRecord;
}

/** Everyone this node knows of in the community, linked now or before, with what they offer and how they did. */
export interface Roster {
  readonly changed: EventSource<NodeId>;
  entries(): readonly RosterEntry[];
  get(node: NodeId): RosterEntry | null;
  /** Linked peers that offer the capability and are not avoided. */
  offering(capability: CapabilityId): readonly RosterEntry[];
  linked(link: Link): void;
  unlinked(node: NodeId): void;
  /** The link's state changed: the peer fell silent or is heard again. */
  linkChanged(node: NodeId): void;
  /** A new card; false for a sequence number that does not grow (a replay). */
  announced(node: NodeId, card: NodeCard): boolean;
  /** Any message from the peer ends its silence. */
  heard(node: NodeId): void;
  assigned(node: NodeId): void;
  outcome(node: NodeId, outcome: Outcome, nowMs: number): void;
  forget(node: NodeId): void;
}

interface Known {
  link: Link | null;
  card: NodeCard | null;
  silent: boolean;
  heartbeats: number;
  failuresInRow: number;
  quarantinedUntilMs: number;
  assigned: number;
  outcomes: Outcome[];
}

/** Peers that left are kept for the record up to this number; the longest gone are dropped first. */
const MAX_KNOWN = 512;

export function createRoster(nowMs: () => number): Roster {
  const known = new Map<NodeId, Known>();
  const changed = createEmitter<NodeId>();

  function at(node: NodeId): Known {
    const found = known.get(node);
    if (found) return found;
    const fresh: Known = {
      link: null,
      card: null,
      silent: false,
      heartbeats: 0,
      failuresInRow: 0,
      quarantinedUntilMs: 0,
      assigned: 0,
      outcomes: [],
    };
    known.set(node, fresh);
    if (known.size > MAX_KNOWN) {
      const gone = [...known].find(([, entry]) => entry.link === null);
      if (gone) known.delete(gone[0]);
    }
    return fresh;
  }

  function view(node: NodeId, entry: Known): RosterEntry {
    const live = entry.link !== null && entry.link.state !== 'closed';
    const suspect = entry.link?.state === 'suspect';
    const count = (outcome: Outcome) => entry.outcomes.filter((one) => one === outcome).length;
    return {
      node,
      card: live ? entry.card : null,
      state: !live || suspect ? 'offline' : (entry.card?.runningJobs ?? 0) > 0 ? 'busy' : 'available',
      avoided: suspect || entry.silent || entry.quarantinedUntilMs > nowMs(),
      rttMs: live ? (entry.link?.rttMs ?? null) : null,
      heartbeats: entry.heartbeats,
      record: {
        completed: count('completed'),
        failed: count('failed') + count('silent'),
        accepted: count('accepted'),
        rejected: count('rejected'),
        assigned: entry.assigned,
      },
    };
  }

  return {
    changed,
    entries: () => [...known].map(([node, entry]) => view(node, entry)),
    get(node) {
      const entry = known.get(node);
      return entry ? view(node, entry) : null;
    },
    offering(capability) {
      const found: RosterEntry[] = [];
      for (const [node, entry] of known) {
        if (!entry.link || !entry.card?.capabilities.includes(capability)) continue;
        const seen = view(node, entry);
        if (seen.state !== 'offline' && !seen.avoided) found.push(seen);
      }
      return found;
    },
    linked(link) {
      const entry = at(link.peer);
      entry.link = link;
      // A new link begins a new run of the peer's card: its sequence starts again.
      entry.card = null;
      entry.silent = false;
      changed.emit(link.peer);
    },
    unlinked(node) {
      const entry = at(node);
      entry.link = null;
      entry.card = null;
      changed.emit(node);
    },
    linkChanged: (node) => changed.emit(node),
    announced(node, card) {
      const entry = at(node);
      if (entry.card && card.seq <= entry.card.seq) return false;
      entry.card = card;
      entry.heartbeats += 1;
      changed.emit(node);
      return true;
    },
    heard(node) {
      const entry = known.get(node);
      if (entry?.silent) {
        entry.silent = false;
        changed.emit(node);
      }
    },
    assigned(node) {
      at(node).assigned += 1;
    },
    outcome(node, outcome, now) {
      const entry = at(node);
      entry.outcomes.push(outcome);
      if (entry.outcomes.length > OUTCOMES_KEPT) entry.outcomes.shift();
      if (outcome === 'silent') entry.silent = true;
      if (outcome === 'completed' || outcome === 'accepted') entry.failuresInRow = 0;
      else entry.failuresInRow += 1;
      if (outcome === 'rejected') entry.quarantinedUntilMs = now + REJECTED_QUARANTINE_MS;
      else if (entry.failuresInRow >= QUARANTINE_AFTER_FAILURES) {
        entry.quarantinedUntilMs = Math.max(entry.quarantinedUntilMs, now + QUARANTINE_MS);
      }
      changed.emit(node);
    },
    forget(node) {
      known.delete(node);
      changed.emit(node);
    },
  };
}
