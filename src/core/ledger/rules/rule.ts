import { fail, ok, type Result } from '../../base/result';

/** What every rule has, whatever it judges and however. `core/economy/all-rules.ts` gathers them all. */
export interface NamedRule {
  /** Stable: what is recorded with a refusal. */
  readonly name: string;
  /** What was wrong, for a person. */
  readonly sentence: string;
}

/**
 * A rule that holds or does not. One of the ledger sees what stands before the event in its own causal past and nothing else, so
 * that it gives the same answer on every node, whatever arrived in which order.
 */
export interface Rule<Context> extends NamedRule {
  readonly holds: (context: Context) => boolean;
}

/** The first rule that does not hold, as a failure whose code is its name. */
export function keepsAll<Context>(rules: readonly Rule<Context>[], context: Context): Result<void> {
  const broken = rules.find((rule) => !rule.holds(context));
  return broken === undefined ? ok(undefined) : fail(broken.name, broken.sentence);
}
