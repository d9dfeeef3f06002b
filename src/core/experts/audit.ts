import { fraction } from '../base/chance';
import type { Chance } from '../base/ports';
import type { Evidence, VerdictStatement } from '../ledger/statements';
import { suspicionOf } from './validators/sequential-test';

/** How often the answers of a node are checked, so that cheating does not pay. Formulas and reasons: docs/spec/checking.md. */

/** Jobs of a node and model that are all checked before any goes unchecked. */
export const SURE_JOBS = 10;
/** What cheating saves at most of what an answer pays: the pass of the small model and the waiting remain. */
export const MOST_SAVED = 0.8;
/** The least detection that the check is built for: a lie on the last quarter of 256 tokens, missing grossly 10 % of the time. */
export const LEAST_DETECTION = 0.9;
/** The floor is this many times what would make cheating worth nothing, so it still loses when less than half of it is seen. */
export const SAFETY = 2;
/** Whatever the stake: at one in twenty a node that cheats always is still seen within fifty jobs in 9 cases of 10. */
export const LEAST_RATE = 0.05;
/**
 * Suspicion that counts as a failure: four gross misses with few good tokens between them. The worst honest device reaches it once in a
 * million answers of 256 tokens; a liar that misses grossly 10 % of the time after about fifty tokens, of however many answers.
 */
export const SUSPICION_LIMIT = 80;
/** Whom nobody looked at for a week is looked at with the next answer, checked or challenged: what it was says little of what it is. */
export const LOOK_LIFE_MS = 7 * 24 * 60 * 60_000;

/** What the checks of one node with one model came to. */
export interface AuditRecord {
  /** Accepted since the last failure, by requester and validator from outside the node's invite branch. */
  readonly counted: number;
  /** What the misses of these answers together speak against the node; never below 0. */
  readonly suspicion: number;
  readonly failures: number;
  /** When it was last checked from outside its branch, or challenged, in epoch milliseconds; null where it never was. */
  readonly lookedAt: number | null;
}

export const NO_RECORD: AuditRecord = { counted: 0, suspicion: 0, failures: 0, lookedAt: null };

export interface CheckedOutcome {
  /** What the verdicts together came to; a rejection must be settled, one validator's voice is none. */
  readonly verdict: VerdictStatement['verdict'];
  /** True when requester and validator both lie outside the node's invite branch: one's own friends prove nothing. */
  readonly outsideBranch: boolean;
  /** The figures of the accepting validator, where tokens were looked at. */
  readonly evidence?: Pick<Evidence, 'positions' | 'gross' | 'soft'>;
}

/**
 * The record after one more check. A rejection starts the count again, whoever saw it; so does suspicion at its limit, although
 * every single answer was accepted. What the node's own branch accepts neither counts nor clears. `undecided` changes nothing.
 */
export function recordOutcome(record: AuditRecord, { verdict, outsideBranch, evidence }: CheckedOutcome): AuditRecord {
  const failed: AuditRecord = { ...record, counted: 0, suspicion: 0, failures: record.failures + 1 };
  if (verdict === 'rejected') return failed;
  if (verdict === 'undecided' || !outsideBranch) return record;
  const added = evidence === undefined ? 0 : suspicionOf(evidence);
  const suspicion = Math.max(0, record.suspicion + added);
  return suspicion >= SUSPICION_LIMIT ? failed : { ...record, counted: record.counted + 1, suspicion };
}

/** The record after somebody looked, whatever was found. */
export const noteLook = (record: AuditRecord, at: number): AuditRecord => ({ ...record, lookedAt: at });

/** Whether a node has to be looked at again: it never was, not for a week, or the clock went back behind the last time. */
export const isLookDue = ({ lookedAt }: Pick<AuditRecord, 'lookedAt'>, now: number): boolean =>
  lookedAt === null || lookedAt > now || now - lookedAt >= LOOK_LIFE_MS;

/** What is at stake in one job. Both in the same unit, from 0. */
export interface Stakes {
  /** What the node loses when it is caught, besides the price of this job. 0 until credits exist. */
  readonly stake: number;
  /** What the job pays. */
  readonly price: number;
}

/**
 * The share of a node's jobs that is checked, 0 to 1: all while fewer than `SURE_JOBS` counted, and whenever the stake is too
 * small for less; then `max(floor, 1 / counted)` with floor = `SAFETY` · `MOST_SAVED` / (`LEAST_DETECTION` · (1 + stake / price)).
 */
export function auditRate({ counted, stake, price }: Pick<AuditRecord, 'counted'> & Stakes): number {
  if (counted < SURE_JOBS || !(stake > 0)) return 1;
  const floor = (SAFETY * MOST_SAVED) / (LEAST_DETECTION * (1 + stake / price));
  return Math.min(1, Math.max(LEAST_RATE, floor, 1 / counted));
}

/** Whether this job is checked. Draw after the executor committed, from a chance that it cannot foresee. */
export const shouldCheck = (record: AuditRecord, { stake, price }: Stakes, chance: Chance): boolean =>
  fraction(chance) < auditRate({ counted: record.counted, stake, price });

/**
 * What cheating on one job is expected to bring, in the unit of the price; below 0 it does not pay. `saved` is the part of
 * the price that it saves, `rate` how often jobs are checked, `detection` how often a check sees this lie.
 */
export const expectedGainOfCheating = ({
  saved,
  rate,
  detection,
  stake,
  price,
}: { readonly saved: number; readonly rate: number; readonly detection: number } & Stakes): number =>
  saved * price - rate * detection * (price + stake);
