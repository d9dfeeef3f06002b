import type { Handler } from '#core/bus/capability';
import { ok } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import { MAX_HEADS, type LedgerHeadsInput, type LedgerHeadsOutput } from './contract';

export const createLedgerHeadsHandler =
  (ledger: () => Ledger): Handler<LedgerHeadsInput, LedgerHeadsOutput> =>
  async ({ after }) => {
    const behind = ledger()
      .heads()
      .filter(({ author }) => after === null || author > after);
    return ok({ heads: behind.slice(0, MAX_HEADS), more: behind.length > MAX_HEADS });
  };
