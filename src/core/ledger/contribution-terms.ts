import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import type { Failure, Result } from '../base/result';
import type { Signed } from '../wire/signed';

/** What of a contribution's receipt decides about money. */
export interface OpenedContribution {
  /** Content id of the receipt, whoever's log holds it: what curators approve. */
  readonly receipt: string;
  readonly account: NodeId;
  /** What is minted once: the same for two receipts of one contribution. */
  readonly mintKey: string;
  /** What its receipt comes to. */
  readonly mintMicros: number;
  /** The first rule of contributions that it breaks. */
  readonly fault: Failure | null;
}

/**
 * Contributions are rare, and their schemas and rules weigh as much as those of everything else in a log: they are loaded with the first
 * one. Codes of `openContributionReceipt`.
 */
export async function openContribution(signed: Signed, verify: Verify): Promise<Result<OpenedContribution>> {
  const contributions = await import('./growth/open-contribution');
  return contributions.openContribution(signed, verify);
}
