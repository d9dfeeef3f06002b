import type { NodeId } from '#core/base/ids';

/** A job that an honest node did for credit. */
export interface DoneJob {
  readonly jobId: string;
  readonly reservation: string;
  readonly payer: NodeId;
  readonly payee: NodeId;
  readonly isPayerHonest: boolean;
  readonly chargeMicros: number;
  /** The payee was shown a certificate. */
  readonly isCertified: boolean;
  readonly wasCut: boolean;
  readonly atMs: number;
}

/** Two entries of one payer for one place, each shown to an honest node. */
export interface DoubleSpend {
  readonly payer: NodeId;
  readonly seq: number;
  /** By entry: what its payer had to show for it, and how many honest payees worked for it. */
  readonly entries: Map<string, { taken: number; isCertified: boolean }>;
}

/** A payee that did nothing asks to be paid before it lets the reservation go, or afterwards. */
export type Grabbing = 'before' | 'after';

/** What only whoever looks at all nodes at once can know. */
export interface Book {
  readonly jobs: DoneJob[];
  /** Places at which an adversary tried to pay, by `payer/seq`. */
  readonly spends: Map<string, DoubleSpend>;
  /** When an honest node first had the second history of a forger. */
  readonly forgedMs: Map<NodeId, number>;
  /** When each honest node had the proof, by forger. */
  readonly provedMs: Map<NodeId, Map<NodeId, number>>;
  /** Jobs that were asked for, and what became of those that nobody was paid for. */
  asked: number;
  favours: number;
  refused: number;
  interrupted: number;
  /** Reservations of honest payers with payees that did nothing for them, by how these went about it. */
  readonly grabbed: Map<string, Grabbing>;
  /** The same while the mesh was cut. */
  askedCut: number;
  favoursCut: number;
}

export const openBook = (): Book => ({
  jobs: [],
  spends: new Map(),
  forgedMs: new Map(),
  provedMs: new Map(),
  asked: 0,
  favours: 0,
  refused: 0,
  interrupted: 0,
  grabbed: new Map(),
  askedCut: 0,
  favoursCut: 0,
});
