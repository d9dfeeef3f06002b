import type { NodeId } from '#core/base/ids';
import type { LedgerState } from '#core/ledger/ledger-state';
import type { Book, DoneJob, Grabbing } from './book';
import type { Drawn } from './liar';

/** Milliseconds: in the middle, at 95 of a hundred, at most; null where nothing was measured. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p95: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  return { count: sorted.length, median: at(0.5), p95: at(0.95), most: sorted.at(-1)! };
}

interface Sum {
  readonly jobs: number;
  readonly micros: number;
}

/** Forgers by how many of the witnesses drawn for them lie: up to two, and more. */
export type Company = 'upToTwo' | 'more';

/** What one run came to. */
export interface Figures {
  readonly scenario: string;
  readonly share: number;
  readonly adversaries: number;
  /** What honest payees were paid for work, and what of their work nobody will pay, by who ought to have. */
  readonly paid: Sum;
  readonly lostToForgers: Sum;
  readonly lostToSilent: Sum;
  readonly lostToHonest: Sum;
  /** Of what was lost, that for which the payee had been shown a certificate. */
  readonly lostCertified: Sum;
  /** The most that one payee lost to one payer without a certificate. */
  readonly mostLostToOneMicros: number;
  readonly supplyMicros: number;
  readonly sumOfBalancesMicros: number;
  readonly spends: Readonly<
    Record<
      Company,
      {
        readonly forgers: number;
        /** Places for which two entries were shown to payees; those for which two payees worked; two certificates; two payments. */
        readonly tried: number;
        readonly taken: number;
        readonly certified: number;
        readonly paidTwice: number;
        /** What forgers owe beyond their limits. */
        readonly beyondLimitsMicros: number;
      }
    >
  >;
  /** What honest payers were charged by payees that did nothing. */
  readonly grabbed: Readonly<Record<Grabbing, Sum & { readonly tried: number }>>;
  /** From when an honest node was told the second history. */
  readonly toFirstProof: Spread | null;
  readonly toLastProof: Spread | null;
  /** From the end of the cut, for those that were told while it lasted. */
  readonly healedToLastProof: Spread | null;
  readonly unproved: number;
  readonly asked: number;
  readonly favours: number;
  readonly askedCut: number;
  readonly favoursCut: number;
  readonly refused: number;
  readonly interrupted: number;
  /** How long after the end of its window honest work was paid, when it was done in a whole mesh and while it was cut. */
  readonly delay: Spread | null;
  readonly delayCut: Spread | null;
  /** Different states among honest nodes at the end. */
  readonly digests: number;
}

export interface Seen {
  readonly scenario: string;
  readonly share: number;
  readonly adversaries: readonly NodeId[];
  readonly honest: readonly NodeId[];
  readonly silent: ReadonlySet<NodeId>;
  readonly drawn: (payer: NodeId) => Drawn;
  readonly book: Book;
  readonly state: LedgerState;
  readonly digests: number;
  readonly healedMs: number | null;
  readonly cutMs: number | null;
}

const WINDOW_MS = 600_000;
/** A forger is stopped by up to so many liars among its seven. */
const LIARS_BORNE = 2;

const sumOf = (jobs: readonly DoneJob[]): Sum => ({
  jobs: jobs.length,
  micros: jobs.reduce((sum, { chargeMicros }) => sum + chargeMicros, 0),
});

export function figuresOf(seen: Seen): Figures {
  const { book, state, honest, adversaries, silent } = seen;
  const settledOf = (reservation: string) => {
    const closing = state.closingByReservation.get(reservation);
    return closing?.outcome === 'settled' ? closing : null;
  };
  const paid = book.jobs.filter(({ reservation }) => settledOf(reservation) !== null);
  const lost = book.jobs.filter(({ reservation }) => settledOf(reservation) === null);
  const byPair = new Map<string, number>();
  for (const { payer, payee, chargeMicros, isCertified } of lost)
    if (!isCertified) byPair.set(`${payer} ${payee}`, (byPair.get(`${payer} ${payee}`) ?? 0) + chargeMicros);

  const companyOf = (payer: NodeId): Company => (seen.drawn(payer).lying.length <= LIARS_BORNE ? 'upToTwo' : 'more');
  const spendsOf = (company: Company): Figures['spends'][Company] => {
    const forgers = adversaries.filter((one) => book.forgedMs.has(one) && companyOf(one) === company);
    const places = [...book.spends.values()].filter(
      ({ payer, entries }) => entries.size > 1 && companyOf(payer) === company,
    );
    const twice = (counts: (entry: string, tried: { taken: number; isCertified: boolean }) => boolean): number =>
      places.filter(({ entries }) => [...entries].filter(([id, tried]) => counts(id, tried)).length > 1).length;
    const beyond = forgers.reduce((sum, one) => {
      const { limitMicros, carvedMicros } = state.accountOf(one);
      return sum + Math.max(0, -state.balanceOf(one).confirmedMicros - (limitMicros - carvedMicros));
    }, 0);
    return {
      forgers: forgers.length,
      tried: places.length,
      taken: twice((_, { taken }) => taken > 0),
      certified: twice((_, { isCertified }) => isCertified),
      paidTwice: twice((id) => settledOf(id) !== null),
      beyondLimitsMicros: beyond,
    };
  };

  const grabbedBy = (how: Grabbing): Figures['grabbed'][Grabbing] => {
    const tried = [...book.grabbed].filter(([, one]) => one === how);
    const charged = tried.flatMap(([reservation]) => settledOf(reservation) ?? []);
    return {
      tried: tried.length,
      jobs: charged.length,
      micros: charged.reduce((sum, { chargeMicros }) => sum + chargeMicros, 0),
    };
  };

  const [first, last, healed]: number[][] = [[], [], []];
  let unproved = 0;
  for (const [forger, forgedMs] of book.forgedMs) {
    const proved = honest.flatMap((one) => book.provedMs.get(forger)?.get(one) ?? []);
    if (proved.length < honest.length) {
      unproved += 1;
      continue;
    }
    const firstMs = proved.reduce((least, one) => Math.min(least, one), Infinity);
    const lastMs = proved.reduce((most, one) => Math.max(most, one), 0);
    first!.push(firstMs - forgedMs);
    last!.push(lastMs - forgedMs);
    const isBehindCut = seen.cutMs !== null && forgedMs >= seen.cutMs && forgedMs < seen.healedMs!;
    if (isBehindCut) healed!.push(lastMs - seen.healedMs!);
  }

  const delays = (wasCut: boolean): number[] =>
    paid
      .filter((job) => job.wasCut === wasCut && job.isPayerHonest)
      .map(({ reservation, atMs }) => Math.max(0, settledOf(reservation)!.at - atMs - WINDOW_MS));

  return {
    scenario: seen.scenario,
    share: seen.share,
    adversaries: adversaries.length,
    paid: sumOf(paid),
    lostToForgers: sumOf(lost.filter(({ payer, isPayerHonest }) => !isPayerHonest && !silent.has(payer))),
    lostToSilent: sumOf(lost.filter(({ payer }) => silent.has(payer))),
    lostToHonest: sumOf(lost.filter(({ isPayerHonest }) => isPayerHonest)),
    lostCertified: sumOf(lost.filter(({ isCertified }) => isCertified)),
    mostLostToOneMicros: Math.max(0, ...byPair.values()),
    supplyMicros: state.supplyMicros,
    sumOfBalancesMicros: state.accountHolders.reduce((sum, one) => sum + state.balanceOf(one).confirmedMicros, 0),
    spends: { upToTwo: spendsOf('upToTwo'), more: spendsOf('more') },
    grabbed: { before: grabbedBy('before'), after: grabbedBy('after') },
    toFirstProof: spreadOf(first!),
    toLastProof: spreadOf(last!),
    healedToLastProof: spreadOf(healed!),
    unproved,
    asked: book.asked,
    favours: book.favours,
    askedCut: book.askedCut,
    favoursCut: book.favoursCut,
    refused: book.refused,
    interrupted: book.interrupted,
    delay: spreadOf(delays(false)),
    delayCut: spreadOf(delays(true)),
    digests: seen.digests,
  };
}
