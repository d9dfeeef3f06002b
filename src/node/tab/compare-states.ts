import type { LedgerState } from '#core/ledger/ledger-state';
import type { Pace } from './replay-held';

/** More differences than this tell nobody more. */
const MOST_DIFFERENCES = 20;

export interface StateComparison {
  readonly compared: number;
  readonly differences: readonly string[];
}

/** Holds two states of one set of logs against each other, thing by thing: a digest of everything would stop the page. */
export async function compareStates(anew: LedgerState, inUse: LedgerState, pace: Pace): Promise<StateComparison> {
  let compared = 0;
  const differences: string[] = [];
  const differ = (sentence: string): void => {
    if (differences.length < MOST_DIFFERENCES) differences.push(sentence);
  };
  async function compare(what: string, a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>) {
    for (const [id, value] of a) {
      compared += 1;
      if (!b.has(id)) differ(`The ${what} ${id} is missing in the state in use.`);
      else if (!isSame(value, b.get(id))) differ(`The ${what} ${id} is another one in the state in use.`);
      await pace();
    }
    for (const id of b.keys())
      if (!a.has(id)) differ(`The state in use has a ${what} ${id} that the logs do not give.`);
  }
  const balancesOf = (state: LedgerState) =>
    new Map(
      state.accountHolders.map((account) => [account, { ...state.balanceOf(account), ...state.accountOf(account) }]),
    );
  const refusalsOf = ({ refusals }: LedgerState) => new Map(refusals.map((one) => [one.entry, one]));

  await compare('balance of', balancesOf(anew), balancesOf(inUse));
  await compare('reservation', anew.reservationsById, inUse.reservationsById);
  await compare('proposal', anew.proposalsById, inUse.proposalsById);
  await compare('closing of', anew.closingByReservation, inUse.closingByReservation);
  await compare('grant', anew.grantsById, inUse.grantsById);
  await compare('mint', anew.mintByKey, inUse.mintByKey);
  await compare('challenge', anew.challengesById, inUse.challengesById);
  await compare('ruling on', anew.rulings, inUse.rulings);
  await compare('verification receipt for', anew.verifications, inUse.verifications);
  await compare('offer', anew.offersById, inUse.offersById);
  await compare('naming of witnesses', anew.rostersById, inUse.rostersById);
  await compare('receipt', anew.receiptsById, inUse.receiptsById);
  await compare('units of', anew.unitsByNode, inUse.unitsByNode);
  await compare('refusal of', refusalsOf(anew), refusalsOf(inUse));
  await compare('ban of', anew.bannedFrom, inUse.bannedFrom);
  if (anew.supplyMicros !== inUse.supplyMicros) differ('The supply is another one in the state in use.');
  return { compared: compared + 1, differences };
}

/** Plain data, whatever the order of its keys: a state may come from a checkpoint. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => key in b && isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}
