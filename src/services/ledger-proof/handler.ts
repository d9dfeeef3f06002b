import type { Handler } from '#core/bus/capability';
import { ok } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import type { LedgerProofInput, LedgerProofOutput } from './contract';

export const createLedgerProofHandler =
  (ledger: () => Ledger): Handler<LedgerProofInput, LedgerProofOutput> =>
  async ({ proof }) => {
    const taken = await ledger().receiveProof(proof);
    return taken.ok ? ok({ taken: taken.value }) : taken;
  };
