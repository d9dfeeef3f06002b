import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, type Failure, type Result } from '../base/result';
import type { Signed } from '../wire/signed';

/** What of a contribution's receipt decides about money. */
export interface OpenedContribution {
  /** Content id of the receipt: what is minted for it is minted once, whoever's log holds it. */
  readonly receipt: string;
  readonly account: NodeId;
  /** What is minted once: the same for two receipts of one contribution. */
  readonly mintKey: string;
  /** What its receipt comes to. */
  readonly mintMicros: number;
  /** The first rule of contributions that it breaks. */
  readonly fault: Failure | null;
}

export async function openContribution(_signed: Signed, _verify: Verify): Promise<Result<OpenedContribution>> {
  return fail('malformed', 'Not a contribution.');
}
