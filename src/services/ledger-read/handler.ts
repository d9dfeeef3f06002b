import type { Handler } from '#core/bus/capability';
import { ok } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import {
  MAX_ENTRIES_PER_ANSWER,
  MAX_ENTRY_BYTES_PER_ANSWER,
  type LedgerReadInput,
  type LedgerReadOutput,
} from './contract';

export const createLedgerReadHandler =
  (ledger: () => Ledger): Handler<LedgerReadInput, LedgerReadOutput> =>
  async ({ author, from }) => {
    const read = await ledger().bytesOf(author, from, MAX_ENTRIES_PER_ANSWER);
    return read.ok ? ok({ entries: [...asManyAsFit(read.value)] }) : read;
  };

/** The first of the entries that go into one message. */
export function asManyAsFit(entries: readonly Uint8Array<ArrayBuffer>[]): readonly Uint8Array<ArrayBuffer>[] {
  let room = MAX_ENTRY_BYTES_PER_ANSWER;
  const end = entries.findIndex((entry, at) => at >= MAX_ENTRIES_PER_ANSWER || (room -= entry.length) < 0);
  return end === -1 ? entries : entries.slice(0, end);
}
