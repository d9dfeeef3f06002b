/**
 * One node's account as its own chain tells it up to some entry. It changes by entries of that chain alone: what others grant, settle
 * or mint counts from the entry that claims it. So whether a payer may spend never depends on what else has arrived.
 */
export interface Account {
  /** What it may owe: the founder's by the manifest, everyone else's by grants that it claimed. */
  readonly limitMicros: number;
  /** Of that limit, what it granted to others. */
  readonly carvedMicros: number;
  /** Claimed from closed settlements and mints. */
  readonly earnedMicros: number;
  /** Set aside in reservations whose closing it did not claim yet. */
  readonly heldMicros: number;
  /** Charged by closings that it claimed. */
  readonly spentMicros: number;
}

export const emptyAccount = (limitMicros: number): Account => ({
  limitMicros,
  carvedMicros: 0,
  earnedMicros: 0,
  heldMicros: 0,
  spentMicros: 0,
});

/** What it can still promise. Never below 0 on a chain whose entries were all accepted. */
export const availableMicros = ({
  limitMicros,
  carvedMicros,
  earnedMicros,
  heldMicros,
  spentMicros,
}: Account): number => limitMicros - carvedMicros + earnedMicros - heldMicros - spentMicros;
