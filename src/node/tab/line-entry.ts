import type { NodeId } from '#core/base/ids';
import { fail, ok, type Result } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import { openLedgerEntry, type OpenedEntry, type OpenedSettlement } from '#core/ledger/open-event';
import type { LineDetail, LineSigner } from './ledger-desk-views';
import { verifiedBefore } from '#core/ledger/verified-before';

/** Where the entry stands that a line rests on. */
export interface Place {
  readonly author: NodeId;
  readonly seq: number;
}

/** By the line's id: the closing of a reservation before the reservation, a mint, a grant. */
export function placeOf({ state }: Ledger, lineId: string): Place | null {
  const closing = state.closingByReservation.get(lineId);
  if (closing !== undefined) return closing.carrier;
  const reservation = state.reservationsById.get(lineId);
  if (reservation !== undefined) return { author: reservation.payer, seq: reservation.seq };
  const grant = state.grantsById.get(lineId);
  if (grant !== undefined) return { author: grant.from, seq: grant.seq };
  for (const { id, carrier } of state.mintByKey.values()) if (id === lineId) return carrier;
  return null;
}

export interface ReadEntry extends Place {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export async function readEntry(ledger: Ledger, { author, seq }: Place): Promise<Result<ReadEntry>> {
  const read = await ledger.bytesOf(author, seq, 1);
  if (!read.ok) return read;
  const bytes = read.value[0];
  if (bytes === undefined && seq < ledger.heldFrom(author))
    return fail('not_all_here', 'That entry is older than what this device began with, and is still on its way.');
  return bytes === undefined
    ? fail('ledger_damaged', `Entry ${seq} of that log is not on this device any more.`)
    : ok({ author, seq, bytes });
}

type Told = Pick<LineDetail, 'signers' | 'verdicts' | 'price'>;

const once = (signers: readonly LineSigner[]): LineSigner[] => [
  ...new Map(signers.map((one) => [`${one.role}/${one.node}`, one])).values(),
];

const priceOf = ({ offer, receipt }: OpenedSettlement): LineDetail['price'] => ({
  tokens: receipt.work.inputTokens + receipt.work.outputTokens,
  rateMicros: offer.rateMicros,
  minimumMicros: offer.minimumMicros,
});

function toldBySettlement(settlement: OpenedSettlement): Told {
  const { receipt, acknowledged, verdicts } = settlement;
  return {
    signers: [
      { node: receipt.executor, role: 'payee' },
      ...(acknowledged ? [{ node: receipt.payer, role: 'payer' } as const] : []),
      ...verdicts.map(({ verdict }) => ({ node: verdict.validator, role: 'validator' }) as const),
    ],
    verdicts: verdicts.map(({ verdict: { validator, verdict, reason } }) => ({ validator, verdict, reason })),
    price: priceOf(settlement),
  };
}

/**
 * Who signed what stands in an entry, the verdicts in it, and what its charge was worked out from; of a reservation, with what was
 * `proposed` to be paid from it.
 */
export function toldBy({ author, inside, event }: OpenedEntry, proposed: OpenedSettlement | null): Told {
  switch (inside.kind) {
    case 'closing': {
      const { reservation, heads, settlement, proposed: certified, closed, reasons } = inside;
      const work = settlement === null ? null : toldBySettlement(settlement);
      const witnesses = [...heads, ...certified, ...closed].map(({ witness }) => witness);
      return {
        signers: once([
          { node: reservation.author, role: 'payer' },
          ...(work?.signers ?? []),
          ...reasons.map(({ verdict }) => ({ node: verdict.validator, role: 'validator' }) as const),
          ...witnesses.map((node) => ({ node, role: 'witness' }) as const),
        ]),
        verdicts: [
          ...(work?.verdicts ?? []),
          ...reasons.map(({ verdict: { validator, verdict, reason } }) => ({ validator, verdict, reason })),
        ],
        price: work?.price ?? null,
      };
    }
    case 'mint':
      return {
        signers: once([
          { node: author, role: 'receiver' },
          ...inside.approvals.map(({ by }) => ({ node: by, role: 'curator' }) as const),
        ]),
        verdicts: [],
        price: null,
      };
    default: {
      const work = proposed === null ? null : toldBySettlement(proposed);
      return {
        signers: once([
          { node: author, role: event.kind === 'credit.granted' ? 'giver' : 'payer' },
          ...(work?.signers ?? []),
        ]),
        verdicts: work?.verdicts ?? [],
        price: work?.price ?? null,
      };
    }
  }
}

/** What was verified when it was stored. */
export const openStored = (bytes: Uint8Array): Promise<Result<OpenedEntry>> => openLedgerEntry(bytes, verifiedBefore);
