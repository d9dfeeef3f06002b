import { ok } from '#core/base/result';
import type { Handler } from '#core/bus/capability';
import type { CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import { PART_BYTES, type LedgerCheckpointInput, type LedgerCheckpointOutput } from './contract';

export const createLedgerCheckpointHandler =
  (latest: () => Promise<CertifiedCheckpoint | null>): Handler<LedgerCheckpointInput, LedgerCheckpointOutput> =>
  async ({ part }) => {
    const certified = await latest();
    if (certified === null) return ok({ signed: null, bytes: new Uint8Array(0) });
    const { signed, packed } = certified;
    const bytes = part === null ? new Uint8Array(0) : packed.slice(part * PART_BYTES, (part + 1) * PART_BYTES);
    return ok({ signed, bytes });
  };
